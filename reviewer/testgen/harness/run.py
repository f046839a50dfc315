"""The outer process of a run: starts the tests in a process of its own and counts what that one reports.

Promises: the report is written here, after the tests' processes are gone, under the nonce that the order named; the
tests' process is not told where. So a test that ends its process, or writes results itself, is seen. It is no wall: who
runs in the tests' process can say anything about the tests. Only the standard library, Python 3.8 or newer.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading

#: Bytes of messages that are kept, and names of files left behind that are told.
MOST_BYTES, MOST_LEFT = 48 << 20, 20


def main():
    """Run the job in argv[1]; write `report.json` to $REVIEWER_RESULTS."""
    job = json.loads(sys.argv[1])
    results = os.environ.pop("REVIEWER_RESULTS")
    scratch = tempfile.mkdtemp()
    try:
        report = _watched(job, scratch)
        report["left"] += ["results/" + name for name in sorted(os.listdir(results))][:MOST_LEFT]
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    report["nonce"] = job["nonce"]
    target = os.path.join(results, "report.json")
    if os.path.lexists(target):
        os.unlink(target)
    with open(target, "x", encoding="utf-8") as file:
        json.dump(report, file)


def _watched(job, scratch):
    """Start the inner process, gather what it says until it ends, and look at what it left behind."""
    for name in ("home", "tmp"):
        os.mkdir(os.path.join(scratch, name))
    reading, writing = os.pipe()
    inner = os.path.join(os.path.dirname(os.path.abspath(__file__)), "inner.py")
    told = {key: value for key, value in job.items() if key != "nonce"}
    told["basetemp"] = os.path.join(scratch, "base")
    child = subprocess.Popen(
        [sys.executable, "-u", inner, str(writing), json.dumps(told)],
        pass_fds=(writing,),
        stdin=subprocess.DEVNULL,
        env=_environment(job, scratch),
    )
    os.close(writing)
    said = []
    reader = threading.Thread(target=_gather, args=(reading, said), daemon=True)
    reader.start()
    code = child.wait()
    # All that the child wrote is in the pipe. A process that a test left running may hold it open: that one is in our
    # process group, and whoever runs us kills it.
    reader.join(1)
    return _report(b"".join(said), code, scratch)


def _environment(job, scratch):
    """The environment of the tests: their own folders, and the roots of the sources before everything installed."""
    environment = dict(os.environ, HOME=os.path.join(scratch, "home"), TMPDIR=os.path.join(scratch, "tmp"))
    root = _root(job["cwd"])
    paths = [os.path.normpath(os.path.join(root, part)) for part in job["roots"]]
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    return environment


def _root(cwd):
    """The tree's root as it is seen here, wherever it is shown: the working folder without the order's `cwd`."""
    root = os.getcwd()
    for _ in [part for part in cwd.split("/") if part]:
        root = os.path.dirname(root)
    return root


def _gather(reading, said):
    kept = 0
    while True:
        data = os.read(reading, 1 << 16)
        if not data:
            return
        kept += len(data)
        if kept <= MOST_BYTES:
            said.append(data)


def _report(data, code, scratch):
    report = {"ended": False, "exit": code, "collected": [], "errors": [], "tests": [], "files": {}, "mutants": []}
    report.update(problem="", strays={}, collector="none", python="", overlaid=False)
    for line in data.split(b"\n"):
        try:
            message = json.loads(line)
        except ValueError:
            continue  # cut off: the process died while it wrote
        for key, value in message.items() if isinstance(message, dict) else ():
            if key in ("test", "error", "mutant"):
                report[key + "s"].append(value)
            elif key in report:
                report[key] = value
    report["left"] = [
        folder + "/" + name
        for folder in ("tmp", "home")
        for name in sorted(os.listdir(os.path.join(scratch, folder)))[:MOST_LEFT]
    ]
    return report


if __name__ == "__main__":
    main()
