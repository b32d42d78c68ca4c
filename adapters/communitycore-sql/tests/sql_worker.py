"""Another process on the same file, started by the tests: waits for a line, then does as it is told."""

from __future__ import annotations

import itertools
import os
import sys

import sql_room

import communitycore_sql as communitycore_sql  # loaded before the start, as the others' is
from communitycore.kernel.errors import CodeTaken


def say(text: str) -> None:
    print(text, flush=True)


def scribble(path: str, name: str, told: int) -> None:
    """Write without end; what was acknowledged is told at once."""
    hub = sql_room.hub_at(path)
    desk = hub.desk(sql_room.CODE, hub.administrator(sql_room.CODE))
    for n in itertools.count():
        plot = desk.keyed(f"{name}-{n}").do(sql_room.open_plot, label=f"{name}-{n}", text="种" * 200)
        os.write(told, f"{plot.id}\n".encode())
        if n == 0:
            say(f"{os.getpid()}")


def main(task: str, path: str, *rest: str) -> None:
    say("ready")
    if task == "scribblers":
        # Forked before any store is open, so that each need not import everything anew.
        told = os.open(rest[0], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        for n, _ in enumerate(sys.stdin):
            if os.fork() == 0:
                scribble(path, f"{n}", told)
        return
    sys.stdin.readline()
    hub = sql_room.hub_at(path)
    if task == "found":
        try:
            hub.found(rest[0], name=rest[0], level="district")
        except CodeTaken:
            pass
        hub.close()
        return
    desk = hub.desk(sql_room.CODE, hub.administrator(sql_room.CODE))
    if task == "bump":
        for _ in range(int(rest[1])):
            desk.do(sql_room.bump, sql_room.PlotId(rest[0]))
    elif task == "hold":
        with hub.store.writing() as tx:
            tx.lock(desk.jurisdiction)
            say("holding")
            sys.stdin.readline()
    hub.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
