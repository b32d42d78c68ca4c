"""A kind may keep from some of its readers who took its steps: `record(actors=...)`."""

from __future__ import annotations

from typing import NewType

import pytest

import communitycore as cc
from communitycore.kernel.errors import Mistake, NotAllowed
from communitycore.kernel.ids import HIDDEN
from communitycore.kernel.jurisdiction import give
from communitycore.testing import Clock, seeded

LetterId = NewType("LetterId", str)
FileId = NewType("FileId", str)
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


# unless


def _is_about(view: cc.View, file: File) -> bool:
    return view.actor == file.about


@cc.record(
    "file",
    read=cc.unless(cc.role(ARCHIVIST), _is_about, en="whom it is about", zh="当事人") | cc.own("keeper"),
    actors=cc.unless(cc.role(ARCHIVIST), _is_about, en="whom it is about", zh="当事人"),
)
@cc.frozen(kw_only=True)
class File(cc.Record[FileId]):
    """Read by archivists and its keeper, but not by whom it is about."""

    keeper: cc.Ref
    about: cc.Ref


@cc.command("files.open", may=cc.PUBLIC)
def open_file(view: cc.View, *, keeper: cc.Ref, about: cc.Ref) -> cc.Change[None]:
    """Open one."""
    return cc.begin("file.opened", File(id=view.new(File), keeper=keeper, about=about)).giving(None)


FILES = cc.Room("files", records=[File], commands=[open_file], roles=[ARCHIVIST])


def test_unless_keeps_out_whom_it_bars_whatever_role_they_hold() -> None:
    hub = cc.open("memory://", rooms=[FILES], clock=Clock(), entropy=seeded(1))
    home = hub.found("1", name="x", level="district").id
    admin = hub.desk(home, hub.administrator(home))
    one, two, other = (cc.Ref(home, name) for name in ("one", "two", "other"))
    for archivist in (one, two):
        admin.do(give, holder=archivist, role=ARCHIVIST)
    for keeper, about in ((other, one), (two, two)):
        hub.desk(home, other).do(open_file, keeper=keeper, about=about)
    desk = hub.desk(home, one)
    [shown] = desk.find(File)
    assert (shown.about, desk.get(File, shown.id)) == (two, shown)
    assert desk.history(File, shown.id)[0].by == other
    [hidden] = hub.desk(home, other).find(File)
    assert hidden.about == one
    for refused in (lambda: desk.get(File, hidden.id), lambda: desk.history(File, hidden.id)):
        with pytest.raises(NotAllowed) as error:
            refused()
        assert "archivist (except whom it is about) or the keeper themselves" in error.value.say()
        assert "档案员（当事人除外）" in error.value.say("zh")
    # Another way in is not barred: two keeps the file about themselves, but does not learn who opened it.
    mine = next(file for file in hub.desk(home, two).find(File) if file.about == two)
    assert hub.desk(home, two).history(File, mine.id)[0].by == HIDDEN
    assert hub.desk(home, cc.Ref(home, "stranger")).find(File) == []


def test_unless_is_no_rule_for_a_command() -> None:
    @cc.command("files.burn", may=cc.unless(cc.PUBLIC, _is_about, en="x", zh="x"))
    def burn(view: cc.View) -> cc.Change[None]:
        """Never."""
        return cc.unchanged(None)

    with pytest.raises(Mistake, match="unless"):
        cc.open("memory://", rooms=[cc.Room("files", records=[File], commands=[burn], roles=[ARCHIVIST])])


def test_a_command_gives_nothing_back_that_unless_keeps_from_some() -> None:
    @cc.command("files.reopen", may=cc.role(ARCHIVIST))
    def reopen(view: cc.View, file_id: FileId) -> cc.Change[File]:
        """It would show the file to whom it is about."""
        return cc.unchanged(view.get(File, file_id))

    with pytest.raises(Mistake, match="reopen"):
        cc.open("memory://", rooms=[cc.Room("files", records=[File], commands=[reopen], roles=[ARCHIVIST])])
