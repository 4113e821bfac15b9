"""What a run leaves on disk: findings, their file and schema, witnesses, scripts, and the registry of deviations.

Rules: imports `contract`, `engine` and `analysis`; the report knows nothing but what is written here.
"""
