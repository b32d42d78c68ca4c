"""Erasing a person: what was personal is gone from everywhere, everything else stands, and it can be proved (R6)."""

from __future__ import annotations

import gzip
import io
import itertools
import json
from datetime import date, timedelta
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.hub.bench import DAY, Bench, open_bench
from tests.hub.forms_room import CODE, ROOMS, Card3, CardId, do
from tests.hub.stores import Flaky

import communitycore as cc
from communitycore.conformance import diary
from communitycore.conformance.diary import COURT, Line, Page, Person, Post, Reply
from communitycore.hub import verify as verifying
from communitycore.hub.certificate import Certificate
from communitycore.hub.erasing import PAGE
from communitycore.hub.hub import Hub
from communitycore.hub.memory import MemoryStore
from communitycore.kernel.errors import BadValue, KeyErased, Mistake, NotAllowed, NotFound, StoreError
from communitycore.kernel.geometry import Point
from communitycore.kernel.ids import Ref
from communitycore.kernel.journal import FIELDS
from communitycore.kernel.jurisdiction import give
from communitycore.kernel.money import Money
from communitycore.kernel.record import PUBLIC, Indexed, Personal, Record, record
from communitycore.kernel.shape import ERASED
from communitycore.testing import Clock, seeded

WHY = "申请 2024-17"


@pytest.fixture
def bench() -> Bench:
    return open_bench(rooms=(diary.ROOM,))


def person(bench: Bench, place: str | None = None, **more: Any) -> Ref:
    where = place or bench.community
    return Ref(where, bench.at(place=where).do(diary.join, **more).id)


def page(bench: Bench, writer: Ref, **more: Any) -> Page:
    given = {
        "title": "第一页 alpha",
        "tags": ("秘密", "beta"),
        "lines": (Line("他说 gamma", date(1987, 3, 9)), Line("delta")),
        "phone": "13800000000",
        "spent": Money(98765, "CNY"),
        "place": Point(117.2125, 36.9875),
        "mood": "惆怅",
    }
    return bench.at(place=writer.jurisdiction).do(diary.write, writer.id, **{**given, **more})


def erase(bench: Bench, who: Ref, actor: Ref | None = None, reason: str = WHY) -> Certificate:
    return bench.hub.erase(who, actor=actor or bench.admin, reason=reason)


def rows(bench: Bench) -> dict[tuple[str, str, str], tuple[Any, ...]]:
    """Every row of the store."""
    from communitycore.kernel.query import Query

    with bench.hub.store.reading() as tx:
        return {
            (head.id, shape.kind, row[0]): row
            for head in tx.heads()
            for shape in bench.hub.catalogue.shapes.values()
            for row in tx.find(shape, head.id, Query((), 0, False, 1_000, None))
        }


def everything(bench: Bench) -> str:
    """All that anybody could read: rows, records, entries, timers, keys and figures."""
    said: list[Any] = [rows(bench)]
    with bench.hub.store.reading() as tx:
        for head in tx.heads():
            entries = tx.entries(head.id, 0, 100_000)
            said += [head, entries, [[e.changes(), e.timers] for e in entries]]
            said.append(tx.timers(head.id, None, 100_000))
            said.append(tx.keys_caused(head.id, [e.cause for e in entries]))
            said.append(tx.figures("diary.pages", head.id))
    for place in (bench.community, bench.district):
        desk = bench.at(place=place)
        for kind in (Person, Page, Reply, Post):
            for found in desk.find(kind, limit=1_000):
                said += [found, desk.get(kind, found.id), desk.history(kind, found.id)]
        said.append(desk.figures(diary.PAGES))
    return repr(said)


VALUES = (
    "第一页",
    "秘密",
    "beta",
    "他说",
    "1987, 3, 9",
    "1987-03-09",
    "delta",
    "13800000000",
    "98765",
    "117.2125",
    "惆怅",
)


# what is gone, and what stands


def test_r6_what_was_personal_is_gone_and_what_was_not_stands(bench: Bench) -> None:
    me = person(bench, nick="小满")
    mine = bench.desk.do(diary.reread, page(bench, me).id)
    before = everything(bench)
    assert all(value in before for value in (*VALUES, "小满"))
    erase(bench, me)
    after = everything(bench)
    assert not [value for value in (*VALUES, "小满") if value in after]
    now = bench.desk.get(Page, mine.id)
    assert now == Page(
        id=mine.id, version=3, writer=mine.writer, title="", tags=(), lines=(), mood="untold", read_times=1
    )
    assert now.erased
    assert not mine.erased
    assert bench.hub.verify().ok


