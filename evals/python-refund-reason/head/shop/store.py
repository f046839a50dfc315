"""Write rows."""


def insert(table, **values):
    """Insert a row and return its id."""
    raise NotImplementedError
