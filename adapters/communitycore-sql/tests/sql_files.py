"""A SQLite file as it lies on the disk."""

from __future__ import annotations

from pathlib import Path

ENDS = ("", "-wal", "-shm", "-journal")


def bytes_of(file: Path) -> bytes:
    """All bytes of a store's file and of what SQLite keeps beside it."""
    parts = [Path(f"{file}{end}") for end in ENDS]
    return b"\0".join(part.read_bytes() for part in parts if part.exists())