def test_r6_the_entry_names_the_fields_and_the_digest_is_that_of_the_rest(bench: Bench) -> None:
    me = person(bench)
    mine = page(bench, me, phone=None)
    erase(bench, me)
    *_, entry = bench.desk.history(Page, mine.id)
    assert (entry.name, entry.version) == ("page.erased", 2)
    assert entry.changes().keys() == {"lines", "mood", "place", "spent", "tags", "title"}
    assert all(pair[1] is None and pair[0].keys() == {"hmac"} for pair in entry.changes().values())
    row = rows(bench)[me.jurisdiction, "page", mine.id]
    shape = Page.__shape__
    assert row[3] == ERASED
    assert json.loads(shape.text(row)) == {"read_times": 0, "wanted": False, "writer": me.id}


def test_nothing_of_anybody_else_is_touched(bench: Bench) -> None:
    me, you = person(bench, nick="我"), person(bench, nick="你")
    page(bench, me)
    yours = page(bench, you, phone="139", title="你的")
    bench.desk.do(diary.reply, yours.id, text="回答")
    before = {key: row for key, row in rows(bench).items() if key[1] != "page" or row[4] != me.id}
    erase(bench, me)
    after = rows(bench)
    changed = {key for key, row in before.items() if after[key] != row}
    assert changed == {(bench.community, "person", me.id)}


def test_a_record_that_holds_nothing_loses_its_salt_all_the_same(bench: Bench) -> None:
    """Its journal may hold HMACs of what stood there once: without the salt nobody can try values on them."""
    me = person(bench, nick=None)
    certificate = erase(bench, me)
    assert rows(bench)[bench.community, "person", me.id][3] == ERASED
    assert [(e.kind, e.records, e.fields) for e in certificate.erased] == [("person", 1, ())]
    assert bench.hub.verify().ok


def test_a_record_that_this_hub_wrote_and_remembers_loses_its_salt_too(bench: Bench) -> None:
    """What a hub remembers is the record as it was made, which knows the row as it was written."""
    me = person(bench, nick=None)
    said = bench.desk.do(diary.reply, page(bench, me).id, text="x")
    bench.desk.do(diary.take_back, said.id)
    certificate = erase(bench, me)
    assert {row[3] for (_, kind, _), row in rows(bench).items() if kind in ("person", "page", "reply")} == {ERASED}
    assert {each.kind: each.records for each in certificate.erased} == {"page": 1, "person": 1, "reply": 1}
    assert certificate.complete


def test_a_record_that_leads_to_its_person_through_another_is_theirs(bench: Bench) -> None:
    me, you = person(bench), person(bench)
    mine, yours = page(bench, me), page(bench, you, phone="2")
    theirs = [bench.desk.do(diary.reply, mine.id, text="epsilon") for _ in range(3)]
    kept = bench.desk.do(diary.reply, yours.id, text="zeta")
    erase(bench, me)
    assert all(bench.desk.get(Reply, each.id).text is None for each in theirs)
    assert bench.desk.get(Reply, kept.id).text == "zeta"


def test_a_record_that_names_its_person_from_another_jurisdiction_is_theirs(bench: Bench) -> None:
    me = person(bench)
    post = bench.at(place=bench.district).do(diary.appoint, holder=me, motto="天下为公")
    other = Hub(bench.hub.store, [diary.ROOM], clock=bench.clock, entropy=seeded(2))
    assert other.desk(bench.district, bench.admin).get(Post, post.id).motto == "天下为公"
    erase(bench, me)
    for hub in (bench.hub, other):  # standing records are remembered by each hub
        now = hub.desk(bench.district, bench.admin).get(Post, post.id)
        assert (now.motto, now.holder, now.erased) == (None, me, True)


