"""Mutants: the collected tests run once for each, in a fork, with the code objects of one function swapped.

A mutant is a span of bytes of a file and what stands there instead. It is `killed` when a test fails, `survived` when
all pass, `timeout` when they take too long, `unswappable` when no live function could be given the mutated code,
`odd` when the fork ended in any other way. What stands outside functions is mutated at import instead: `overlay`.
"""

import gc
import importlib.abc
import importlib.machinery
import os
import signal
import sys
import time
import types

#: How a fork says what came of it. Not 0 and 1: a test that ends its process is not to be mistaken for a verdict.
WORDS = {83: "survived", 84: "killed", 85: "unswappable"}


def judge(items, job, root, say):
    """Run the items once for each mutant, each in a fork of this process, and say what came of it."""
    say(collected=[item.name for item in items])
    by_name = {item.name: item for item in items}
    alive = _functions({os.path.realpath(os.path.join(root, one["path"])) for one in job["mutants"]})
    if hasattr(gc, "freeze"):
        gc.freeze()  # what the forks share is not to be copied because the collector touched it
    limit = job["seconds"]
    for mutant in job["mutants"]:
        wanted = mutant["tests"]
        chosen = items if wanted is None else [by_name[name] for name in wanted if name in by_name]
        start = time.monotonic()
        word = _forked(mutant, chosen, alive, root, limit)
        seconds = time.monotonic() - start
        if mutant["id"] == "green":  # the first canary also tells how long the tests take
            limit = max(job["least_seconds"], 3 * seconds)
        say(mutant={"id": mutant["id"], "outcome": word, "seconds": round(seconds, 4)})


def _forked(mutant, items, alive, root, limit):
    child = os.fork()
    if child == 0:
        code = 86
        try:
            _silence()
            code = _verdict(mutant, items, alive, root)
        finally:
            os._exit(code)
    deadline = time.monotonic() + limit
    pause = 0.0005
    while True:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return WORDS.get(os.WEXITSTATUS(status), "odd") if os.WIFEXITED(status) else "odd"
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return "timeout"
        time.sleep(pause)
        pause = min(pause * 1.5, 0.002)


def _silence():
    nowhere = os.open(os.devnull, os.O_RDWR)
    for descriptor in (1, 2):
        os.dup2(nowhere, descriptor)


def _verdict(mutant, items, alive, root):
    if mutant["after"] is not None and not _swapped(mutant, alive, root):
        return 85
    for index, item in enumerate(items):
        told = item.run(items[index + 1] if index + 1 < len(items) else None)
        if told["outcome"] not in ("passed", "skipped", "xfailed"):
            return 84
    return 83


def _functions(files):
    """Return the live functions of the files, by file, name and first line: decorated and wrapped ones too."""
    real, alive = {}, {}
    for one in gc.get_objects():
        if type(one) is not types.FunctionType:
            continue
        code = one.__code__
        name = code.co_filename
        if name not in real:
            real[name] = os.path.realpath(name)
        if real[name] in files:
            alive.setdefault((real[name], code.co_name, code.co_firstlineno), []).append(one)
    return alive


def _mutated(mutant, path):
    with open(path, "rb") as file:
        data = file.read()
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]  # spans are counted without the mark
    start, end = mutant["start"], mutant["end"]
    if data[start:end] != mutant["before"].encode("utf-8"):
        raise ValueError("the file is not the one that was mutated")
    return data[:start] + mutant["after"].encode("utf-8") + data[end:]


def _swapped(mutant, alive, root):
    """Give the live functions that the mutant is about its code; False when there is none, or none that takes it."""
    path = os.path.realpath(os.path.join(root, mutant["path"]))
    done = False
    for code in _codes(compile(_mutated(mutant, path), path, "exec", dont_inherit=True)):
        if code.co_name != mutant["function"] or code.co_firstlineno not in mutant["firsts"]:
            continue
        for function in alive.get((path, code.co_name, code.co_firstlineno), ()):
            try:
                function.__code__ = code.replace(co_filename=function.__code__.co_filename)
                done = True
            except ValueError:  # the mutant no longer uses a name of an enclosing function
                return False
    return done


def _codes(code):
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield constant
            for inner in _codes(constant):
                yield inner


class _Overlay(importlib.abc.MetaPathFinder):
    """Finds as usual, but gives one file's module the mutated source."""

    def __init__(self, mutant, path):
        self.path = path
        self.source = _mutated(mutant, path)
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
