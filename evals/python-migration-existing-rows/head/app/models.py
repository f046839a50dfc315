"""Tables."""

COLUMNS = {"users": ["id", "email", "country"]}
