"""Feed one target with inputs that are guided by the code they reach, with Atheris: see `tests.fuzz.report`.

Runs in a process of its own, which ends when the fuzzer does: `python -m tests.fuzz.guided TARGET INPUTS SEED`. A
target may also be named by its module, as `tests.fuzz.test_short:FAULTY`. Ends with 0, or with the fuzzer's own code
where an input fails; that input and its error are printed.
https://github.com/google/atheris, https://hypothesis.readthedocs.io/en/latest/reference/integrations.html
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

#: Bytes of one input at most: what the strategies draw from needs no more.
_LONGEST = 2_048


def main(arguments: Sequence[str]) -> None:
    """Run the fuzzer; it ends the process."""
    atheris: Any = import_module("atheris")  # `make fuzz` installs it, where it installs

    name, inputs, seed = arguments
    with atheris.instrument_imports(include=["reviewer", "webhooks"]):  # before anything imports them
        from tests.fuzz.campaign import Target  # noqa: PLC0415
        from tests.fuzz.targets import TARGETS  # noqa: PLC0415
    from hypothesis import given, settings  # noqa: PLC0415

    module, _, attribute = name.partition(":")
    target: Target = getattr(import_module(module), attribute) if attribute else TARGETS[name]
    last: list[Any] = []

    @settings(database=None, deadline=None)
    @given(target.inputs)
    def attempt(value: Any) -> None:
        last[:] = [value]
        target.check(value)

    feed: Callable[[bytes], object] = attempt.hypothesis.fuzz_one_input  # type: ignore[attr-defined]

    def one_input(data: bytes) -> None:
        try:
            feed(data)
        except Exception:
            print(f"fails for {last[0]!r}" if last else "fails", file=sys.stderr, flush=True)
            raise

    with tempfile.TemporaryDirectory() as folder:
        options = [f"-runs={inputs}", f"-seed={int(seed) + 1}", f"-max_len={_LONGEST}", "-verbosity=0"]
        atheris.Setup([sys.argv[0], *options, f"-artifact_prefix={folder}/"], one_input)
        atheris.Fuzz()


if __name__ == "__main__":
    main(sys.argv[1:])