def test_later_steps_go_on_and_new_values_come_under_a_new_salt(bench: Bench) -> None:
    me = person(bench)
    mine = page(bench, me)
    old = bench.desk.history(Page, mine.id)[0].changes()["title"]
    erase(bench, me)
    again = bench.desk.do(diary.reread, mine.id)
    assert again.erased
    assert again.read_times == 1
    assert bench.desk.get(Page, mine.id).erased
    assert bench.desk.history(Page, mine.id)[-1].changes() == {"read_times": [0, 1]}
    new = bench.desk.do(diary.retitle, mine.id, title="第一页 alpha")
    assert not new.erased
    assert not bench.desk.get(Page, mine.id).erased
    assert bench.desk.get(Page, mine.id) == new
    before, after = bench.desk.history(Page, mine.id)[-1].changes()["title"]
    assert before is None
    assert after.keys() == {"hmac"}
    assert after != old
    salt = rows(bench)[me.jurisdiction, "page", mine.id][3]
    assert len(salt) == 64
    assert bench.hub.verify().ok
    assert len(erase(bench, me).erased[0].entries) == 2
    assert bench.desk.get(Page, mine.id).erased
    assert bench.hub.verify().ok
    bench.desk.do(diary.retitle, mine.id, title="第一页 alpha")
    assert rows(bench)[me.jurisdiction, "page", mine.id][3] not in (salt, ERASED)


def test_its_timers_stay_and_say_nothing_of_what_they_met(bench: Bench) -> None:
    me, you = person(bench), person(bench)
    mine, yours = page(bench, me, title="η-title"), page(bench, you, phone="2", title="θ-title")
    bench.clock.advance(2 * DAY)
    bench.hub.run_due()
    said = {timer.record: timer.parked for timer in bench.hub.parked(bench.community)}
    assert "η-title" in (said[mine.id] or "")
    waiting = page(bench, me, phone="3")
    erase(bench, me)
    with bench.hub.store.reading() as tx:
        timers = {timer.record: timer for timer in tx.timers(bench.community, None, 100)}
    assert timers[mine.id].parked == ""
    assert "θ-title" in (timers[yours.id].parked or "")
    assert timers[waiting.id].parked is None
    assert bench.hub.verify().ok


# keys


def test_a_call_that_was_erased_is_not_done_twice_and_says_so(bench: Bench) -> None:
    me, you = person(bench), person(bench)
    desk = bench.desk
    calls = {key: diary.write.call(who.id, title="一") for key, who in (("mine", me), ("yours", you))}
    made = {key: desk.do_many([call.keyed(key)])[0].get() for key, call in calls.items()}
    erase(bench, me)
    before = bench.state()
    with pytest.raises(KeyErased) as refused:
        desk.do_many([calls["mine"].keyed("mine")])[0].get()
    assert refused.value.key == "mine"
    assert refused.value.say("zh") != refused.value.say("en")
    with pytest.raises(KeyErased):  # nor is any other call under that key
        desk.keyed("mine").do(diary.join)
    assert desk.do_many([calls["yours"].keyed("yours")])[0].get() == made["yours"]
    assert bench.state() == before
    with bench.hub.store.reading() as tx:
        mine, yours = (tx.key(bench.community, str(bench.keeper), key) for key in ("mine", "yours"))
    assert mine is not None
    assert yours is not None
    assert (mine.salt, mine.mac) == ("", "")
    assert yours.salt
    assert yours.mac


def test_every_call_that_ever_touched_an_erased_record_loses_its_key(bench: Bench) -> None:
    me = person(bench)
    mine = page(bench, me)
    bench.desk.keyed("retitled").do(diary.retitle, mine.id, title="ι")
    erase(bench, me)
    with pytest.raises(KeyErased):
        bench.desk.keyed("retitled").do(diary.retitle, mine.id, title="ι")
    assert bench.desk.get(Page, mine.id).title == ""


# who is the same


def test_it_follows_who_is_the_same_from_either_side_and_however_far(bench: Bench) -> None:
    me = person(bench, nick="κ")
    twin = person(bench, bench.district, nick="λ", same_as=me)
    further = person(bench, nick="μ", same_as=twin)
    stranger = person(bench, bench.district, nick="ν", same_as=Ref("else", "where"))
    for start in (me, twin, further):
        copy = open_bench(rooms=(diary.ROOM,))
        for nick, place, same in (("κ", None, None), ("λ", copy.district, me), ("μ", None, twin)):
            person(copy, place, nick=nick, same_as=same)
        assert "κ" in everything(copy)
        certificate = erase(copy, start)
        assert certificate.people[0] == start
        assert set(certificate.people) == {me, twin, further}
        assert not set("κλμ") & set(everything(copy))
        assert certificate.complete
        assert copy.hub.verify().ok
    erase(bench, me)
    assert "ν" in everything(bench)
    assert bench.hub.holdings(stranger, actor=bench.admin)[0].held == 1


