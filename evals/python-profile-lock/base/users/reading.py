"""Read profiles."""

from users.caching import refreshed


def load_profile(user_id):
    """Return the profile of a user, as new as it must be."""
    return refreshed(user_id)
