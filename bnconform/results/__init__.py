"""Everything that a run leaves on disk: findings, their file and schema, witnesses, scripts, the registry of
deviations.

Rules: imports `contract`, `engine` and `analysis`; the report knows nothing but these files.
"""
