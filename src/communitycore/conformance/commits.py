"""Commits whose answer is lost: what may have been kept is said to be unknown, and is never done twice."""

from __future__ import annotations

import pytest

from communitycore.conformance import room
from communitycore.conformance.bench import Bench
from communitycore.conformance.books import Books, put
from communitycore.conformance.kinds import sample
from communitycore.conformance.room import Tool
from communitycore.conformance.suite import Suite, needs
from communitycore.conformance.threads import whole
from communitycore.kernel.errors import OutcomeUnknown, StoreError
from communitycore.ports import Batch, Store


class LostCommits(Suite):
    """The line may break in the middle of COMMIT: before it took effect, or after.

    break_commit is the one thing that the author of an adapter must say how to do.
    """

    def break_commit(self, store: Store, *, kept: bool) -> None:
        """Let the next COMMIT of `store` break, as a lost connection would: once it took effect if `kept`, else before.

        The transaction then is over and holds no lock; the next one works again.
        """
        pytest.fail("override break_commit: say how a COMMIT of this store is made to break")

    @needs("durable")
    @pytest.mark.parametrize("kept", [True, False])
    def test_a_commit_that_may_have_been_kept_says_so(self, books: Books, kept: bool) -> None:
        """As no error that invites to simply do it again."""
        self.break_commit(books.store, kept=kept)
        batch: Batch | None = None
        with pytest.raises(StoreError) as told, books.store.writing() as tx:
            batch = books.write_in(tx, put(sample("a")), notes=["a"])
            tx.commit()
        assert batch is not None
        unknown = isinstance(told.value, OutcomeUnknown)
        assert unknown or not kept, "it was kept, and is told as if it had not been"
        assert unknown or told.value.retryable
        assert not (unknown and told.value.retryable)
        with books.store.writing() as tx:
            head = tx.lock(books.id)
        assert head == (batch.head if kept else books.head)
        books.head = batch.head if kept else books.head
        books.write(notes=["b"])
        assert [entry.record for entry in books.entries()] == (["a", "a", "b"] if kept else ["b"])

    @needs("durable")
    @pytest.mark.parametrize("kept", [True, False])
    def test_a_call_whose_commit_lost_its_answer_is_done_once(self, bench: Bench, kept: bool) -> None:
        tool = bench.tool()
        self.break_commit(bench.hub.store, kept=kept)
        bench.desk.do(room.inspect, tool.id, remark="once")
        self.break_commit(bench.hub.store, kept=kept)
        made = bench.tool(tag="A1")
        assert [entry.name for entry in bench.desk.history(Tool, tool.id)] == ["tool.added", "tool.inspected"]
        assert bench.desk.find(Tool) == [tool, made]
        whole(bench)

    @needs("durable")
    @pytest.mark.parametrize("kept", [True, False])
    def test_calls_whose_common_commit_lost_its_answer_are_each_done_once(self, bench: Bench, kept: bool) -> None:
        tools = [bench.tool() for _ in range(3)]
        self.break_commit(bench.hub.store, kept=kept)
        calls = [room.inspect.call(tool.id, remark="once") for tool in tools]
        outcomes = bench.desk.do_many([*calls, room.inspect.call(room.ToolId("unknown"), remark="never")])
        assert [outcome.error is None for outcome in outcomes] == [True, True, True, False]
        for tool in tools:
            assert [entry.name for entry in bench.desk.history(Tool, tool.id)] == ["tool.added", "tool.inspected"]
        whole(bench)

    @needs("durable")
    @pytest.mark.parametrize("kept", [True, False])
    def test_a_keyed_call_that_is_made_again_is_the_one_that_was_kept(self, bench: Bench, kept: bool) -> None:
        self.break_commit(bench.hub.store, kept=kept)
        desk = bench.desk.keyed("k")
        assert desk.do(room.add, name="saw") == desk.do(room.add, name="saw")
        assert len(bench.desk.find(Tool)) == 1
        whole(bench)
