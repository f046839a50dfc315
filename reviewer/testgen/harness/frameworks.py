"""One interface for pytest and unittest: collect the tests, then pass the items to a loop that runs them.

A framework is a function of the job, the report function `say` and the loop. It returns the reason if it could not run
the tests, else "". An item has a `name` and `run(next_item)`, which returns the outcome as JSON values.
"""

import copy
import os
import sys
import time
import traceback
import unittest

#: Characters of a message and of a traceback that are reported.
MOST_MESSAGE, MOST_TRACE = 2000, 8000


def outcome(name, word, seconds, error=None, text=None, place=None):
    """Return the outcome of one test. `place` is the test's file; `error` is the exception, if one was raised."""
    result = {"id": name, "outcome": word, "seconds": round(seconds, 4)}
    if error is None:
        return result
    frames = [
        frame
        for frame, _ in traceback.walk_tb(error.__traceback__)
        if "__unittest" not in frame.f_globals and not _framework(frame)
    ]
    lines = {id(frame): line for frame, line in traceback.walk_tb(error.__traceback__)}
    last = frames[-1] if frames else None
    where = os.path.realpath(last.f_code.co_filename) if last else ""
    kind = type(error).__name__
    asserted = isinstance(error, AssertionError) or kind == "Failed"
    result.update(
        kind=kind,
        line=lines[id(last)] if last else 0,
        asserted=bool(asserted and place and where == os.path.realpath(place)),
        message=str(error)[:MOST_MESSAGE],
        trace=("".join(traceback.format_exception(type(error), error, error.__traceback__)) if text is None else text)[
            -MOST_TRACE:
        ],
    )
    return result


def _framework(frame):
    module = frame.f_globals.get("__name__") or ""
    return module.split(".")[0] in ("_pytest", "pytest", "pluggy", "unittest")


def run_pytest(job, say, loop):
    """Collect with pytest and run the items by its own protocol."""
    try:
        import pytest
    except ImportError as error:
        return "pytest cannot be imported: %s" % error

    watcher = _watcher(pytest, job, say, loop)
    arguments = ["-p", "no:cacheprovider", "-p", "no:randomly", "--basetemp", job["basetemp"]]
    if job["mutants"]:
        arguments += ["--tb=no"]  # nobody reads why a mutant was killed, and formatting it takes longer than the test
    code = pytest.main(job["arguments"] + arguments + job["paths"], plugins=[watcher])
    if not watcher.collected and int(code) not in (0, 2, 5):
        return "pytest ended with code %d before it collected tests" % int(code)
    return ""


def _watcher(pytest, job, say, loop):
    """Return the plugin that runs the loop instead of pytest's own and reports what cannot be collected."""

    class Watcher:
        def __init__(self):
            self.current = None
            self.collected = False

        def pytest_collectreport(self, report):
            if report.failed:
                say(error={"id": report.nodeid, "text": str(report.longrepr)[-MOST_TRACE:]})

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtestloop(self, session):
            self.collected = True
            if job["mutants"]:
                for item in session.items:
                    item.repr_failure = _short_failure
            loop([_PytestItem(item, self) for item in session.items])
            return True

        @pytest.hookimpl(hookwrapper=True)
        def pytest_runtest_makereport(self, item, call):
            result = yield
            report = result.get_result()
            if self.current is not None:
                self.current.record(report, call)

        def pytest_runtest_logreport(self, report):
            if self.current is not None and report.failed:
                self.current.failed_somewhere = True

    return Watcher()


def _short_failure(excinfo, style=None):
    """Replace an item's `repr_failure`, which takes longer than the test and is not needed for mutants."""
    return "failed"


