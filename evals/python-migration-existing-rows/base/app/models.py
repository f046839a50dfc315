"""Tables."""

COLUMNS = {"users": ["id", "email"]}
