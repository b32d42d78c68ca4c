"""The journal's bytes are as docs/journal.md says: a checker written from that page alone accepts the vectors.

Nothing of the library is imported by the checker; it stands for the one in another language.
"""

from __future__ import annotations

import hmac
import importlib.util
import json
import sys
from contextlib import suppress
from copy import deepcopy
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[1] / "docs"
FIELDS = (
    *("format", "jurisdiction", "seq", "id", "at", "occurred_at", "actor", "behalf", "cause", "name"),
    *("kind", "schema", "record", "version", "difference", "digest", "above", "grant", "timers"),
)

Vectors = dict[str, Any]


def canonical(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def faults(vectors: Vectors) -> list[str]:
    """What is wrong, as docs/journal.md would have it; empty if nothing is."""
    found: list[str] = []
    states: dict[tuple[str, str, str], dict[str, Any]] = {}
    digests: dict[tuple[str, str, str], tuple[int, str]] = {}
    erased: set[tuple[str, str, str]] = set()
    for jurisdiction, entries in vectors["journals"].items():
        before, at = "0" * 64, ""
        for number, entry in enumerate(entries, start=1):
            pieces = b"%d:%b," % (len(before), before.encode())
            for field in FIELDS:
                text = None if entry[field] is None else str(entry[field]).encode()
                pieces += b"-," if text is None else b"%d:%b," % (len(text), text)
            if sha256(pieces).hexdigest() != entry["hash"] or entry["seq"] != number or entry["at"] < at:
                found.append(f"entry {number} does not follow")
            before, at = entry["hash"], entry["at"]
            key = (jurisdiction, entry["kind"], entry["record"])
            told = json.loads(entry["difference"])
            if isinstance(told, dict) and entry["version"] == 1:
                states[key] = told
            elif isinstance(told, dict):
                moved = {**states[key], **{field: pair[1] for field, pair in told.items()}}
                if any(states[key].get(field) != pair[0] for field, pair in told.items()):
                    found.append(f"entry {number} starts from another state")
                states[key] = {field: value for field, value in moved.items() if value is not None}
            if canonical(told if isinstance(told, dict) else told[0]) != entry["difference"].removeprefix(
                "["
            ).removesuffix("]"):
                found.append(f"entry {number} is not written canonically")
            made = f"{key[1]}\n{key[2]}\n{entry['version']}\n{entry['schema']}\n{canonical(states[key])}"
            if sha256(made.encode()).hexdigest() != entry["digest"]:
                found.append(f"the state after entry {number} has another digest")
            digests[key] = (entry["version"], entry["digest"])
            if isinstance(told, dict) and entry["version"] > 1:
                if entry["name"] == f"{entry['kind']}.erased":
                    erased.add(key)
                elif any(isinstance(after, dict) and "hmac" in after for _, after in told.values()):
                    erased.discard(key)
        if [len(entries), before] != vectors["anchor"][jurisdiction]:
            found.append("the journal does not end at the anchor")
    for row in vectors["rows"]:
        if (row["salt"] == "") != ((row["jurisdiction"], row["kind"], row["id"]) in erased):
            found.append(f"the salt of {row['kind']} {row['id']} is not as the journal says")
        made = f"{row['kind']}\n{row['id']}\n{row['version']}\n{row['schema']}\n{row_text(row)}"
        if (row["version"], sha256(made.encode()).hexdigest()) != digests[row["jurisdiction"], row["kind"], row["id"]]:
            found.append(f"{row['kind']} {row['id']} is not as its last entry left it")
    return found


def row_text(row: dict[str, Any]) -> str:
    """A stored row's canonical text."""
    columns, parts = row["columns"], []
    for field, type in sorted(row["types"].items()):
        value = columns[f"{field}_amount" if type == "money" else field]
        if value is None:
            continue
        if type == "money":
            text = canonical([value, columns[f"{field}_currency"]])
        elif type == "nested":
            text = value
        else:
            text = canonical(bool(value) if type == "bool" else value)
        if field in row["personal"]:
            mac = hmac.new(row["salt"].encode(), f"{field}\0{text}".encode(), "sha256")
            text = canonical({"hmac": mac.hexdigest()})
        parts.append(f"{canonical(field)}:{text}")
    return "{" + ",".join(parts) + "}"


@pytest.fixture
def vectors() -> Vectors:
    loaded: Vectors = json.loads((DOCS / "journal-vectors.json").read_text(encoding="utf-8"))
    return loaded


def test_a_checker_written_from_the_page_accepts_the_vectors(vectors: Vectors) -> None:
    assert faults(vectors) == []


def test_the_vectors_hold_a_case_of_everything_the_page_describes(vectors: Vectors) -> None:
    entries = [entry for journal in vectors["journals"].values() for entry in journal]
    types = {type for row in vectors["rows"] for type in row["types"].values()}
    assert types == {"id", "ref", "text", "int", "bool", "time", "date", "enum", "decimal", "nested", "money"} - {"id"}
    assert any(row["personal"] and row["columns"][row["personal"][0]] for row in vectors["rows"])
    timers = [text[0] for entry in entries if entry["timers"] for text in json.loads(entry["timers"])]
    assert set(timers) == {"+", "-", "!"}
    for field in ("behalf", "above", "grant", "timers"):
        assert {entry[field] is None for entry in entries} == {True, False}, field
    assert any(entry["difference"].startswith("[") for entry in entries)
    assert any(entry["at"] != entry["occurred_at"] for entry in entries)
    assert {entry["name"] for entry in entries} >= {"sample.erased", "erasure.made"}
    assert {row["salt"] == "" for row in vectors["rows"] if row["personal"]} == {True, False}


def test_a_salt_put_back_or_taken_away_is_found(vectors: Vectors) -> None:
    for number, row in enumerate(vectors["rows"]):
        if row["personal"]:
            changed = deepcopy(vectors)
            changed["rows"][number]["salt"] = "" if row["salt"] else "5" * 64
            assert faults(changed)


def test_changing_any_field_of_any_entry_is_found(vectors: Vectors) -> None:
    for jurisdiction, entries in vectors["journals"].items():
        for number, entry in enumerate(entries):
            for field in (*FIELDS, "hash"):
                changed = deepcopy(vectors)
                value = entry[field]
                changed["journals"][jurisdiction][number][field] = (
                    value + 1 if isinstance(value, int) else f"{value or ''} "
                )
                with suppress(KeyError, ValueError):  # not even readable any more
                    assert faults(changed), f"{field} of entry {number + 1}"


def test_changing_any_column_of_any_row_is_found(vectors: Vectors) -> None:
    for number, row in enumerate(vectors["rows"]):
        for column, value in row["columns"].items():
            if value is None and row["types"].get(column) is None:
                continue
            changed = deepcopy(vectors)
            moved = (
                1 - value
                if row["types"].get(column) == "bool"
                else value + 1
                if isinstance(value, int)
                else f"{value or ''} "
            )
            changed["rows"][number]["columns"][column] = moved
            assert faults(changed), f"{row['kind']}.{column}"


def test_a_cut_tail_is_found_by_its_anchor(vectors: Vectors) -> None:
    for jurisdiction in vectors["journals"]:
        changed = deepcopy(vectors)
        last = changed["journals"][jurisdiction].pop()
        changed["rows"] = [row for row in changed["rows"] if row["id"] != last["record"]]
        assert "the journal does not end at the anchor" in faults(changed)


def test_the_vectors_are_what_the_library_writes_today() -> None:
    spec = importlib.util.spec_from_file_location("make_vectors", DOCS / "make_vectors.py")
    assert spec is not None
    assert spec.loader is not None
    made = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = made  # its annotations are looked up there
    try:
        spec.loader.exec_module(made)
        assert made.FILE.read_text(encoding="utf-8") == made.text(), "run: python docs/make_vectors.py"
    finally:
        del sys.modules[spec.name]
