"""Record with which arguments the functions under test are called, under which test."""

import os
import re
import sys
import threading

#: The most characters of one argument, and the most calls that are recorded for one test.
MOST_TEXT, MOST_CALLS = 300, 200

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{4,}")


class Observer:
    """Watches functions by file and first line. `units` are pairs of a path of the tree and lines."""

    def __init__(self, units, root):
        self._units = {(os.path.realpath(os.path.join(root, path)), line) for path, lines in units for line in lines}
        self._files = {}
        self._test = ""
        self._inside = False
        self.inputs = {}

    def start(self):
        threading.setprofile(self._event)
        sys.setprofile(self._event)

    def stop(self):
        sys.setprofile(None)
        threading.setprofile(None)

    def switch(self, name):
        self._test = name

    def _event(self, frame, event, argument):
        if event != "call" or self._inside:
            return
        code = frame.f_code
        if code.co_filename not in self._files:
            self._files[code.co_filename] = os.path.realpath(code.co_filename)
        if (self._files[code.co_filename], code.co_firstlineno) not in self._units:
            return
        calls = self.inputs.setdefault(self._test, [])
        if len(calls) < MOST_CALLS:
            self._inside = True  # `repr` may call the function itself
            try:
                calls.append(_input(frame, code))
            finally:
                self._inside = False


def _input(frame, code):
    """Return the arguments as text, without the object of a method."""
    count = code.co_argcount + code.co_kwonlyargcount + bool(code.co_flags & 4) + bool(code.co_flags & 8)
    names = [name for name in code.co_varnames[:count] if name not in ("self", "cls")]
    return code.co_name + "(" + ", ".join(name + "=" + _text(frame.f_locals.get(name)) for name in names) + ")"


def _text(value):
    try:
        return _ADDRESS.sub("0x", repr(value))[:MOST_TEXT]
    except BaseException as error:  # noqa: BLE001 - any class may have a broken `repr`
        return "<%s>" % type(error).__name__
