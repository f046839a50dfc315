"""Run the collected tests once for each mutant, in a fork in which the code objects of one function are swapped.

A mutant is a span of bytes of a file and its replacement. It is `killed` if a test fails, `survived` if all pass,
`timeout` if they take too long, `unswappable` if no live function could get the mutated code, `odd` if it does not
compile or the fork ended in another way. Code outside functions is mutated at import instead: `overlay`. Each report
has the seconds of the mutant, the seconds of its tests from set-up to teardown, and the processor time of both.
"""

import gc
import importlib.abc
import importlib.machinery
import os
import signal
import sys
import time
from select import POLLIN, poll  # imported now, because the code under test may patch the module

import swapping

#: The exit codes of a fork. Not 0 and 1, so that a test that ends its process is not mistaken for a result.
OUTCOMES = {83: "survived", 84: "killed", 85: "unswappable"}

#: The most failing tests of one mutant that are reported.
MOST_KILLERS = 2000

#: Milliseconds between two checks of a silent fork: it may have ended while a process it left keeps its pipe open.
CHECK_MILLISECONDS = 50


def judge(items, job, root, say):
    """Run the items once for each mutant, each in a fork of this process, and report the outcome."""
    say(collected=[item.name for item in items])
    by_name = {item.name: item for item in items}
    real = {mutant["path"]: os.path.realpath(os.path.join(root, mutant["path"])) for mutant in job["mutants"]}
    alive = swapping.functions(set(real.values()))
    files = {path: swapping.read(place) for path, place in real.items()}
    if hasattr(gc, "freeze"):
        gc.freeze()  # so that the collector does not touch, and thereby copy, memory that the forks share
    limit = job["seconds"]
    for mutant in job["mutants"]:
        names = mutant["tests"]
        chosen = items if names is None else [by_name[name] for name in names if name in by_name]
        start, ours = time.monotonic(), time.process_time()
        word, tests, killers, spent = _judged(mutant, chosen, files[mutant["path"]], alive, limit, job["every"])
        seconds = time.monotonic() - start
        if mutant["id"] == "green":  # the first canary also measures how long the tests take
            limit = max(job["least_seconds"], 3 * seconds)
        spent += time.process_time() - ours
        result = {"id": mutant["id"], "outcome": word, "seconds": round(seconds, 4), "tests_seconds": tests}
        result["cpu_seconds"] = round(spent, 4)
        if job["every"]:
            result["killers"] = [chosen[index].name for index in killers if index < len(chosen)]
        say(mutant=result)


def _judged(mutant, items, file, alive, limit, every):
    """Return the outcome of the mutant, the seconds of its tests, the places of those that failed, and the fork's CPU.

    Without `every` the first failing test ends it.
    """
    pairs = []
    if mutant["after"] is not None:
        if file is None:
            return "odd", 0.0, (), 0.0
        try:  # compile before the fork: in each fork it would take longer
            pairs = swapping.pairs(mutant, file, alive)
        except swapping.BROKEN:
            return "odd", 0.0, (), 0.0
        if not pairs:
            return "unswappable", 0.0, (), 0.0
    return _forked(pairs, items, limit, every)


def _forked(pairs, items, limit, every):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 86
        try:
            _silence()
            code, seconds, killers = _verdict(pairs, items, every)
            os.write(writing, ("%.4f %s" % (seconds, ",".join(map(str, killers[:MOST_KILLERS])))).encode())
        finally:
            os._exit(code)
    os.close(writing)
    try:
        status, message, spent = _ended(child, reading, limit)
    finally:
        os.close(reading)
    if status is None:
        return "timeout", 0.0, (), spent
    word = OUTCOMES.get(os.WEXITSTATUS(status), "odd") if os.WIFEXITED(status) else "odd"
    seconds, _, killers = message.partition(b" ")
    return word, _seconds(seconds), [int(part) for part in killers.split(b",") if part.isdigit()], spent


def _ended(child, reading, limit):
    """Wait at most `limit` seconds for the child; return its status (None if we killed it), its message and its CPU.

    The pipe only wakes us: it may be closed early, or kept open by a process that a test left behind.
    """
    message, woken = b"", False
    listener = poll()
    listener.register(reading, POLLIN)
    deadline = time.monotonic() + limit
    pause = 0.0002
    while True:
        ended, status, used = os.wait4(child, os.WNOHANG)
        if ended:
            rest = message or (os.read(reading, 1 << 16) if listener.poll(0) else b"")
            return status, rest, used.ru_utime + used.ru_stime
        left = deadline - time.monotonic()
        if left < 0:
            os.kill(child, signal.SIGKILL)
            used = os.wait4(child, 0)[2]
            return None, message, used.ru_utime + used.ru_stime
        if woken:
            time.sleep(pause)
            pause = min(pause * 1.5, 0.002)
        elif listener.poll(min(CHECK_MILLISECONDS, 1 + int(left * 1000))):
            message, woken = os.read(reading, 1 << 16), True


def _seconds(message):
    try:
        seconds = float(message)
    except ValueError:
        return 0.0  # the fork ended before it could report
    return seconds if 0 <= seconds < 1e6 else 0.0


def _silence():
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)


def _verdict(pairs, items, every):
    """Swap the code and run the items; return the exit code, their seconds and the places of those that fail.

    Without `every` the first that fails is the last that is run.
    """
    for function, code in pairs:
        try:
            function.__code__ = code
        except ValueError:  # the mutant no longer uses a name of an enclosing function
            return 85, 0.0, []
    seconds, killers = 0.0, []
    for index, item in enumerate(items):
        result = item.run(items[index + 1] if index + 1 < len(items) else None)
        seconds += result["seconds"]
        if result["outcome"] not in ("passed", "skipped", "xfailed"):
            killers.append(index)
            if not every:
                break
    return (84 if killers else 83), seconds, killers


class _Overlay(importlib.abc.MetaPathFinder):
    """Finds modules as usual, but gives the module of one file the mutated source."""

    def __init__(self, mutant, path):
        self.path = path
        self.source = b"".join(swapping.parts(mutant, swapping.bytes_of(path)))
        self.used = False

    def find_spec(self, name, path=None, target=None):
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or not spec.origin or os.path.realpath(spec.origin) != self.path:
            return None
        self.used = True
        spec.loader = _Loader(name, spec.origin, self.source)
        return spec


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name, path, source):
        super().__init__(name, path)
        self._source = source

    def get_code(self, fullname):
        return compile(self._source, self.path, "exec", dont_inherit=True)


def overlay(mutant, root):
    """Make imports of the mutant's file load the mutated source."""
    sys.meta_path.insert(0, _Overlay(mutant, os.path.realpath(os.path.join(root, mutant["path"]))))


def overlaid():
    """Whether a mutated file was imported."""
    return any(isinstance(finder, _Overlay) and finder.used for finder in sys.meta_path)