class _PytestItem:
    def __init__(self, item, watcher):
        self.name = item.nodeid
        self._item = item
        self._watcher = watcher
        self._reset()

    def _reset(self):
        self.word, self.error, self.text, self.failed_somewhere = "passed", None, None, False

    def record(self, report, call):
        """Record the outcome of one phase; keep the first failure."""
        if self.word not in ("passed", "xpassed"):
            return
        if report.failed:
            self.word = "failed" if report.when == "call" else "error"
            self.error = call.excinfo.value if call.excinfo else None
            self.text = str(report.longrepr)
        elif hasattr(report, "wasxfail"):
            self.word = "xfailed" if report.skipped else "xpassed"
        elif report.skipped:
            self.word = "skipped"

    def run(self, following):
        self._reset()
        self._watcher.current = self
        start = time.perf_counter()
        self._item.config.hook.pytest_runtest_protocol(item=self._item, nextitem=following and following._item)
        self._watcher.current = None
        if self.word == "passed" and self.failed_somewhere:
            self.word = "failed"
        error, self.error = self.error, None
        return outcome(self.name, self.word, time.perf_counter() - start, error, self.text, str(self._item.fspath))


def run_unittest(job, say, loop):
    """Find the tests with unittest's loader; run each as its own suite, class fixtures included."""
    loader = unittest.TestLoader()
    suites = (
        [_discovered(path) for path in job["paths"]] if job["paths"] else [_from_arguments(loader, job["arguments"])]
    )
    items = []
    for case in _flat(suites):
        if type(case).__module__ == "unittest.loader":  # stands for a module that the loader cannot import
            say(error={"id": case.id(), "text": str(getattr(case, "_exception", case))[-MOST_TRACE:]})
        else:
            items.append(_UnittestItem(case))
    loop(items)
    return ""


def _discovered(path):
    folder, name = os.path.split(path)
    top = folder
    while os.path.exists(os.path.join(top, "__init__.py")):
        top = os.path.dirname(top)
    if os.path.isdir(path):
        return unittest.TestLoader().discover(path, top_level_dir=None)
    return unittest.TestLoader().discover(folder, pattern=name, top_level_dir=top)


def _from_arguments(loader, arguments):
    """Load the tests that `python -m unittest` with these arguments would load."""
    if arguments and arguments[0] != "discover":
        return loader.loadTestsFromNames([argument for argument in arguments if not argument.startswith("-")])
    import argparse

    parser = argparse.ArgumentParser()
    parser.add_argument("start", nargs="?")
    parser.add_argument("-s", "--start-directory", dest="directory")
    parser.add_argument("-p", "--pattern", default="test*.py")
    parser.add_argument("-t", "--top-level-directory", dest="top")
    options, _ = parser.parse_known_args(arguments[1:])
    return loader.discover(options.directory or options.start or ".", options.pattern, options.top)


def _flat(tests):
    for test in tests:
        if isinstance(test, unittest.TestSuite):
            for case in _flat(test):
                yield case
        else:
            yield test


class _UnittestItem:
    def __init__(self, case):
        self.name = case.id()
        self._case = case

    def run(self, following):
        result = _Result()
        start = time.perf_counter()
        # A suite, and a case of async tests, cannot be run twice (it closes its loop for good): use new ones.
        unittest.TestSuite([copy.copy(self._case)]).run(result)
        seconds = time.perf_counter() - start
        place = getattr(sys.modules.get(type(self._case).__module__), "__file__", None)
        return outcome(self.name, result.word, seconds, result.error, None, place)


class _Result(unittest.TestResult):
    def __init__(self):
        super().__init__()
        self.word, self.error = "passed", None

    def _note(self, word, error=None):
        if self.word == "passed":
            self.word, self.error = word, error

    def addFailure(self, test, err):
        self._note("failed", err[1])

    def addError(self, test, err):
        self._note("failed" if isinstance(test, unittest.TestCase) else "error", err[1])

    def addSubTest(self, test, subtest, err):
        if err is not None:
            self._note("failed", err[1])

    def addSkip(self, test, reason):
        self._note("skipped")

    def addExpectedFailure(self, test, err):
        self._note("xfailed")

    def addUnexpectedSuccess(self, test):
        self._note("xpassed")


FRAMEWORKS = {"pytest": run_pytest, "unittest": run_unittest}
