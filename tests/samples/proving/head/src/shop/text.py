"""Words for web addresses."""


def slug(title, limit=20):
    """Return the title in lower case with hyphens between words, at most `limit` characters, no hyphen at the end."""
    words = []
    for word in title.lower().split():
        kept = "".join(letter for letter in word if letter.isalnum())
        if kept:
            words.append(kept)
    joined = "-".join(words)
    if len(joined) > limit:
        joined = joined[:limit].rstrip("-")
    return joined
