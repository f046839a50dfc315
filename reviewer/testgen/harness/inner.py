"""The process of the tests: collect them, run them in the requested order, and report each outcome over a pipe.

With `mutants` it runs no tests itself: after collection it forks once for each mutant and swaps code objects in the
fork. Uses only the standard library and the packages of the code under test; Python 3.8 or newer.
"""

import json
import os
import random
import sys
import traceback


def main():
    """Do the job in argv[2] and report on the descriptor in argv[1]."""
    descriptor, job = int(sys.argv[1]), json.loads(sys.argv[2])
    os.set_inheritable(descriptor, False)
    sys.argv = ["pytest"]
    import collectors
    import frameworks
    import mutating
    import observing

    if job["clock"]:
        import shifting

        shifting.shift(job["clock"])  # before the code under test imports the classes
    _hide_harness(os.path.dirname(os.path.abspath(__file__)))

    def say(**message):
        data = json.dumps(message).encode() + b"\n"
        while data:
            data = data[os.write(descriptor, data) :]

    root = _root(job["cwd"])
    job["paths"] = [os.path.join(root, path) for path in job["paths"]]
    files = {os.path.realpath(os.path.join(root, path)): path for path in job["files"]}
    say(python="%d.%d.%d" % sys.version_info[:3])
    if job["overlay"]:
        mutating.overlay(job["overlay"], root)
    collector = collectors.make(files) if job["cover"] else None
    observer = observing.Observer(job["observe"], root) if job["observe"] else None
    if job["mutants"]:
        loop = lambda items: mutating.judge(items, job, root, say)  # noqa: E731
    else:
        loop = lambda items: _run(items, job, [each for each in (collector, observer) if each], say)  # noqa: E731
    framework = frameworks.FRAMEWORKS[job["framework"]]
    try:
        if collector:
            collector.start()
        if observer:
            observer.start()
        problem = framework(job, say, loop)
    finally:
        if observer:
            observer.stop()
        if collector:
            collector.stop()
    if collector and not problem:
        say(files=collector.files(), collector=collector.name)
    if observer and not problem:
        say(inputs=observer.inputs)
    say(problem=problem or "", strays=_strays(files), overlaid=mutating.overlaid(), ended=True)


def _hide_harness(folder):
    """Remove our modules and their folder: the code under test may have modules with these names."""
    for name in ("collectors", "frameworks", "mutating", "observing", "shifting", "swapping"):
        sys.modules.pop(name, None)
    sys.path[:] = [os.getcwd()] + [path for path in sys.path if os.path.abspath(path or ".") != folder]


def _root(cwd):
    root = os.getcwd()
    for _ in [part for part in cwd.split("/") if part]:
        root = os.path.dirname(root)
    return root


def _run(items, job, watching, say):
    """Run the items once or several times: forwards, backwards or shuffled."""
    say(collected=[item.name for item in items])
    if job["reverse"]:
        items = items[::-1]
    if job["shuffle"]:
        items = list(items)
        random.Random(job["shuffle"]).shuffle(items)
    for _ in range(job["repeat"]):
        for item, following in zip(items, items[1:] + [None]):
            for each in watching:
                each.switch(item.name)
            say(test=item.run(following))
    for each in watching:
        each.switch("")


def _strays(files):
    """Return the modules that were loaded from outside the tree, although a changed file has their name."""
    strays = {}
    for module in list(sys.modules.values()):
        origin = getattr(module, "__file__", None)
        name = getattr(module, "__name__", None)
        if not isinstance(origin, str) or not isinstance(name, str):
            continue
        ending = "/" + name.replace(".", "/")
        for real, path in files.items():
            endings = (ending + ".py", ending + "/__init__.py")
            if "." in name and ("/" + path).endswith(endings) and os.path.realpath(origin) != real:
                strays[path] = origin
    return strays


if __name__ == "__main__":
    try:
        main()
    except Exception:  # noqa: BLE001 - the outer process prints nothing else about it
        traceback.print_exc()
        raise SystemExit(70)
