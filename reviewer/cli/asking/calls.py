"""The `ask` of the command line: it pays for no answer twice, counts what it pays, and can be stopped at any moment."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType

from reviewer.cli.asking.cache_folder import NoCacheFolder
from reviewer.cli.asking.paid_answers import PaidAnswers
from reviewer.cli.asking.progress import Progress
from reviewer.llm.client import Client
from reviewer.llm.errors import ModelError
from reviewer.llm.messages import Prompt, Reply
from reviewer.llm.usage import Usage
from reviewer.output.wording import cost_text, count_of

#: Seconds between two looks at whether Ctrl-C was pressed.
_LOOK_EVERY = 0.05


class PaidCalls:
    """Asks the client, with the answers that were kept before. `ask` is for one thread, the main one."""

    def __init__(self, client: Client, kept: PaidAnswers | None, progress: Progress) -> None:
        """Store the parts; nothing is asked or read yet."""
        self.is_stopped = False
        self.saved, self.reused = Usage(), 0
        self._spent = Usage()
        self._client = client
        self._kept = kept
        self._progress = progress
        self._lock = threading.Lock()
        self._used: dict[Prompt, None] = {}
        self._has_failed = False
        self._cut_off = 0

    def ask(self, prompts: Sequence[Prompt]) -> list[Reply | ModelError]:
        """Return an answer for each prompt: one that was kept, else a new one.

        After `stop`, each prompt without an answer gets an error; nothing more is asked.
        """
        answers: dict[Prompt, Reply | ModelError] = {}
        for prompt in prompts:
            if (reply := self._kept_answer(prompt)) is not None:
                answers[prompt] = reply
        new = [prompt for prompt in prompts if prompt not in answers]
        if new and not self.is_stopped:
            self._ask_anew(new, answers)
        with self._lock:
            return [answers.get(prompt) or ModelError("Stopped with Ctrl-C.") for prompt in prompts]

    def stop(self) -> None:
        """Ask nothing more. May be called from a signal handler."""
        self.is_stopped = True

    @contextmanager
    def ending_early(self) -> Iterator[None]:
        """Let Ctrl-C stop the calls and nothing else, so that what is there is shown. A second one ends the process."""

        def on_signal(_number: int, _frame: FrameType | None) -> None:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            self.stop()

        before = signal.signal(signal.SIGINT, on_signal)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def forget_unreadable(self) -> None:
        """Keep none of the answers of this run where the review failed though each call had an answer: they are bad."""
        if self._kept is not None and not self._has_failed and not self.is_stopped:
            for prompt in self._used:
                self._kept.forget(prompt)

    def bill(self) -> str:
        """Return what was paid in this run, and what happens to it, in words."""
        with self._lock:
            spent, cut_off = self._spent, self._cut_off
        if not spent.calls and not cut_off:
            return "Nothing was paid."
        text = f"Paid {cost_text(spent.cost_usd)} for {count_of(spent.calls, 'call')}."
        if cut_off:
            text += f" {count_of(cut_off, 'call')} had no answer yet; the service may charge for what it had written."
        if self._kept is not None and spent.calls:
            text += " Answers are kept: the same command goes on from there, and does not pay for them again."
        return text

    def note(self) -> str:
        """Return what was saved by kept answers, "" if nothing was."""
        if not self.reused:
            return ""
        count = count_of(self.reused, "answer")
        cost = cost_text(self.saved.cost_usd)
        return f"{count} kept from an earlier run, which had cost {cost} (--no-cache asks again)."

    def _kept_answer(self, prompt: Prompt) -> Reply | None:
        reply = self._kept.get(prompt) if self._kept is not None else None
        if reply is None:
            return None
        self._used[prompt] = None
        self.saved += reply.usage
        self.reused += 1
        free = replace(reply, attempts=())
        self._progress.found(prompt, free)
        return free

    def _ask_anew(self, prompts: Sequence[Prompt], answers: dict[Prompt, Reply | ModelError]) -> None:
        """Put the new answers among the others, in another thread, so that Ctrl-C is noticed at once."""
        ended = threading.Event()
        failures: list[BaseException] = []

        def each(prompt: Prompt, answer: Reply | ModelError) -> None:
            if self.is_stopped and isinstance(answer, ModelError):
                return  # the client was closed below it
            with self._lock:
                answers[prompt] = answer
                self._spent += Usage.of(answer.attempts)
            self._keep(prompt, answer)
            self._progress.answered(prompt, answer)

        def work() -> None:
            try:
                self._client.ask(prompts, each=each)
            except BaseException as error:  # noqa: BLE001 - raised again below
                failures.append(error)
            finally:
                ended.set()

        self._progress.asking(prompts, self._client.model)
        threading.Thread(target=work, name="calls", daemon=True).start()
        try:
            while not ended.wait(_LOOK_EVERY) and not self.is_stopped:
                pass
        finally:
            if not ended.is_set():
                self.stop()
                with self._lock:
                    self._cut_off = min(len(prompts) - len(answers), self._client.max_parallel)
                self._client.close()
        if failures:
            raise failures[0]

    def _keep(self, prompt: Prompt, answer: Reply | ModelError) -> None:
        if isinstance(answer, ModelError):
            self._has_failed = True
            return
        with self._lock:
            self._used[prompt] = None
            kept = self._kept
        if kept is None:
            return
        try:
            kept.put(prompt, answer)
        except NoCacheFolder as error:
            with self._lock:
                is_first, self._kept = self._kept is not None, None
            if is_first:
                self._progress.say(f"answers are not kept: {error}")
