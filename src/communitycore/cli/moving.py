"""`export` and `import`: a jurisdiction as one file, from any store to any store."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO

from communitycore.cli import DONE
from communitycore.cli.output import Output
from communitycore.cli.verbs import Usage, open_hub, read_anchor, where_of
from communitycore.hub.parcel import Contents, Unpacking

STREAM = "-"

NAMES = {
    "entry": ("entries", "条日志"),
    "row": ("rows", "行数据"),
    "timer": ("timers", "个定时器"),
    "key": ("keys", "个幂等键"),
    "cursor": ("cursors", "个统计游标"),
    "figure": ("figures", "项统计"),
}


def export(given: argparse.Namespace, out: Output) -> int:
    """Write a jurisdiction to a file, readable by its owner alone; it has its name once it is whole."""
    if given.file == STREAM:
        if given.json:
            raise Usage(
                "the export itself goes to standard output; leave out --json", "标准输出用于导出内容，请去掉 --json"
            )
        out.console = out.errors
    with open_hub(given) as hub, _written(given.file) as file, out.progress() as progress:
        bar = progress.add_task(out.pick("records", "记录"), total=None)
        contents = hub.export(
            where_of(hub, given.where),
            file,
            progress=lambda done, total: progress.update(bar, completed=done, total=total),
        )
    _tell(contents, out)
    en, zh = _listed(contents)
    out.say(
        f"Exported {contents.code} as it stood at entry {contents.seq}: {en}.",
        f"已导出 {contents.code}（截至第 {contents.seq} 条日志）：{zh}。",
    )
    out.say(
        "The file holds personal data and the salts that hide them in the journal: keep it as you keep the store.",
        "文件含有个人信息及日志脱敏所用的盐值，请按存储本身的要求保管。",
    )
    return DONE


def take_in(given: argparse.Namespace, out: Output) -> int:
    """Take in what `export` wrote, or remove what a broken attempt left; the same words go on where it stopped."""
    anchor = read_anchor(given.anchor)
    with open_hub(given, create=not given.discard) as hub, _read(given.file) as file:
        if given.discard:
            id = Unpacking(file).header.head.id
            hub.discard(id)
            out.result({"discarded": id})
            out.say(f"Nothing is left of taking in {id}.", f"已清除导入辖区 {id} 的残留。")
            return DONE
        with out.progress() as progress:
            bar = progress.add_task(out.pick("records, then entries verified", "记录，随后校验日志"), total=None)
            contents = hub.take_in(
                file, anchor=anchor, progress=lambda done, total: progress.update(bar, completed=done, total=total)
            )
    _tell(contents, out)
    en, zh = _listed(contents)
    out.say(f"Took in {contents.code} and verified it: {en}.", f"已导入并校验 {contents.code}：{zh}。")
    return DONE


def _tell(contents: Contents, out: Output) -> None:
    out.result(
        {
            "jurisdiction": contents.jurisdiction,
            "code": contents.code,
            "at": contents.at,
            "anchor": [contents.seq, contents.hash],
            "counts": dict(contents.counts),
            "sha256": contents.sha256,
        }
    )


def _listed(contents: Contents) -> tuple[str, str]:
    """How much of everything, in both languages."""
    counts = [(count, NAMES[section]) for section, count in contents.counts.items()]
    return ", ".join(f"{n} {en}" for n, (en, _) in counts), "、".join(f"{n} {zh}" for n, (_, zh) in counts)


@contextmanager
def _written(path: str) -> Iterator[BinaryIO]:
    """A file to be written beside `path` that takes its name at the end; standard output for `-`. Raises Usage."""
    if path == STREAM:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    part = f"{path}.part"
    file = _opened(path, lambda: os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb"))
    try:
        with file:
            yield _Told(file, path)  # type: ignore[misc]  # it has what a file is asked for here, no more
            _opened(path, lambda: _kept(file))
        _opened(path, lambda: os.replace(part, path))
    except BaseException:
        with suppress(OSError):
            os.unlink(part)
        raise


def _kept(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


class _Told:
    """A file whose troubles are told as those of its path."""

    def __init__(self, file: BinaryIO, path: str) -> None:
        self._file, self._path = file, path

    def write(self, data: bytes) -> int:
        written: int = _opened(self._path, lambda: self._file.write(data))
        return written


@contextmanager
def _read(path: str) -> Iterator[BinaryIO]:
    if path == STREAM:
        yield sys.stdin.buffer
        return
    with _opened(path, lambda: open(path, "rb"), reading=True) as file:
        yield file


def _opened(path: str, act: Callable[[], Any], *, reading: bool = False) -> Any:
    """What `act` gives. Raises Usage where the file at `path` says no."""
    try:
        return act()
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        why = getattr(error, "strerror", None) or error
        if reading:
            raise Usage(f"{path} cannot be read: {why}", f"无法读取 {path}：{why}") from None
        raise Usage(f"{path} cannot be written: {why}", f"无法写入 {path}：{why}") from None
