"""Reports on disk."""


def report(path, rows):
    """Write the rows to the file, one a line, and return how many were written. Empty rows are left out."""
    written = 0
    with open(path, "w", encoding="utf-8") as file:
        for row in rows:
            if not row:
                continue
            file.write(f"{row}\n")
            written += 1
    return written
