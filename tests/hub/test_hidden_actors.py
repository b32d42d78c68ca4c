"""A kind may keep from some of its readers who took its steps: `record(actors=...)`."""

from __future__ import annotations

from typing import NewType

import pytest

import communitycore as cc
from communitycore.kernel.errors import Mistake
from communitycore.kernel.ids import HIDDEN
from communitycore.kernel.jurisdiction import give
from communitycore.testing import Clock, seeded

LetterId = NewType("LetterId", str)
ARCHIVIST = cc.Role("archivist", "档案员")


@cc.record("letter", read=cc.PUBLIC, actors=cc.role(ARCHIVIST) | cc.own("keeper"))
@cc.frozen(kw_only=True)
class Letter(cc.Record[LetterId]):
    """Read by all; who wrote it is known to an archivist and to its keeper."""

    keeper: cc.Ref
    text: str


@cc.command("letters.write", may=cc.PUBLIC)
def write(view: cc.View, *, keeper: cc.Ref, text: str) -> cc.Change[Letter]:
    """Write one; an hour later it is noted."""
    letter = Letter(id=view.new(Letter), keeper=keeper, text=text)
    return cc.begin("letter.written", letter).at(view.now, file)


@cc.command("letters.file", may=cc.TIMER)
def file(view: cc.View, letter_id: LetterId) -> cc.Change[Letter]:
    """Filed by the timer, on the writer's behalf."""
    return cc.note("letter.filed", view.get(Letter, letter_id))


ROOM = cc.Room("letters", records=[Letter], commands=[write, file], roles=[ARCHIVIST])


def test_history_hides_who_acted_from_those_who_may_not_learn_it() -> None:
    hub = cc.open("memory://", rooms=[ROOM], clock=Clock(), entropy=seeded(1))
    home = hub.found("1", name="x", level="district").id
    admin = hub.desk(home, hub.administrator(home))
    refs = {name: cc.Ref(home, name) for name in ("writer", "keeper", "archivist", "other")}
    admin.do(give, holder=refs["archivist"], role=ARCHIVIST)
    desks = {name: hub.desk(home, ref) for name, ref in refs.items()}
    letter = desks["writer"].do(write, keeper=refs["keeper"], text="hello")
    hub.run_due()
    whole = desks["archivist"].history(Letter, letter.id)
    assert [entry.name for entry in whole] == ["letter.written", "letter.filed"]
    assert desks["keeper"].history(Letter, letter.id) == whole
    assert (whole[0].by, whole[1].behalf) == (refs["writer"], str(refs["writer"]))

    shown = desks["other"].history(Letter, letter.id)
    assert [entry.by for entry in shown] == [HIDDEN, HIDDEN]
    assert shown[1].behalf == str(HIDDEN)
    assert "writer" not in repr(shown)
    assert [(e.name, e.seq, e.at, e.difference) for e in shown] == [(e.name, e.seq, e.at, e.difference) for e in whole]
    assert {(e.cause, e.grant, e.hash) for e in shown} == {("", None, "")}

    mine = desks["writer"].history(Letter, letter.id)
    assert mine[0] == whole[0]
    assert mine[1].by == HIDDEN
    assert hub.verify().ok


def test_a_rule_that_names_no_field_is_a_mistake() -> None:
    @cc.record("note_of_nobody", read=cc.PUBLIC, actors=cc.own("nobody"))
    @cc.frozen(kw_only=True)
    class Wrong(cc.Record[str]):
        """Names a field that it has not."""

        text: str

    with pytest.raises(Mistake, match="nobody"):
        cc.open("memory://", rooms=[cc.Room("wrong", records=[Wrong], commands=[])])