def test_whoever_is_known_here_only_by_who_they_are_elsewhere_is_found(bench: Bench) -> None:
    far = Ref("else", "where")
    twin = person(bench, nick="ξ", same_as=far)
    certificate = erase(bench, far)
    assert certificate.people == (far, twin)
    assert "ξ" not in everything(bench)
    with pytest.raises(NotFound) as refused:
        erase(bench, Ref("else", "nobody"))
    assert refused.value.kind == "person"


# who may


def test_an_administrator_here_or_above_and_the_person_themselves_may(bench: Bench) -> None:
    for who, same in ((bench.admin, None), (None, None), (Ref("far", "me"), Ref("far", "me"))):
        me = person(bench, nick="ο", same_as=same)
        erase(bench, me, actor=who or me)
        assert bench.hub.holdings(me, actor=bench.admin)[0].held == 0


@pytest.mark.parametrize("what", ["holdings", "erase"])
def test_nobody_else_may(bench: Bench, what: str) -> None:
    me, you = person(bench, nick="π"), person(bench)
    before = bench.state()
    for who in (you, bench.keeper, Ref("else", "where")):
        with pytest.raises(NotAllowed) as refused:
            if what == "erase":
                erase(bench, me, actor=who)
            else:
                bench.hub.holdings(me, actor=who)
        assert refused.value.actor == str(who)
        assert "administrator" in str(refused.value)
    assert bench.state() == before


def test_where_one_may_not_nothing_is_erased_and_the_certificate_says_where(bench: Bench) -> None:
    """A body's administrator cannot reach into another by calling two parties the same."""
    me = person(bench, bench.district, nick="ρ")
    twin = person(bench, nick="σ", same_as=me)
    local = Ref(bench.community, "local-admin")
    bench.hub.desk(bench.community, bench.admin).do(give, holder=local, role=cc.ADMINISTRATOR)
    certificate = erase(bench, twin, actor=local)
    assert certificate.elsewhere == (bench.district,)
    assert not certificate.complete
    assert "σ" not in everything(bench)
    assert "ρ" in everything(bench)
    with pytest.raises(NotAllowed):
        bench.hub.holdings(me, actor=Ref(bench.district, "nobody"))
    assert erase(bench, me).elsewhere == ()
    assert "ρ" not in everything(bench)


def test_the_entries_tell_who_did_it_under_which_grant_and_why(bench: Bench) -> None:
    me = person(bench, nick="τ")
    page(bench, me)
    erase(bench, me)
    *_, erased, written, note = bench.journal()
    assert {erased.name, written.name} == {"page.erased", "person.erased"}
    assert (note.name, note.record) == ("erasure.made", me.id)
    assert note.changes() == {"reason": WHY, "records": 2}
    assert {e.actor for e in (erased, written, note)} == {str(bench.admin)}
    assert len({e.cause for e in (erased, written, note)}) == 1
    assert note.grant is not None


@pytest.mark.parametrize("reason", ["", "  ", "为王小明删除", "tell υφχ no", "x" * 501, "a\0", "\ud800"])
def test_a_reason_that_says_nothing_or_too_much_is_refused(bench: Bench, reason: str) -> None:
    me = person(bench, nick="王小明")
    page(bench, me, lines=(Line("υφχ"),))
    before = bench.state()
    with pytest.raises(BadValue) as refused:
        erase(bench, me, reason=reason)
    assert refused.value.field == "reason"
    assert "王小明" not in repr(refused.value)
    assert bench.state() == before


# what is kept


def test_what_the_law_has_kept_is_kept_and_told_and_erased_once_that_is_over(bench: Bench) -> None:
    me = person(bench)
    wanted, other = page(bench, me, title="ψ"), page(bench, me, phone="2", title="ω")
    bench.desk.do(diary.want, wanted.id, wanted=True)
    assert {h.kind: (h.held, h.kept) for h in bench.hub.holdings(me, actor=me)} == {
        "page": (1, ((COURT, 1),)),
        "person": (1, ()),
    }
    certificate = erase(bench, me)
    kept = [(k.kind, k.records, k.ground) for k in certificate.kept if k.kind != "journal"]
    assert kept == [("page", 1, COURT)]
    assert not certificate.complete
    assert bench.desk.get(Page, wanted.id).title == "ψ"
    assert bench.desk.get(Page, other.id).title == ""
    bench.desk.do(diary.want, wanted.id, wanted=False)
    later = erase(bench, me)
    assert later.complete
    assert bench.desk.get(Page, wanted.id).title == ""
    assert bench.hub.verify().ok


