"""Generate tests for Python code and judge them by coverage of lines and by mutants."""
