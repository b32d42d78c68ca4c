"""Workers as their keeper sees them: processes that are heard, and killed."""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Iterator, Sequence
from multiprocessing.connection import wait
from typing import Any

from communitycore.conformance.crash.audit import Audit
from communitycore.conformance.crash.words import Begun, State, Task
from communitycore.conformance.crash.worker import work

PATIENCE = 120.0
"""Seconds without a word after which a worker is taken for stuck."""
ANSWER_SECONDS = 10.0
"""How long answers are waited for before a kill comes all the same."""


def processes(roots: Sequence[str]) -> Any:
    """How processes are started; where it can be, by forking one that has loaded these packages and nothing else."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([name for name in sys.modules if name.partition(".")[0] in roots])
    return context


class Worker:
    """A process at work. ready: it has opened the store. heard: when it last said something."""

    def __init__(self, context: Any, task: Task) -> None:
        self.name, self.ready, self.heard = task.name, False, time.monotonic()
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=work, args=(theirs, task), daemon=True)
        self._process.start()
        theirs.close()

    def kill(self) -> None:
        """End it without a warning, wherever it is (SIGKILL)."""
        self._process.kill()

    def bury(self) -> None:
        """Wait until it is gone."""
        self._process.kill()
        self._process.join()
        self._process.close()
        self.pipe.close()


class Crew:
    """The workers of one store at a time, and what they say to its audit."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self.alive: list[Worker] = []

    def start(self, tasks: Sequence[Task]) -> None:
        """A process for each task."""
        self.alive = [Worker(self._context, task) for task in tasks]

    def hear(self, audit: Audit, seconds: float = 0.0) -> Iterator[str]:
        """Listen for a while, at least to what was said already; gives what no worker should say."""
        end = time.monotonic() + seconds
        while self.alive:
            heard = wait([worker.pipe for worker in self.alive], max(0.0, end - time.monotonic()))
            for worker in list(self.alive):
                if worker.pipe in heard:
                    yield from self._hear(worker, audit)
                elif time.monotonic() - worker.heard > PATIENCE:
                    yield f"no word of worker {worker.name} in {PATIENCE:.0f} s"
                    worker.heard = time.monotonic()
            if time.monotonic() >= end:
                return

    def hear_answers(self, audit: Audit, count: int) -> Iterator[str]:
        """Listen until so many calls more were answered, or nothing was for a while."""
        enough, end = audit.answers + count, time.monotonic() + ANSWER_SECONDS
        while self.alive and audit.answers < enough and time.monotonic() < end:
            yield from self.hear(audit, 0.01)

    def hear_each(self, audit: Audit) -> Iterator[str]:
        """Listen until each has said something since, so that all are known to be at work."""
        since, trouble = time.monotonic(), False
        while not trouble and any(not worker.ready or worker.heard < since for worker in self.alive):
            for why in self.hear(audit, 0.02):
                trouble = True
                yield why

    def kill(self, victims: Sequence[Worker], audit: Audit) -> Iterator[str]:
        """Kill these at one moment, and hear their last words."""
        for worker in victims:
            worker.kill()
        for worker in victims:
            yield from self._last_words(worker, audit)
            self.alive.remove(worker)
            worker.bury()

    def end(self) -> None:
        """End all of them, whatever they are at."""
        for worker in self.alive:
            worker.bury()
        self.alive = []

    def _hear(self, worker: Worker, audit: Audit) -> Iterator[str]:
        try:
            words = worker.pipe.recv()
        except (EOFError, OSError):
            yield f"worker {worker.name} ended by itself"
            self.alive.remove(worker)
            worker.bury()
            return
        worker.heard = time.monotonic()
        yield from self._take(worker, words, audit)

    def _last_words(self, worker: Worker, audit: Audit) -> Iterator[str]:
        """All it said until it was killed; a word in the middle of which it was killed was not said."""
        while True:
            try:
                words = worker.pipe.recv()
            except (EOFError, OSError):
                break
            yield from self._take(worker, words, audit)
        audit.lost(worker.name)

    def _take(self, worker: Worker, words: Sequence[Any], audit: Audit) -> Iterator[str]:
        for word in words:
            if isinstance(word, State):
                worker.ready = worker.ready or word.word == "ready"
                if word.word == "broke":
                    yield f"worker {worker.name} met what no caller should: {word.why}"
            elif isinstance(word, Begun):
                audit.begun(word)
            else:
                audit.told(word)
