"""The session of pytest that judges: plugin, test items, the run that answers them, progress and the run record."""
