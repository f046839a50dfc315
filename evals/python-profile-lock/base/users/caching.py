"""Keep profiles for a minute."""

from users.locks import user_lock

_KEPT = {}


def refreshed(user_id):
    """Return the profile that is kept, or a new one."""
    with user_lock(user_id):
        return _KEPT.get(user_id)
