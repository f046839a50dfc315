"""A lock for each user. It cannot be taken twice by the same thread."""

from collections import defaultdict
from threading import Lock

_LOCKS = defaultdict(Lock)


def user_lock(user_id):
    """Return the lock of a user."""
    return _LOCKS[user_id]
