"""What lies on the shelves."""


class Shelf:
    """A number of pieces of one thing."""

    def __init__(self, count):
        self.count = count
        self.log = []

    @property
    def empty(self):
        return self.count == 0
