"""`verify --resume FILE`: the place of a verification in a file, so that the same words go on from there."""

from __future__ import annotations

import os
import time
from contextlib import suppress

from communitycore.cli.verbs import Usage, read_text, write_text
from communitycore.hub.report import Checkpoint

SECONDS = 1.0


class Resuming:
    """A context that keeps checkpoints at `path`, one a second and the last; done, it removes the file.

    start: the checkpoint that was there. Without a path it keeps none. Raises Usage.
    """

    def __init__(self, path: str | None) -> None:
        self.start: Checkpoint | None = None
        self._path = path
        self._last: Checkpoint | None = None
        self._written = time.monotonic()
        if path and os.path.exists(path):
            try:
                self.start = Checkpoint.from_text(read_text(path))
            except ValueError:
                raise Usage(
                    f"{path} is no place of a verification; name another file, or remove it",
                    f"{path} 不是校验进度文件，请换一个文件名或将其删除",
                ) from None

    def __enter__(self) -> Resuming:
        return self

    def keep(self, checkpoint: Checkpoint) -> None:
        """The newest."""
        self._last = checkpoint
        if time.monotonic() - self._written >= SECONDS:
            self._write()

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is not None:
            self._write()
        elif self._path:
            with suppress(FileNotFoundError):
                os.unlink(self._path)

    def _write(self) -> None:
        self._written = time.monotonic()
        if self._path and self._last is not None:
            part = f"{self._path}.part"
            write_text(part, self._last.to_text() + "\n")
            os.replace(part, self._path)
