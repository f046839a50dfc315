"""Generate tests for languages other than Python: find their test runners, run them and read their reports."""
