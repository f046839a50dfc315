"""The outer process of a run: start the tests in another process and count what it reports.

The report is written here, after the tests' process has ended, with the nonce of the job; the tests' process does not
know where. So it is noticed if a test ends its process or writes results itself. This is no protection: code in the
tests' process can report anything about the tests. Only the standard library, Python 3.8 or newer.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading

#: The most bytes of messages that are kept, and the most names of leftover files that are reported.
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
    """Start the inner process, collect its messages until it ends, and list the files it left behind."""
    for name in ("home", "tmp"):
        os.mkdir(os.path.join(scratch, name))
    reading, writing = os.pipe()
    inner = os.path.join(os.path.dirname(os.path.abspath(__file__)), "inner.py")
    inner_job = {key: value for key, value in job.items() if key != "nonce"}
    inner_job["basetemp"] = os.path.join(scratch, "base")
    child = subprocess.Popen(
        [sys.executable, "-u", inner, str(writing), json.dumps(inner_job)],
        pass_fds=(writing,),
        stdin=subprocess.DEVNULL,
        env=_environment(job, scratch),
    )
    os.close(writing)
    received = []
    reader = threading.Thread(target=_gather, args=(reading, received), daemon=True)
    reader.start()
    code = child.wait()
    # Everything that the child wrote is in the pipe. A process that a test left running may keep it open: it is in our
    # process group, which our caller kills.
    reader.join(1)
    return _report(b"".join(received), code, scratch)


def _environment(job, scratch):
    """Return the environment of the tests: their own folders, and the source roots before installed packages."""
    environment = dict(os.environ, HOME=os.path.join(scratch, "home"), TMPDIR=os.path.join(scratch, "tmp"))
    root = _root(job["cwd"])
    paths = [os.path.normpath(os.path.join(root, part)) for part in job["roots"]]
    environment["PYTHONPATH"] = os.pathsep.join(paths)
    return environment


def _root(cwd):
    """Return the root of the tree as it is shown here: the working folder without the job's `cwd`."""
    root = os.getcwd()
    for _ in [part for part in cwd.split("/") if part]:
        root = os.path.dirname(root)
    return root


def _gather(reading, received):
    kept = 0
    while True:
        data = os.read(reading, 1 << 16)
        if not data:
            return
        kept += len(data)
        if kept <= MOST_BYTES:
            received.append(data)


def _report(data, code, scratch):
    report = {"ended": False, "exit": code, "collected": [], "errors": [], "tests": [], "files": {}, "mutants": []}
    report.update(problem="", strays={}, collector="none", python="", overlaid=False, inputs={})
    for line in data.split(b"\n"):
        try:
            message = json.loads(line)
        except ValueError:
            continue  # cut off: the process ended while it wrote
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
