"""What lies on the shelves."""


class Shelf:
    """A number of pieces of one thing."""

    def __init__(self, count):
        self.count = count
        self.log = []

    def take(self, wanted):
        """Take pieces from the shelf; return how many are missing. Raises ValueError for less than one."""
        if wanted < 1:
            raise ValueError("take at least one")
        given = min(wanted, self.count)
        self.count -= given
        self.log.append(given)
        return wanted - given

    @property
    def empty(self):
        return self.count == 0
