"""Stores by URL scheme: how a URL is read, and that no password in one is ever repeated."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

import communitycore as cc
from communitycore.kernel.errors import BadValue, NoAdapter
from communitycore.plugins import installed_stores, scheme_of, without_password


@pytest.mark.parametrize(
    ("url", "scheme"), [("sqlite:///a.db", "sqlite"), ("mysql+pymysql://h/d", "mysql"), ("memory://", "memory")]
)
def test_a_scheme_is_what_stands_before_the_driver(url: str, scheme: str) -> None:
    assert scheme_of(url) == scheme


@pytest.mark.parametrize("url", ["", "a.db", "://x", "postgresql:me:s3cret@host/db", "me:s3cret@host"])
def test_what_is_no_url_is_refused_without_being_repeated(url: str) -> None:
    with pytest.raises(BadValue) as refused:
        cc.open(url)
    assert (refused.value.field, "sqlite:///" in refused.value.why) == ("url", True)
    assert "s3cret" not in refused.value.say() + refused.value.say("zh") + repr(refused.value.data)


def test_a_scheme_that_nobody_serves_says_what_is_amiss_without_the_password() -> None:
    with pytest.raises(NoAdapter) as refused:
        cc.open("oracle://me:s3cret@host/db?x=1")
    assert refused.value.url == "oracle://me:***@host/db?x=1"
    assert refused.value.say("zh").endswith("没有已知的适配器支持 oracle://。")
    assert "s3cret" not in repr(refused.value) + repr(refused.value.data)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("sqlite:///town.db", "sqlite:///town.db"),
        ("sqlite:////home/me/a@b:c.db", "sqlite:////home/me/a@b:c.db"),
        ("sqlite:///C:/towns/a@b.db", "sqlite:///C:/towns/a@b.db"),
        ("postgresql://host:5432/db", "postgresql://host:5432/db"),
        ("postgresql://me@host:5432/db", "postgresql://me@host:5432/db"),
        ("postgresql://me:s3@cret/x@host:5432/db?a=b", "postgresql://me:***@host:5432/db?a=b"),
        ("mysql+pymysql://:s3cret@host/db", "mysql+pymysql://:***@host/db"),
        ("mysql://host/db?a=b&password=s3cret&c=d", "mysql://host/db?a=b&password=***&c=d"),
        ("postgresql://host/db?sslpassword=s3cret", "postgresql://host/db?sslpassword=***"),
    ],
)
def test_a_url_is_shown_without_its_password_and_otherwise_as_it_is(url: str, shown: str) -> None:
    assert without_password(url) == shown


@given(st.text(min_size=8).filter(lambda text: "*" not in text), st.text("abc.:/?&=@", max_size=9))
def test_no_password_is_shown_however_it_is_written(password: str, host: str) -> None:
    assert (
        password not in without_password(f"postgresql://me:{password}@h{host}").partition("://me:")[2]
        or password in host
    )


def test_the_memory_store_is_always_there() -> None:
    assert installed_stores()["memory"] == "communitycore"
