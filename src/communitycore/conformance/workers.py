"""What other processes do for the kit: each opens the store by itself and does as it is told through a pipe."""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing.connection import Connection
from typing import Any

from attrs import evolve, frozen

from communitycore.conformance import room
from communitycore.conformance.books import Books, put
from communitycore.conformance.kinds import KINDS, key, sample, timer
from communitycore.hub.desk import Desk
from communitycore.hub.hub import Hub
from communitycore.kernel.errors import CodeTaken
from communitycore.kernel.ids import Ref
from communitycore.ports import Head, Store


@frozen
class Opening:
    """How a store is opened; sent to other processes."""

    opener: Callable[..., Store]
    url: str
    options: Mapping[str, Any]

    def open(self) -> Store:
        """The store."""
        return self.opener(self.url, **self.options)

    def hub(self) -> Hub:
        """The store under the kit's room."""
        return Hub(self.open(), [room.ROOM])


def serve(pipe: Connection) -> None:
    """Do one thing after another, each as it comes through the pipe, and send what it gave or raised."""
    while (task := pipe.recv()) is not None:
        act, args = task
        try:
            pipe.send(("gave", act(pipe, *args)))
        except Exception as error:  # noqa: BLE001 - handed over to who asked
            pipe.send(("raised", f"{type(error).__name__}: {error}"))
    pipe.close()


def get_set(pipe: Connection) -> None:
    """Say that all is prepared, and wait for the word to go."""
    pipe.send(("set", None))
    pipe.recv()


@contextmanager
def at_desk(pipe: Connection, opening: Opening, place: str, keeper: Ref) -> Iterator[Desk]:
    """A keeper's desk, once everybody is to go."""
    with opening.hub() as hub:
        desk = hub.desk(place, keeper)
        get_set(pipe)
        yield desk


def found(pipe: Connection, opening: Opening, codes: list[str]) -> list[str]:
    """Make the store if it is not there and found in it; gives the codes that were still free."""
    get_set(pipe)
    with opening.hub() as hub:
        made = []
        for code in codes:
            try:
                hub.found(code, name=code, level="community")
                made.append(code)
            except CodeTaken:
                continue
        return made


def claim(
    pipe: Connection, opening: Opening, place: str, keeper: Ref, tools: list[str], to: str, seed: int
) -> list[str]:
    """Try to borrow every tool; gives those that were got."""
    with at_desk(pipe, opening, place, keeper) as desk:
        return borrow_all(desk, tools, to, seed)


def borrow_all(desk: Desk, tools: list[str], to: str, seed: int) -> list[str]:
    """Try to borrow every tool, in an order of one's own; gives those that were got."""
    won: list[str] = []
    for id in random.Random(seed).sample(tools, len(tools)):
        try:
            won.append(desk.do(room.lend, room.ToolId(id), to=room.NeighbourId(to)).id)
        except room.ToolTaken:
            continue
    return won


def step(pipe: Connection, opening: Opening, place: str, keeper: Ref, tool: str, times: int) -> int:
    """Change one tool, so often."""
    with at_desk(pipe, opening, place, keeper) as desk:
        for n in range(times):
            desk.do(room.revise, room.ToolId(tool), remark=f"{n}")
            time.sleep(0.001)  # for others to come between
    return times


def keyed(pipe: Connection, opening: Opening, place: str, keeper: Ref, keys: list[str]) -> list[str]:
    """Add a tool under each key; gives their ids."""
    with at_desk(pipe, opening, place, keeper) as desk:
        return [desk.keyed(name).do(room.add, name=name).id for name in keys]


def run_due(pipe: Connection, opening: Opening) -> int:
    """Run what is due, as long as something is."""
    with opening.hub() as hub:
        get_set(pipe)
        return sum(iter(hub.run_due, 0))


def hold(pipe: Connection, opening: Opening, head: Head, stage: str) -> None:
    """Stop inside a write transaction, in which everything is locked, or written, or committed, until killed."""
    get_set(pipe)
    store = opening.open()
    store.prepare(KINDS)
    books = Books.__new__(Books)
    books.store, books.id, books.head = store, head.id, head
    with store.writing() as tx:
        if stage == "locked":
            tx.lock(head.id)
        else:
            books.write_in(
                tx, put(sample("id-0", 2)), put(sample("id-1", label="x")), notes=["id-0"], keys=[key("k")],
                timers=[timer("id-1")], removed=[timer("id-0").key],
            )  # fmt: skip
            tx.found(evolve(head, id=f"n{head.id}"[:36], code=f"n-{head.id}"))
        if stage == "committed":
            tx.commit()
        pipe.send(("inside", None))
        pipe.recv()


def scribble(pipe: Connection, opening: Opening, place: str, keeper: Ref, name: str) -> None:
    """Add tools without end, telling of each once it is acknowledged."""
    with at_desk(pipe, opening, place, keeper) as desk:
        for n in itertools.count():
            pipe.send(("told", (n, desk.keyed(f"{name}-{n}").do(room.add, **scribbled(name, n)).id)))


def scribbled(name: str, n: int) -> dict[str, Any]:
    """What a scribbler adds."""
    return {"name": f"{name}-{n}", "tag": f"{name}-{n}", "remark": "工" * 500}
