"""Change test files that exist: add tests at their end, update what they expect."""