# again and again


def test_done_again_it_changes_nothing_and_certifies_the_same(bench: Bench) -> None:
    me = person(bench, nick="α1")
    page(bench, me)
    first = erase(bench, me)
    before = bench.state()
    bench.clock.advance(timedelta(hours=1))
    second = erase(bench, me, reason="again")
    assert bench.state() == before
    assert attrs.evolve(second, at=first.at) == first


def many_pages(bench: Bench, me: Ref, count: int) -> None:
    calls = [diary.write.call(me.id, title=f"title-{n}.") for n in range(count)]
    for outcome in bench.desk.do_many(calls):
        outcome.get()


def test_thousands_go_in_transactions_of_a_thousand_records(bench: Bench) -> None:
    me = person(bench)
    many_pages(bench, me, PAGE + 5)
    told: list[tuple[int, int]] = []
    certificate = bench.hub.erase(me, actor=bench.admin, reason=WHY, progress=lambda *said: told.append(said))
    assert told == [(PAGE, PAGE + 6), (PAGE + 6, PAGE + 6)]
    by_cause: dict[str, set[str]] = {}
    for entry in bench.hub.journal(bench.community, limit=10_000):
        if entry.name in ("page.erased", "person.erased", "erasure.made"):
            by_cause.setdefault(entry.cause, set()).add(entry.record)
    assert [len(records) for records in by_cause.values()] == [PAGE, 7]  # each with the person, who is noted
    assert {e.kind: e.records for e in certificate.erased} == {"page": PAGE + 5, "person": 1}
    assert bench.hub.verify().ok


def test_broken_off_in_the_middle_it_goes_on_where_it_was() -> None:
    store = Flaky(MemoryStore())
    bench = open_bench(store, rooms=(diary.ROOM,))
    me = person(bench)
    many_pages(bench, me, PAGE + 5)
    store.broken_after_commit = True
    with pytest.raises(StoreError):
        erase(bench, me)
    store.broken_after_commit = store.broken = False
    pages, themselves = bench.hub.holdings(me, actor=bench.admin)
    assert (pages.erased, pages.held, themselves.erased) == (PAGE - 1, 6, 1)
    assert bench.hub.verify().ok
    certificate = erase(bench, me)
    assert {e.kind: (e.records, len(e.entries)) for e in certificate.erased} == {
        "page": (PAGE + 5, PAGE + 5),
        "person": (1, 1),
    }
    assert "title-" not in everything(bench)
    assert bench.hub.verify().ok


@pytest.mark.parametrize("kept", [True, False])
def test_a_commit_that_lost_its_answer_is_looked_up_and_not_made_twice(kept: bool) -> None:
    store = Flaky(MemoryStore())
    bench = open_bench(store, rooms=(diary.ROOM,))
    me = person(bench, nick="α2")
    store.unknown = [kept]
    certificate = erase(bench, me)
    assert [len(e.entries) for e in certificate.erased] == [1]
    assert sum(entry.name == "person.erased" for entry in bench.journal()) == 1


def test_a_caller_who_comes_while_it_is_done_shares_its_transaction_and_loses_the_key_too(bench: Bench) -> None:
    """What is accepted but not yet written is erased with the rest."""
    from communitycore.hub.session import Session

    me = person(bench, nick="α3")
    office = bench.hub._office
    erasing = bench.hub._erasing(bench.admin)
    with office.store.writing() as tx:
        session = office.session(tx, bench.community, office.draw())
        session.run(diary.write.call(me.id, title="β3").keyed("k"), bench.keeper, office.draw())
        assert session.run(erasing._call(me, WHY), bench.admin, office.draw()) == 2
        assert isinstance(session, Session)
        office.flush(tx, session)
    with pytest.raises(KeyErased):
        bench.desk.keyed("k").do(diary.write, me.id, title="β3")
    assert not {"α3", "β3"} & set(everything(bench).replace("'", " ").split())
    assert bench.hub.verify().ok


# the certificate


