"""What a server's error means: whether to call again, or what to mend; and nothing of what a row holds."""

from __future__ import annotations

from typing import Any

import pytest

from communitycore.kernel.errors import StoreBusy, StoreError, StoreUnusable

URL = "server://db"


def checked(error: Any, kind: type[StoreError]) -> None:
    assert type(error) is kind, error
    assert error.retryable == (kind is StoreBusy)
    assert error.say("en") != error.say("zh")


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        *((state, StoreBusy) for state in ("40001", "40P01", "55P03", "53300", "57P01", "57P02", "57P03", "57P05")),
        *((state, StoreBusy) for state in ("08000", "08001", "08006", "25P03", "26000", "0A000")),
        *((state, StoreUnusable) for state in ("53100", "53200", "28P01", "28000", "3D000", "42501", "42P01", "25006")),
        *((state, StoreUnusable) for state in ("XX001", "XX002")),
        *((state, StoreError) for state in ("57014", "22021", "54000", "XX000", "42601")),
    ],
)
def test_what_postgresql_says(state: str, kind: type[StoreError]) -> None:
    psycopg = pytest.importorskip("psycopg")
    from communitycore_sql.postgresql.trouble import trouble_of

    checked(trouble_of(psycopg.errors.lookup(state)("it says so"), URL), kind)


def test_a_postgresql_connection_that_breaks_has_no_state() -> None:
    psycopg = pytest.importorskip("psycopg")
    from communitycore_sql.postgresql.trouble import is_away, told, trouble_of

    checked(trouble_of(psycopg.OperationalError("server closed the connection unexpectedly"), URL), StoreBusy)
    for said, kind, away in (
        ('connection failed: FATAL:  password authentication failed for user "x"', StoreUnusable, False),
        ('connection failed: FATAL:  database "x" does not exist', StoreUnusable, False),
        ('connection failed: FATAL:  role "x" does not exist', StoreUnusable, False),
        ("connection failed: FATAL:  sorry, too many clients already", StoreBusy, False),
        ("connection failed: FATAL:  the database system is starting up", StoreBusy, True),
        ("connection failed: could not connect: Connection refused", StoreBusy, True),
        ("连接失败：口令认证失败", StoreBusy, True),  # a server that speaks another language
    ):
        error = told(psycopg.OperationalError(said))
        checked(trouble_of(error, URL), kind)
        assert is_away(error) == away, said


@pytest.mark.parametrize(
    ("number", "kind"),
    [
        *(
            (number, StoreBusy)
            for number in (1205, 1213, 1020, 1040, 1203, 1226, 1053, 1317, 1927, 2003, 2006, 2013, 1412)
        ),
        *((number, StoreUnusable) for number in (28, 1021, 1114, 1194, 1712, 1290, 1836, 1044, 1142, 1045, 1049, 1146)),
        *((number, StoreUnusable) for number in (1153, 1665, 1037)),
        *((number, StoreError) for number in (1969, 1366, 1071)),
    ],
)
def test_what_mariadb_says(number: int, kind: type[StoreError]) -> None:
    pymysql = pytest.importorskip("pymysql")
    from communitycore_sql.mariadb.trouble import trouble_of

    checked(trouble_of(pymysql.err.OperationalError(number, "it says so"), URL), kind)


def test_a_socket_that_fails_is_a_connection_that_broke() -> None:
    pymysql = pytest.importorskip("pymysql")
    from communitycore_sql.mariadb.trouble import trouble_of

    checked(trouble_of(OSError(28, "a number that means something else to the server"), URL), StoreBusy)
    checked(trouble_of(pymysql.err.InterfaceError(0, ""), URL), StoreBusy)


def test_who_was_quicker_is_told_from_rows_that_are_alike() -> None:
    psycopg = pytest.importorskip("psycopg")
    from communitycore_sql.postgresql.trouble import is_conflict, is_overtaken

    twice = psycopg.errors.lookup("23505")
    assert is_overtaken(twice('duplicate key value violates unique constraint "pg_class_relname_nsp_index"'))
    alike = twice('could not create unique index "cc_uq_plot$tag"')
    assert is_conflict(alike)
    assert not is_overtaken(alike)
    assert is_overtaken(psycopg.errors.lookup("XX000")("tuple concurrently updated"))
    assert not is_overtaken(psycopg.errors.lookup("XX000")("cache lookup failed"))
