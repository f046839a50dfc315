"""Move the wall clock of this process, so that a test that depends on today's date fails now and not next year.

Only what asks for the current time is replaced; the classes stay usable as before. Clocks that measure durations stay.
"""

import datetime as dt
import time

_NAMES = ("time", "time_ns", "localtime", "gmtime", "ctime", "asctime", "strftime")


def shift(seconds):
    """Make the current time `seconds` later (a number that is not zero; one microsecond only replaces the classes)."""
    real = {name: getattr(time, name) for name in _NAMES}

    def now():
        return real["time"]() + seconds

    time.time = now
    time.time_ns = lambda: real["time_ns"]() + int(seconds * 1000000000)
    time.localtime = lambda moment=None: real["localtime"](now() if moment is None else moment)
    time.gmtime = lambda moment=None: real["gmtime"](now() if moment is None else moment)
    time.ctime = lambda moment=None: real["ctime"](now() if moment is None else moment)
    time.asctime = lambda parts=None: real["asctime"](time.localtime() if parts is None else parts)
    time.strftime = lambda form, parts=None: real["strftime"](form, time.localtime() if parts is None else parts)
    _shift_classes(now)


def _shift_classes(now):
    real_date, real_datetime = dt.date, dt.datetime

    class Kind(type):
        def __instancecheck__(cls, value):
            return isinstance(value, real_datetime if issubclass(cls, real_datetime) else real_date)

        def __subclasscheck__(cls, other):
            return type.__subclasscheck__(real_datetime if real_datetime in cls.__mro__ else real_date, other)

    class date(real_date, metaclass=Kind):  # noqa: N801 - `repr` shows the name
        @classmethod
        def today(cls):
            return real_date.fromtimestamp(now())

    class Datetime(real_datetime, metaclass=Kind):
        @classmethod
        def now(cls, tz=None):
            return real_datetime.fromtimestamp(now(), tz)

        @classmethod
        def utcnow(cls):
            return real_datetime.fromtimestamp(now(), dt.timezone.utc).replace(tzinfo=None)

        @classmethod
        def today(cls):
            return real_datetime.fromtimestamp(now())

    for new, name in ((date, "date"), (Datetime, "datetime")):
        new.__name__ = new.__qualname__ = name
        new.__module__ = "datetime"
        setattr(dt, name, new)
