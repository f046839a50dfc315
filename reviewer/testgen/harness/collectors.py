"""Measure which lines and arcs of the changed files ran, and under which test.

Uses coverage.py if it can be imported, with the core that can switch contexts; otherwise our own tracer, which is
slower and gives the same results. Lines are as Python traced them; the reader maps them to statements.
"""

import os
import sys
import threading
import warnings


def make(files):
    """Return a collector for the files: real path -> name to report."""
    os.environ["COVERAGE_CORE"] = "ctrace"  # sys.monitoring cannot distinguish tests
    try:
        import coverage
    except ImportError:
        return Traced(files)
    return Covered(files, coverage)


class Covered:
    """coverage.py, for the changed files only."""

    name = "coverage"

    def __init__(self, files, coverage):
        self._files = files
        self._cover = coverage.Coverage(
            data_file=None, branch=True, config_file=False, include=sorted(files), messages=False
        )

    def start(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._cover.start()

    def switch(self, name):
        self._cover.switch_context(name)

    def stop(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._cover.stop()

    def files(self):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            data = self._cover.get_data()
        found = {}
        for measured in data.measured_files():
            name = self._files.get(os.path.realpath(measured))
            if name is not None:
                arcs = sorted(data.arcs(measured) or ())
                contexts = data.contexts_by_lineno(measured)
                found[name] = _written(data.lines(measured) or (), arcs, contexts)
        return found


class Traced:
    """A tracer in Python, used if coverage.py is not installed."""

    name = "settrace"

    def __init__(self, files):
        self._files = files
        self._context = ""
        self._names = {}
        self._arcs = {name: set() for name in files.values()}
        self._contexts = {name: {} for name in files.values()}

    def start(self):
        threading.settrace(self._called)
        sys.settrace(self._called)

    def switch(self, name):
        self._context = name

    def stop(self):
        sys.settrace(None)
        threading.settrace(None)

    def _called(self, frame, event, argument):
        file = frame.f_code.co_filename
        if file not in self._names:
            self._names[file] = self._files.get(os.path.realpath(file))
        name = self._names[file]
        return None if name is None else self._follow(name, frame.f_code.co_firstlineno)

    def _follow(self, name, first):
        arcs, contexts = self._arcs[name], self._contexts[name]
        last = [-first]

        def traced(frame, event, argument):
            if event == "line":
                arcs.add((last[0], frame.f_lineno))
                last[0] = frame.f_lineno
                contexts.setdefault(frame.f_lineno, set()).add(self._context)
            elif event == "return":
                arcs.add((last[0], -first))
            return traced

        return traced

    def files(self):
        return {
            name: _written(contexts, sorted(self._arcs[name]), contexts) for name, contexts in self._contexts.items()
        }


def _written(lines, arcs, contexts):
    """Return the report of a file, with the test names by line; the context of imports is left out."""
    by_line = {str(line): sorted(name for name in names if name) for line, names in contexts.items()}
    return {"lines": sorted(lines), "arcs": [list(arc) for arc in arcs], "contexts": by_line}
