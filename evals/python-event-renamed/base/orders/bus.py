"""Deliver events to their listeners."""

LISTENERS = {}


def listen(event):
    """Register a function for an event."""
    return lambda function: LISTENERS.setdefault(event, []).append(function)


def send(event, data):
    """Call what listens to the event."""
    for function in LISTENERS.get(event, []):
        function(data)
