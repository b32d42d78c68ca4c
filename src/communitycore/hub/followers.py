"""Folds: figures that follow the journal; their rows and their cursor commit together."""

from __future__ import annotations

import json
from typing import Any

from communitycore.hub import telling
from communitycore.kernel.command import Fold
from communitycore.kernel.errors import CommunityCoreError, Mistake, StoreError
from communitycore.kernel.shape import check_text
from communitycore.ports import Store, Writing

PAGE = 1_000
KEY_MAX = 191


class FoldStopped(CommunityCoreError):
    """A fold met an entry that it could not read; it stands still there until it is mended."""

    code = "fold_stopped"
    en = "The fold {fold} stopped at entry {seq} of {jurisdiction}: {why}. Mend it and raise its version."
    zh = "统计 {fold} 在辖区 {jurisdiction} 第 {seq} 条处停止：{why}。请修正并提高其版本号。"
    fold: str
    jurisdiction: str
    seq: int
    why: str


def catch_up(store: Store, fold: Fold, jurisdiction: str) -> None:
    """Bring a fold to the journal's end, a page a transaction; a new version starts anew.

    Raises FoldStopped where it cannot go on; what it had reached stays.
    """
    while True:
        with store.reading() as tx:
            head = tx.head(jurisdiction)
            seq, version = tx.cursor(fold.name, jurisdiction)
            if head is None or (version == fold.version and (seq >= head.seq or not tx.entries(jurisdiction, seq, 1))):
                return  # a journal may end before its head says so: verify tells that
        with store.writing() as writing:
            writing.lock(jurisdiction)
            stopped = _fold_page(writing, fold, jurisdiction)
        if stopped is not None:
            data = {"fold": stopped.fold, "jurisdiction": jurisdiction, "seq": stopped.seq}
            telling.bug("a fold stopped", stopped.__cause__ or stopped, **data)
            raise stopped


def _fold_page(tx: Writing, fold: Fold, jurisdiction: str) -> FoldStopped | None:
    seq, version = tx.cursor(fold.name, jurisdiction)
    anew = version != fold.version
    if anew:
        seq = 0
    rows: dict[str, str | None] = {}

    def get(key: str) -> Any:
        text = rows[key] if key in rows else None if anew else tx.figure(fold.name, jurisdiction, key)
        return None if text is None else json.loads(text)

    reached, stopped = seq, None
    for entry in tx.entries(jurisdiction, seq, PAGE):
        if entry.name in fold.on:
            try:
                rows.update({check_text(key, fold.name, KEY_MAX): _text(row) for key, row in fold.apply(get, entry)})
            except StoreError:
                raise  # met by `get`, and none of the fold's
            except Exception as cause:  # noqa: BLE001 - any fault of a fold stops it here, shown
                why = f"{type(cause).__name__}: {cause}"
                stopped = FoldStopped(fold=fold.name, jurisdiction=jurisdiction, seq=entry.seq, why=why)
                stopped.__cause__ = cause
                break
        reached = entry.seq
    if reached > seq or anew:
        tx.fold(fold.name, jurisdiction, rows, reached, fold.version, anew=anew)
        tx.commit()
    return stopped


def rebuilt(store: Store, fold: Fold, jurisdiction: str) -> dict[str, Any]:
    """The rows the fold would have, computed from nothing and kept nowhere."""
    rows: dict[str, Any] = {}
    seq = 0
    with store.reading() as tx:
        while entries := tx.entries(jurisdiction, seq, PAGE):
            for entry in entries:
                if entry.name in fold.on:
                    for key, row in list(fold.apply(lambda key: _copy(rows.get(key)), entry)):
                        if row is None:
                            rows.pop(key, None)
                        else:
                            rows[key] = row
                seq = entry.seq
    return rows


def _copy(row: Any) -> Any:
    return None if row is None else json.loads(json.dumps(row))


def _text(row: Any) -> str | None:
    if row is None:
        return None
    _check_whole(row)
    return json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _check_whole(row: Any) -> None:
    if isinstance(row, float):
        raise Mistake("a fold's figures are whole numbers and text; keep sum and count, and divide when reading")
    if isinstance(row, (dict, list, tuple)):
        for part in row.values() if isinstance(row, dict) else row:
            _check_whole(part)
