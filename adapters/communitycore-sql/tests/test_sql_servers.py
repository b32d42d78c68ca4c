"""Servers and the way to them fail: what is acknowledged is kept, once, and a call that can be made again is told."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, urlsplit

import pytest
import servers
from attrs import evolve
from cutting import Cutting
from sql_room import Plot, bump, garden, hub_at, open_plot

from communitycore.hub.desk import Desk
from communitycore.hub.hub import Hub
from communitycore.kernel.errors import NotUnique, OutcomeUnknown, StoreBusy, StoreError, StoreUnusable
from communitycore.kernel.record import shape_of
from communitycore.ports import Batch
from communitycore_sql import open_store, store
from communitycore_sql.backend import ONCE, Layout, Line
from communitycore_sql.schema import Work
from communitycore_sql.server import line


def backend_of(hub: Hub) -> Any:
    return hub.store.backend  # type: ignore[attr-defined]


@pytest.fixture
def opened(served_url: str) -> Iterator[tuple[Hub, Desk]]:
    hub, desk = garden(served_url, lock_seconds=1, statement_seconds=2, connect_seconds=20, pool_size=4)
    yield hub, desk
    hub.close()


@pytest.fixture
def line_to(server: servers.Server) -> Iterator[Cutting]:
    cutting = Cutting(server.port)
    yield cutting
    cutting.close()


# connections that end


@pytest.mark.parametrize("noticed", ["before", "when used", "either"])
def test_connections_that_ended_while_idle_are_not_felt(
    opened: tuple[Hub, Desk], server: servers.Server, served_url: str, monkeypatch: pytest.MonkeyPatch, noticed: str
) -> None:
    hub, desk = opened
    with hub.store.reading(), hub.store.reading():  # so that several lie idle
        pass
    wire = type(backend_of(hub)._pool._idle[0][0])
    if noticed == "before":
        monkeypatch.setattr(line, "AT_ONCE_SECONDS", -1.0)
    if noticed == "when used":
        monkeypatch.setattr(wire, "alive", lambda self: True)
    assert server.cut(served_url) >= 2
    assert desk.find(Plot, limit=9) == []
    server.cut(served_url)
    with hub.store.writing() as tx:
        assert tx.lock(desk.jurisdiction) is not None
    server.cut(served_url)
    assert desk.do(open_plot, label="after") == desk.find(Plot, limit=9)[0]


def test_a_server_that_is_started_again_is_waited_for(opened: tuple[Hub, Desk], server: servers.Server) -> None:
    hub, desk = opened
    plot = desk.do(open_plot)
    server.kill()
    later = threading.Timer(0.5, server.start)
    later.start()
    start = time.monotonic()
    try:
        assert desk.do(bump, plot.id).rank == 1
    finally:
        later.join()
    assert time.monotonic() - start > 0.4
    assert hub.verify().ok


def test_a_server_that_does_not_come_back_is_busy(served_url: str, server: servers.Server) -> None:
    hub, desk = garden(served_url, connect_seconds=0.3)
    server.stop()
    try:
        start = time.monotonic()
        with pytest.raises(StoreBusy) as caught:
            desk.find(Plot, limit=1)
        assert 0.2 < time.monotonic() - start < 5
        assert caught.value.retryable
        with pytest.raises(StoreBusy):  # a store that is opened does not wait
            hub_at(served_url)
    finally:
        server.start()
    desk.do(open_plot)
    hub.close()


def test_a_connection_that_ends_in_the_midst_of_a_call_is_followed_by_another_attempt(
    opened: tuple[Hub, Desk], server: servers.Server, served_url: str
) -> None:
    hub, desk = opened
    plot = desk.do(open_plot)
    for where in ("read", "write"):
        with pytest.raises(StoreBusy) as caught, hub.store.writing() as tx:
            head = tx.lock(desk.jurisdiction)
            assert head is not None
            server.cut(served_url)
            if where == "read":
                tx.heads()
            else:
                tx.write(Batch(evolve(head, seq=head.seq + 1), head))
        assert caught.value.retryable
    with pytest.raises(StoreBusy), hub.store.reading() as reading:
        server.cut(served_url)
        reading.heads()
    assert desk.do(bump, plot.id).rank == 1
    assert hub.verify().ok


@pytest.mark.parametrize("after", [False, True])
def test_a_connection_cut_in_commit_is_looked_into_and_the_call_done_once(
    served_url: str, line_to: Cutting, after: bool
) -> None:
    garden(served_url)[0].close()
    hub, desk = garden(line_to.through(served_url))
    for n in range(5):
        line_to.cut, line_to.after = servers.commit_of(served_url), after
        plot = desk.do(open_plot, label=f"{n}")
        assert line_to.cuts == n + 1
        assert plot in desk.find(Plot, limit=9)
    assert len(desk.find(Plot, limit=9)) == 5
    line_to.cut = servers.commit_of(served_url)
    outcomes = desk.do_many([open_plot.call(label=f"many {n}") for n in range(3)])
    assert [outcome.error for outcome in outcomes] == [None] * 3
    assert len(desk.find(Plot, limit=9)) == 8
    assert hub.verify().ok
    hub.close()


@pytest.mark.parametrize("after", [False, True])
def test_a_connection_cut_in_commit_leaves_the_outcome_unknown(served_url: str, line_to: Cutting, after: bool) -> None:
    garden(served_url)[0].close()
    hub, desk = garden(line_to.through(served_url))
    with hub.store.reading() as tx:
        first = tx.entries(desk.jurisdiction, 0, 1)[0]
    from communitycore.kernel.journal import values_of

    with pytest.raises(OutcomeUnknown) as caught, hub.store.writing() as writing:
        head = writing.lock(desk.jurisdiction)
        assert head is not None
        later = evolve(first, seq=head.seq + 1, cause="the-cause")
        writing.write(Batch(evolve(head, seq=head.seq + 1), head, entries=[(*values_of(later), "h" * 64)]))
        line_to.cut, line_to.after = servers.commit_of(served_url), after
        writing.commit()
    assert caught.value.cause == "the-cause"
    with hub.store.writing() as writing:
        writing.lock(desk.jurisdiction)
        assert len(writing.caused(desk.jurisdiction, "the-cause")) == int(after)
    hub.close()


@pytest.mark.parametrize("word", [b"BEGIN", b"TRANSACTION", b"FOR UPDATE", b"INSERT INTO", b"cc_journal", b"cc_heads"])
@pytest.mark.parametrize("after", [False, True])
def test_a_connection_cut_anywhere_before_commit_is_only_another_attempt(
    served_url: str, line_to: Cutting, word: bytes, after: bool
) -> None:
    garden(served_url)[0].close()
    hub, desk = garden(line_to.through(served_url))
    for n in range(3):
        line_to.cut, line_to.after = word, after
        desk.do(open_plot, label=f"{n}")
    line_to.cut = b""
    assert len(desk.find(Plot, limit=9)) == 3
    assert hub.verify().ok
    hub.close()


# limits


def test_a_lock_is_waited_for_no_longer_than_lock_seconds(opened: tuple[Hub, Desk]) -> None:
    hub, desk = opened
    with hub.store.writing() as tx:
        tx.lock(desk.jurisdiction)
        told: list[tuple[type[BaseException], float]] = []

        def wait() -> None:
            start = time.monotonic()
            with pytest.raises(StoreBusy) as caught, hub.store.writing() as other:
                other.lock(desk.jurisdiction)
            told.append((type(caught.value), time.monotonic() - start))

        thread = threading.Thread(target=wait)
        thread.start()
        thread.join()
    assert 0.9 < told[0][1] < 5


SLEEP = {"postgresql": "SELECT 1 FROM pg_sleep(30)", "mariadb": "SELECT SLEEP(30)"}


def test_a_statement_takes_no_longer_than_it_may(opened: tuple[Hub, Desk]) -> None:
    backend = backend_of(opened[0])
    reading: Line = backend.reading()
    start = time.monotonic()
    with pytest.raises(StoreError, match="statement_seconds") as caught:
        reading.all(SLEEP[backend.dialect.name])
    assert 2 < time.monotonic() - start < 8  # waiting for a lock counts too
    assert not caught.value.retryable
    with pytest.raises(StoreError):
        reading.all("SELECT 1")  # the transaction is over
    reading.end()


def test_a_server_that_falls_silent_is_left(opened: tuple[Hub, Desk], monkeypatch: pytest.MonkeyPatch) -> None:
    backend = backend_of(opened[0])
    module = __import__(type(backend).__module__, fromlist=["ANSWER_SECONDS"])
    monkeypatch.setattr(module, "ANSWER_SECONDS", -2.5)  # what is left is half a second
    backend._pool.drop_idle()
    reading = backend.reading()
    start = time.monotonic()
    with pytest.raises(StoreBusy):
        reading.all(SLEEP[backend.dialect.name])
    assert time.monotonic() - start < 2.5
    reading.end()
    opened[1].do(open_plot)


def test_two_that_wait_for_each_other_are_told_apart(opened: tuple[Hub, Desk], served_url: str) -> None:
    hub, desk = opened
    other = hub.found("370116", name="商河", level="district").id
    told: list[BaseException] = []
    meet = threading.Barrier(2, timeout=10)

    def run(first: str, second: str) -> None:
        try:
            with hub.store.writing() as tx:
                tx.lock(first)
                meet.wait()
                tx.lock(second)
        except StoreError as error:
            told.append(error)

    threads = [
        threading.Thread(target=run, args=pair) for pair in ((desk.jurisdiction, other), (other, desk.jurisdiction))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert told
    assert all(isinstance(error, StoreBusy) and error.retryable for error in told)
    desk.do(open_plot)


def test_too_many_connections_are_something_to_try_again(
    opened: tuple[Hub, Desk], server: servers.Server, served_url: str
) -> None:
    hub, desk = opened
    backend_of(hub)._pool.drop_idle()
    server.limit(1)
    try:
        with pytest.raises(StoreBusy) as caught, hub.store.reading(), hub.store.reading():
            pass
        assert caught.value.retryable
        assert "pool_size" in caught.value.why
    finally:
        server.limit(-1)
    desk.do(open_plot)


def test_all_connections_in_use_are_waited_for(served_url: str) -> None:
    hub, desk = garden(served_url, pool_size=2, pool_seconds=0.2)
    with hub.store.reading(), hub.store.writing() as tx:
        tx.lock(desk.jurisdiction)
        start = time.monotonic()
        with pytest.raises(StoreBusy, match="pool_size"), hub.store.reading():
            pass
        assert 0.15 < time.monotonic() - start < 2
    with hub.store.writing() as tx:
        tx.lock(desk.jurisdiction)
        told: list[BaseException] = []

        def write() -> None:
            with pytest.raises(StoreBusy, match="pool_size") as caught, hub.store.writing():
                pass
            told.append(caught.value)

        thread = threading.Thread(target=write)
        thread.start()
        thread.join()
        assert told  # the other one is kept for reading
        assert len(desk.find(Plot, limit=1)) == 0
    hub.close()


def test_more_threads_than_connections_take_turns(served_url: str) -> None:
    hub, desk = garden(served_url, pool_size=3)
    counted = desk.do(open_plot)
    errors: list[BaseException] = []

    def run() -> None:
        try:
            for _ in range(5):
                desk.do(bump, counted.id)
                desk.get(Plot, counted.id)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    assert desk.get(Plot, counted.id).rank == 60
    assert hub.verify().ok
    hub.close()


# what is long


def test_a_long_text_is_kept_searched_and_ordered_whole(opened: tuple[Hub, Desk]) -> None:
    _, desk = opened
    same = "😀" * 9_999
    for last in ("c", "a", "b"):
        desk.do(open_plot, text=same + last)
    found = desk.find(Plot, limit=9, order=Plot.text)
    assert [plot.text[-1] for plot in found] == ["a", "b", "c"]


def test_more_than_mariadb_takes_at_once_goes_in_parts_or_is_told(mariadb: servers.Server) -> None:
    url = mariadb.fresh()
    garden(url)[0].close()
    mariadb.execute("SET GLOBAL max_allowed_packet = 1048576")
    try:
        hub, desk = garden(url)
        outcomes = desk.do_many([open_plot.call(text=f"{n}" + "😀" * 9_000) for n in range(100)])
        assert all(outcome.error is None for outcome in outcomes)
        building = backend_of(hub).building()
        with pytest.raises(StoreUnusable, match="max_allowed_packet"):
            building.run([("INSERT INTO cc_kinds VALUES (%s, 1)", [("x" * (1 << 20),)])])
        building.end()
        assert hub.verify().ok
        hub.close()
    finally:
        mariadb.execute("SET GLOBAL max_allowed_packet = 16777216")
        mariadb.drop(url)


def test_no_error_repeats_what_a_row_holds(opened: tuple[Hub, Desk]) -> None:
    hub, desk = opened
    shape = shape_of(Plot)
    secret = "it's 13800000000' for key"
    kept = desk.do(open_plot, label=secret)
    with hub.store.reading() as tx:
        row = tx.get(shape, desk.jurisdiction, kept.id)
    assert row is not None
    with pytest.raises(NotUnique) as caught, hub.store.writing() as writing:
        head = writing.lock(desk.jurisdiction)
        assert head is not None
        again = ("another", *row[1:])
        writing.write(Batch(evolve(head, seq=head.seq + 1), head, [(shape, again, 0)]))
    assert caught.value.__cause__ is not None
    assert "13800000000" not in said(caught.value)
    assert "13800000000" not in "".join(traceback.format_exception(caught.value))


# how it is opened


def said(error: BaseException) -> str:
    whole: list[str] = []
    here: BaseException | None = error
    while here is not None:
        whole += [str(here), repr(here), repr(here.args), getattr(here, "say", str)("zh")]
        here = here.__cause__
    return " ".join(whole)


def test_no_error_shows_a_password(served_url: str, server: servers.Server) -> None:
    scheme, port = served_url.partition("://")[0], server.port
    shown = {servers.PASSWORD, quote(servers.PASSWORD, safe="")}
    good = served_url
    bad = [
        (good.replace("keeper", "nobody"), StoreUnusable),
        (good.rpartition("/")[0] + "/no_such", StoreUnusable),
        (good.rpartition("/")[0] + "/", StoreUnusable),
        (good + "?colour=red", StoreUnusable),
        (good + "?pool_size=1", StoreUnusable),
        (good + "?pool_size=2.5", StoreUnusable),
        (good + "?lock_seconds=soon", StoreUnusable),
        (good + "?statement_seconds=0", StoreUnusable),
        (good + "?password=x", StoreUnusable),
        (good + "?mode=rwc", StoreUnusable),
        (good + "?durability=some", StoreUnusable),
        (good.replace(scheme, f"{scheme}+other"), StoreUnusable),
        (good.replace(f":{port}", ":port"), StoreUnusable),
        (good.replace(f":{port}", f":{servers.free_port()}"), StoreBusy),
        (good.replace("127.0.0.1", "no-such-host.invalid"), StoreBusy),
    ]
    for url, kind in bad:
        with pytest.raises(StoreError) as caught:
            open_store(url, connect_seconds=3)
        assert type(caught.value) is kind, (url, caught.value)
        assert caught.value.say("en") != caught.value.say("zh")
        assert not [secret for secret in shown if secret in said(caught.value)], url
    there = open_store(good)
    assert "***" in there.url
    assert not [secret for secret in shown if secret in f"{there.url} {there.backend.address!r}"]  # type: ignore[attr-defined]
    there.close()


def test_a_wrong_password_is_told_as_such(served_url: str) -> None:
    with pytest.raises(StoreUnusable, match="password is wrong"):
        open_store(served_url, password="hush")


def test_the_password_and_the_options_may_stand_beside_the_url(served_url: str) -> None:
    parts = urlsplit(served_url)
    bare = served_url.replace(f":{parts.password}@", "@")
    hub, desk = garden(f"{bare}?pool_size=3&lock_seconds=5", password=servers.PASSWORD, lock_seconds=2)
    address = backend_of(hub).address
    assert (address.pool_size, address.lock_seconds) == (3, 2)
    desk.do(open_plot)
    hub.close()


def test_reading_alone_writes_nothing(served_url: str) -> None:
    garden(served_url)[0].close()
    hub, desk = garden(f"{served_url}?mode=ro")
    assert desk.find(Plot, limit=1) == []
    with pytest.raises(StoreUnusable, match="reading alone"):
        desk.do(open_plot)
    assert hub.verify().ok
    hub.close()


def test_an_empty_database_is_refused_where_nothing_may_be_made(served_url: str) -> None:
    for url, options in (
        (served_url, {"create": False}),
        (f"{served_url}?create=no", {}),
        (f"{served_url}?mode=ro", {}),
    ):
        with pytest.raises(StoreUnusable, match="no store in it"):
            open_store(url, **options)  # type: ignore[arg-type]
    garden(served_url)[0].close()
    for url, options in ((served_url, {"create": False}), (f"{served_url}?mode=ro", {})):
        open_store(url, **options).close()  # type: ignore[arg-type]


def test_a_user_who_may_not_make_tables_is_told_what_is_lacking(served_url: str, server: servers.Server) -> None:
    database = servers.database_in(served_url)
    if served_url.startswith("postgresql"):
        server.execute(f"ALTER DATABASE {database} OWNER TO postgres")
    else:
        server.execute("REVOKE ALL ON `books\\_%`.* FROM keeper@'127.0.0.1'")
        server.execute("GRANT SELECT ON `books\\_%`.* TO keeper@'127.0.0.1'")
    try:
        with pytest.raises(StoreUnusable, match="grant it"):
            hub_at(served_url)
    finally:
        if served_url.startswith("mariadb"):
            server.execute("GRANT ALL ON `books\\_%`.* TO keeper@'127.0.0.1'")


def test_servers_that_will_not_do_are_told_what_would(opened: tuple[Hub, Desk]) -> None:
    backend = backend_of(opened[0])
    if backend.dialect.name == "mariadb":
        for version, word in (("8.0.36", "MySQL lacks"), ("5.5.5-10.4.30-MariaDB-log", "10.5 or later")):
            with pytest.raises(StoreUnusable, match=word):
                backend._check_version(version)
        backend._check_version("11.4.2-MariaDB-ubu2404")
        return

    class Said:
        def __init__(self, *row: Any) -> None:
            self.row = row

        def all(self, sql: str) -> list[Any]:
            return [self.row]

    for row, word in (
        ((120_004, "UTF8", "public", "on", "on", "on"), "13 or later"),
        ((150_000, "SQL_ASCII", "public", "on", "on", "on"), "ENCODING 'UTF8'"),
        ((150_000, "UTF8", None, "on", "on", "on"), "search path"),
    ):
        with pytest.raises(StoreUnusable, match=word):
            backend.look(Said(*row))
    assert backend.look(Said(150_000, "UTF8", "public", "off", "on", "on"))["durable"] is not True


def test_a_newer_format_is_refused(opened: tuple[Hub, Desk], served_url: str) -> None:
    building = backend_of(opened[0]).building()
    name = '"schema"' if served_url.startswith("postgresql") else "`schema`"
    assert building.run([(f"UPDATE cc_kinds SET {name} = 2 WHERE kind = '$format'", ONCE)]) == [1]
    building.commit("")
    building.end()
    with pytest.raises(StoreUnusable, match="upgrade communitycore-sql"):
        hub_at(served_url)


def test_what_another_process_was_quicker_with_is_looked_at_again(
    opened: tuple[Hub, Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, desk = opened
    backend, layout = backend_of(hub), backend_of(hub).layout
    seen: list[Layout] = []

    def late(asked: Line) -> Layout:
        seen.append(layout(asked))
        return Layout({}, {}) if len(seen) <= 2 else seen[-1]  # as if all was made between the look and the work

    monkeypatch.setattr(backend, "layout", late)
    hub.store.prepare([shape_of(Plot)])
    assert len(seen) == 3
    desk.do(open_plot)


def test_a_kind_that_another_process_has_noted_is_looked_at_again(
    opened: tuple[Hub, Desk], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, _ = opened
    work = store.work_on
    asked: list[int] = []

    def late(*said: Any) -> list[Work]:
        asked.append(1)
        noted = Work("INSERT INTO cc_kinds VALUES ('plot', 1)")
        moved = Work("UPDATE cc_kinds SET kind = 'plot' WHERE kind = 'never'", guarded=True)
        return [noted] if len(asked) <= 2 else [moved] if len(asked) <= 4 else work(*said)

    monkeypatch.setattr(store, "work_on", late)
    hub.store.prepare([shape_of(Plot)])
    assert len(asked) == 5


def test_a_missing_driver_names_what_to_install(served_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = "psycopg" if served_url.startswith("postgresql") else "pymysql"
    extra = "postgresql" if served_url.startswith("postgresql") else "mariadb"
    monkeypatch.setitem(__import__("sys").modules, driver, None)
    with pytest.raises(StoreUnusable, match=rf"communitycore-sql\[{extra}\]") as caught:
        open_store(served_url)
    assert servers.PASSWORD not in said(caught.value)