def test_a_certificate_is_read_back_as_it_was_and_anchors_what_follows(bench: Bench) -> None:
    me = person(bench, nick="γ4")
    page(bench, me)
    person(bench, bench.district, same_as=me)
    certificate = erase(bench, me)
    text = certificate.to_text()
    assert Certificate.from_text(text) == certificate
    assert text == json.dumps(json.loads(text), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert not [value for value in (*VALUES, "γ4") if value in text]
    assert certificate.anchor.heads.keys() == {bench.community, bench.district}
    assert bench.hub.verify(certificate.anchor).ok
    page(bench, me)
    assert bench.hub.verify(certificate.anchor).ok
    entries = {e.seq: e for e in bench.journal()}
    for erased in certificate.erased:
        if erased.jurisdiction == bench.community:
            assert all(entries[seq].name == f"{erased.kind}.erased" for seq in erased.entries)


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"party":"x"}', "第"])
def test_what_is_no_certificate_is_told(text: str) -> None:
    with pytest.raises(BadValue):
        Certificate.from_text(text)


# tampering


@pytest.mark.parametrize("wrong", ["salt back", "value back", "row back"])
def test_verify_finds_what_was_erased_put_back(bench: Bench, wrong: str) -> None:
    me = person(bench, nick="δ5")
    key = bench.community, "person", me.id
    old = rows(bench)[key]
    erase(bench, me)
    now = list(rows(bench)[key])
    if wrong == "row back":
        now[3:] = old[3:]
    elif wrong == "salt back":
        now[3] = old[3]
    else:
        now[5] = "δ5"
    store: Any = bench.hub.store
    store.books[bench.community].tables["person"].put(tuple(now))
    faults = bench.hub.verify().faults
    assert {fault.record for fault in faults} == {me.id}


def test_verify_finds_a_salt_that_was_taken_without_an_entry(bench: Bench) -> None:
    """Else one could make a record unprovable, and say that it was erased."""
    me = person(bench)
    store: Any = bench.hub.store
    now = list(rows(bench)[bench.community, "person", me.id])
    now[3] = ERASED
    store.books[bench.community].tables["person"].put(tuple(now))
    (fault,) = bench.hub.verify().faults
    assert "no entry says" in fault.what
    assert fault.what_zh != fault.what


@pytest.mark.parametrize("pages", [1, 2, 3, 500])
def test_verify_finds_it_once_however_small_its_pages_and_however_often_it_was_erased(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, pages: int
) -> None:
    monkeypatch.setattr(verifying, "PAGE", pages)
    me = person(bench)
    once, twice, again = (page(bench, me, phone=phone) for phone in ("1", "2", "3"))
    salt = rows(bench)[bench.community, "page", once.id][3]
    erase(bench, me)
    bench.desk.do(diary.retitle, twice.id, title="一")
    erase(bench, me)
    bench.desk.do(diary.retitle, again.id, title="二")
    for each in (once, twice, again):
        bench.desk.do(diary.reread, each.id)
    assert bench.hub.verify().ok
    store: Any = bench.hub.store
    books = store.books[bench.community]

    def resalted(record: str, salt: str | None) -> list[tuple[str | None, bool, int | None]]:
        kept = books.tables["page"].rows[record]
        books.tables["page"].put((*kept[:3], salt, *kept[4:]))
        faults = bench.hub.verify().faults
        books.tables["page"].put(kept)
        return [(f.record, "salt again" in f.what, f.seq) for f in faults]

    for each in (once, twice):
        *_, last = (e.seq for e in bench.desk.history(Page, each.id) if e.erases)
        assert resalted(each.id, salt) == [(each.id, True, last)]
        assert resalted(each.id, None) == [(each.id, True, last)]
    # A personal value came to the other since: without its salt it can be proved no more, and nothing says why.
    assert [record for record, still, _ in resalted(again.id, ERASED) if not still] == [again.id] * 2
    assert bench.hub.verify().ok


def test_verify_reads_on_past_an_erasing_entry_that_cannot_be_read(bench: Bench) -> None:
    me = person(bench, nick="δ6")
    erase(bench, me)
    store: Any = bench.hub.store
    entries = store.books[bench.community].entries
    (n,) = [n for n, values in enumerate(entries) if values[FIELDS.index("name")] == "person.erased"]
    values = list(entries[n])
    values[FIELDS.index("difference")] = 7
    entries[n] = tuple(values)
    faults = bench.hub.verify().faults
    assert any(f.seq == n + 1 and "hash" in f.what for f in faults)
    assert any("no entry says" in f.what and f.record == me.id for f in faults)


# who hears of it


