"""History: what became of statements and defects from version to version, over the results of any number of runs."""
