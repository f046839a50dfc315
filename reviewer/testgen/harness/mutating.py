"""Mutants: the collected tests run once for each, in a fork, with the code objects of one function swapped.

A mutant is a span of bytes of a file and what stands there instead. It is `killed` when a test fails, `survived` when
all pass, `timeout` when they take too long, `unswappable` when no live function could be given the mutated code,
`odd` when it does not compile or the fork ended in any other way. What stands outside functions is mutated at import
instead: `overlay`. Told with each: the seconds it took, and those of them that its tests took, from set-up to teardown.
"""

import gc
import importlib.abc
import importlib.machinery
import os
import signal
import sys
import time
from select import POLLIN, poll  # bound now: what is tested may patch the module

import swapping

#: How a fork says what came of it. Not 0 and 1: a test that ends its process is not to be mistaken for a verdict.
WORDS = {83: "survived", 84: "killed", 85: "unswappable"}

#: Milliseconds between two looks at a fork that says nothing: one that died, while a process it left keeps its pipe.
LOOK = 50


def judge(items, job, root, say):
    """Run the items once for each mutant, each in a fork of this process, and say what came of it."""
    say(collected=[item.name for item in items])
    by_name = {item.name: item for item in items}
    real = {one["path"]: os.path.realpath(os.path.join(root, one["path"])) for one in job["mutants"]}
    alive = swapping.functions(set(real.values()))
    files = {path: swapping.read(place) for path, place in real.items()}
    if hasattr(gc, "freeze"):
        gc.freeze()  # what the forks share is not to be copied because the collector touched it
    limit = job["seconds"]
    for mutant in job["mutants"]:
        wanted = mutant["tests"]
        chosen = items if wanted is None else [by_name[name] for name in wanted if name in by_name]
        start = time.monotonic()
        word, tests = _judged(mutant, chosen, files[mutant["path"]], alive, limit)
        seconds = time.monotonic() - start
        if mutant["id"] == "green":  # the first canary also tells how long the tests take
            limit = max(job["least_seconds"], 3 * seconds)
        say(mutant={"id": mutant["id"], "outcome": word, "seconds": round(seconds, 4), "tests_seconds": tests})


def _judged(mutant, items, file, alive, limit):
    """Return the word for the mutant, and the seconds that its tests took."""
    pairs = []
    if mutant["after"] is not None:
        if file is None:
            return "odd", 0.0
        try:  # here, where the compiler's memory is warm: each fork would pay for it anew
            pairs = swapping.pairs(mutant, file, alive)
        except swapping.BROKEN:
            return "odd", 0.0
        if not pairs:
            return "unswappable", 0.0
    return _forked(pairs, items, limit)


def _forked(pairs, items, limit):
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 86
        try:
            _silence()
            code, seconds = _verdict(pairs, items)
            os.write(writing, b"%.4f" % seconds)
        finally:
            os._exit(code)
    os.close(writing)
    try:
        status, told = _ended(child, reading, limit)
    finally:
        os.close(reading)
    if status is None:
        return "timeout", 0.0
    word = WORDS.get(os.WEXITSTATUS(status), "odd") if os.WIFEXITED(status) else "odd"
    return word, _seconds(told)


def _ended(child, reading, limit):
    """Wait until the child ended, at most `limit` seconds; return its status, None when it was killed, and its words.

    The pipe only wakes us: it may be closed early, or held open by a process that a test left behind.
    """
    told, woken = b"", False
    listener = poll()
    listener.register(reading, POLLIN)
    deadline = time.monotonic() + limit
    pause = 0.0002
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return status, told or (os.read(reading, 64) if listener.poll(0) else b"")
        left = deadline - time.monotonic()
        if left < 0:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return None, told
        if woken:
            time.sleep(pause)
            pause = min(pause * 1.5, 0.002)
        elif listener.poll(min(LOOK, 1 + int(left * 1000))):
            told, woken = os.read(reading, 64), True


def _seconds(told):
    try:
        seconds = float(told)
    except ValueError:
        return 0.0  # the fork ended before it could tell
    return seconds if 0 <= seconds < 1e6 else 0.0


def _silence():
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)


def _verdict(pairs, items):
    """Swap the code and run the items until one fails; return the code for what came of it, and the tests' seconds."""
    for function, code in pairs:
        try:
            function.__code__ = code
        except ValueError:  # the mutant no longer uses a name of an enclosing function
            return 85, 0.0
    seconds = 0.0
    for index, item in enumerate(items):
        told = item.run(items[index + 1] if index + 1 < len(items) else None)
        seconds += told["seconds"]
        if told["outcome"] not in ("passed", "skipped", "xfailed"):
            return 84, seconds
    return 83, seconds


class _Overlay(importlib.abc.MetaPathFinder):
    """Finds as usual, but gives one file's module the mutated source."""

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
    """Let the mutant's file be imported as mutated."""
    sys.meta_path.insert(0, _Overlay(mutant, os.path.realpath(os.path.join(root, mutant["path"]))))


def overlaid():
    """Whether a mutated file was imported."""
    return any(isinstance(finder, _Overlay) and finder.used for finder in sys.meta_path)