def test_whoever_may_not_learn_who_acted_does_not_learn_when_it_was_erased(bench: Bench) -> None:
    me = person(bench)
    mine = bench.desk.do(diary.reply, page(bench, me).id, text="ε6")
    erase(bench, me)
    stranger = bench.at(person(bench))
    assert [e.name for e in stranger.history(Reply, mine.id)] == ["reply.made"]
    assert [e.name for e in bench.desk.history(Reply, mine.id)] == ["reply.made", "reply.erased"]


# rows that an earlier release wrote


def test_a_row_of_an_older_form_is_erased_with_what_was_renamed_and_removed_since() -> None:
    store = MemoryStore()
    first = Hub(store, [ROOMS[0]], clock=Clock(), entropy=seeded(1))
    here = first.found(CODE, name="济阳区", level="district").id
    admin, holder = first.administrator(CODE), Ref(here, "holder")
    said = {"phone": "139-renamed", "secret": "secret-removed"}
    kept = do(first.desk(CODE, admin), "open", who="甲", holder=holder, **said)
    last = Hub(store, [ROOMS[2]], clock=Clock(), entropy=seeded(2))
    certificate = last.erase(holder, actor=admin, reason=WHY)
    assert certificate.erased[0].fields == ("phone", "secret")
    assert not [value for value in said.values() if value in kept_in(store)]
    now = last.desk(CODE, admin).get(Card3, CardId(kept.id))
    assert (now.telephone, now.name, now.erased) == (None, "甲", True)
    assert last.verify().ok
    assert do(last.desk(CODE, admin), "change", kept.id, telephone="138").telephone == "138"
    assert last.verify().ok


# moving to another store


def test_what_was_erased_is_in_no_export_and_stays_erased_where_it_is_taken_in(bench: Bench) -> None:
    me = person(bench, nick="η8")
    mine = page(bench, me)
    bench.desk.keyed("k").do(diary.retitle, mine.id, title="θ8")
    erase(bench, me)
    other = Hub(MemoryStore(), [diary.ROOM], clock=bench.clock, entropy=seeded(3))
    for place in (bench.district, bench.community):
        file = io.BytesIO()
        bench.hub.export(place, file)
        told = gzip.decompress(file.getvalue()).decode()
        assert not [value for value in (*VALUES, "η8", "θ8") if value in told]
        file.seek(0)
        other.take_in(file)
    assert other.verify(bench.hub.anchor()).ok
    desk = other.desk(bench.community, bench.keeper)
    assert desk.get(Page, mine.id).erased
    with pytest.raises(KeyErased):
        desk.keyed("k").do(diary.retitle, mine.id, title="θ8")
    assert other.erase(me, actor=bench.admin, reason=WHY).erased == erase(bench, me).erased


# declarations


def declared(**more: Any) -> None:
    fields = more.pop("fields")
    made = attrs.frozen(kw_only=True)(type("Odd", (Record,), {"__annotations__": fields, "__module__": __name__}))
    record("odd", read=PUBLIC, **more)(made)


@pytest.mark.parametrize(
    ("fields", "owner", "said"),
    [
        ({"born": Personal[date], "who": str}, "who", "odd.born: nothing is left"),
        ({"age": Personal[int], "who": str}, "who", "Personal[... | None]"),
        ({"name": Personal[str | None], "who": tuple[str, ...]}, "who", "must name one person"),
        ({"erased": bool, "who": str}, "who", "choose another"),
    ],
)
def test_a_record_that_could_not_be_erased_is_a_mistake(fields: dict[str, Any], owner: str, said: str) -> None:
    with pytest.raises(Mistake, match="odd") as caught:
        declared(fields=fields, owner=owner)
    assert said in caught.value.what


def test_an_owner_that_leads_to_nobody_is_a_mistake() -> None:
    @record("stone", read=PUBLIC)
    @attrs.frozen(kw_only=True)
    class Stone(Record[diary.PostId]):
        pass

    @record("moss", read=PUBLIC, owner="on")
    @attrs.frozen(kw_only=True)
    class Moss(Record[str]):
        on: Indexed[diary.PostId]
        text: Personal[str | None] = None

    with pytest.raises(Mistake, match="leads to stone, and from there to no person"):
        open_bench(rooms=(cc.Room("stones", records=(Stone, Moss), commands=()),))


# whatever happens


