"""Profiles of users."""

from users.locks import user_lock
from users.reading import load_profile


def rename(user_id, name):
    """Change a user's name."""
    profile = load_profile(user_id)
    with user_lock(user_id):
        profile.name = name
        profile.save()
