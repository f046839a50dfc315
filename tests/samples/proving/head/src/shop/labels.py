"""What is printed on parcels."""


def badge(name, *, gift=False, fragile=False):
    """Return the marks of a parcel: its name, then `gift` and `fragile` in brackets, in that order."""
    marks = []
    if gift:
        marks.append("gift")
    if fragile:
        marks.append("fragile")
    return f"{name} [{', '.join(marks)}]" if marks else name