@settings(max_examples=40)
@given(st.data())
def test_r6_after_any_life_nothing_personal_of_the_erased_is_read_anywhere(data: st.DataObject) -> None:
    bench = open_bench(rooms=(diary.ROOM,))
    draw = data.draw
    fresh = (f"token-{n}-记" for n in itertools.count())
    whose: dict[str, int] = {}
    people: list[list[Ref]] = []
    pages: list[tuple[int, str, Page]] = []

    def token(owner: int) -> str:
        made = next(fresh)
        whose[made] = owner
        return made

    for owner in range(3):
        first = person(bench, nick=token(owner))
        twin = person(bench, bench.district, nick=token(owner), same_as=first)
        people.append([first, twin])
    for _ in range(draw(st.integers(1, 12))):
        owner = draw(st.integers(0, 2))
        ref = draw(st.sampled_from(people[owner]))
        match draw(st.sampled_from(["write", "write", "retitle", "reply", "appoint", "reread", "erase", "due"])):
            case "write":
                desk = bench.at(place=ref.jurisdiction)
                if draw(st.booleans()):
                    desk = desk.keyed(f"key-{len(pages)}")
                made = desk.do(
                    diary.write, ref.id, title=token(owner), lines=(Line(token(owner)),), tags=(token(owner),)
                )
                pages.append((owner, ref.jurisdiction, made))
            case "retitle" if pages:
                owner, place, made = draw(st.sampled_from(pages))
                bench.at(place=place).do(diary.retitle, made.id, title=token(owner))
            case "reply" if pages:
                owner, place, made = draw(st.sampled_from(pages))
                bench.at(place=place).do(diary.reply, made.id, text=token(owner))
            case "appoint":
                place = draw(st.sampled_from([bench.community, bench.district]))
                bench.at(place=place).do(diary.appoint, holder=ref, motto=token(owner))
            case "reread" if pages:
                _, place, made = draw(st.sampled_from(pages))
                bench.at(place=place).do(diary.reread, made.id)
            case "erase":
                erase(bench, ref)
                for made, of in list(whose.items()):
                    if of == owner:
                        del whose[made]
            case "due":
                bench.clock.advance(DAY)
                bench.hub.run_due()
    gone = draw(st.integers(0, 2))
    others = {key: row for key, row in rows(bench).items() if not _theirs(row, people[gone], pages, gone)}
    certificate = erase(bench, people[gone][draw(st.integers(0, 1))])
    said = everything(bench)
    bench.hub.scrub()
    assert not [made for made, owner in whose.items() if owner == gone and made in said]
    assert not [made for made, owner in whose.items() if owner == gone and made in kept_in(bench.hub.store)]
    now = rows(bench)
    assert {key for key, row in others.items() if now[key] != row} == set()
    assert certificate.complete
    assert Certificate.from_text(certificate.to_text()) == certificate
    assert bench.hub.verify(certificate.anchor).ok


def _theirs(row: tuple[Any, ...], people: list[Ref], pages: list[tuple[int, str, Page]], owner: int) -> bool:
    ids = {ref.id for ref in people} | {str(ref) for ref in people}
    ids |= {made.id for of, _, made in pages if of == owner}
    return bool(ids & {value for value in row if isinstance(value, str)})


def kept_in(store: Any) -> str:
    """All that a memory store holds, its indexes too."""
    return repr([[vars(table) for table in books.tables.values()] + [vars(books)] for books in store.books.values()])


def test_a_scrubbed_memory_store_knows_nothing_of_it_even_in_its_indexes(bench: Bench) -> None:
    me = person(bench)
    page(bench, me)
    erase(bench, me)
    assert "13800000000" in kept_in(bench.hub.store)
    bench.hub.scrub()
    assert not [value for value in VALUES if value in kept_in(bench.hub.store)]
    assert bench.hub.verify().ok


def test_a_hub_forgets_what_it_remembered(bench: Bench) -> None:
    me = person(bench)
    mine = page(bench, me)
    bench.at(place=bench.district).do(diary.appoint, holder=me, motto="ζ7")
    bench.desk.do(diary.reread, mine.id)
    bench.at(place=bench.district).find(Post)
    cache = bench.hub._office.standing
    assert "13800000000" in repr(cache.recent._kept)
    erase(bench, me)
    assert "13800000000" not in repr(cache.recent._kept)
    assert "ζ7" not in repr([vars_of(standing) for standing in cache._kept.values()])
    bench.hub.scrub()
    assert not cache.recent._kept
    assert not cache._kept


def vars_of(value: Any) -> dict[str, Any]:
    return {name: getattr(value, name) for name in value.__slots__}
