"""What a person or a program sees: tables and sentences by rich, or JSON."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from communitycore.kernel.errors import Language


def counted(n: int, one: str) -> str:
    """`1 grid`, `2 grids`; for words that take an s."""
    return f"{n} {one}" if n == 1 else f"{n} {one}s"


class _Console(Console):
    """A console whose reader may go away, as `head` does: then it is silent, and the verb ends as it would."""

    def on_broken_pipe(self) -> None:
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


class Output:
    """Where a verb writes. With `as_json`, tables become JSON on standard output and the rest stays silent."""

    def __init__(self, language: Language, as_json: bool = False) -> None:
        self.language: Language = language
        self.as_json = as_json
        self.answered = False
        """Whether the result was printed: nothing else may stand in its place then."""
        self.console = _Console(highlight=False, quiet=as_json)
        self.errors = _Console(stderr=True, highlight=False)

    def say(self, en: str, zh: str) -> None:
        """A sentence in the chosen language, broken into lines for a window alone."""
        self.console.print(escape(self.pick(en, zh)), soft_wrap=not self.console.is_terminal)

    def pick(self, en: str, zh: str) -> str:
        """One of the two."""
        return zh if self.language == "zh" else en

    def command(self, line: str) -> None:
        """A command to copy: one line, whatever the window's width."""
        self.console.print(f"  [green]{escape(line)}", soft_wrap=True)

    def heading(self, en: str, zh: str) -> None:
        """A heading with room above."""
        self.console.print()
        self.console.rule(f"[bold]{escape(self.pick(en, zh))}", align="left")

    def fault(self, sentence: str) -> None:
        """What went wrong, on standard error."""
        self.errors.print(f"[red]{escape(sentence)}", soft_wrap=not self.errors.is_terminal)

    def result(self, data: Any) -> None:
        """The whole result as JSON, if that was asked for."""
        if self.as_json:
            self.answered = True
            self.line(json.dumps(data, ensure_ascii=False, indent=1, default=str))

    def line(self, text: str) -> None:
        """A line for a program to read, on standard output as it is."""
        try:
            print(text, flush=True)
        except BrokenPipeError:
            self.console.on_broken_pipe()

    def table(self, title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        """A table; numbers are set to the right."""
        listed = [list(row) for row in rows]
        made = Table(title=escape(title), title_justify="left", title_style="bold")
        for n, column in enumerate(columns):
            number = bool(listed) and all(isinstance(row[n], int) for row in listed)
            made.add_column(escape(column), justify="right" if number else "left", overflow="fold")
        for row in listed:
            made.add_row(*(escape(str(cell)) for cell in row))
        self.console.print(made)

    def bars(self, title: str, values: Sequence[tuple[str, int]], width: int = 32) -> None:
        """A plain chart: one bar a value."""
        top = max((value for _, value in values), default=0) or 1
        made = Table.grid(padding=(0, 1))
        for label, value in values:
            made.add_row(escape(label), f"[cyan]{'█' * max(1 if value else 0, round(value * width / top))}", str(value))
        self.console.print(f"[bold]{escape(title)}")
        self.console.print(made)

    @contextmanager
    def progress(self) -> Iterator[Progress]:
        """Progress on standard error, gone when done; silent where nobody watches."""
        console = Console(stderr=True, quiet=self.as_json or not sys.stderr.isatty())
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
            transient=True,
        ) as shown:
            yield shown
