"""Rules as data: joined, told in two languages."""

from __future__ import annotations

import pytest
from tests.hub.room import Loan

from communitycore.kernel.rules import PUBLIC, REACTION, TIMER, Role, linked, own, role

CLERK, GUIDE = Role("clerk", "窗口人员"), Role("guide", "讲解员")


def test_rules_join_without_nesting() -> None:
    joined = role(CLERK) | own("claimant") | TIMER | (REACTION | PUBLIC)
    assert len(tuple(joined)) == 5
    assert tuple(PUBLIC) == (PUBLIC,)


@pytest.mark.parametrize(
    ("rule", "en", "zh"),
    [
        (PUBLIC, "anyone", "任何人"),
        (role(CLERK, GUIDE), "clerk, guide", "窗口人员、讲解员"),
        (own("claimant"), "the claimant themselves", "claimant 本人"),
        (own("wish.reporter"), "the wish.reporter themselves", "wish.reporter 本人"),
        (TIMER | REACTION, "a timer or a reaction", "定时器或联动"),
        (linked(Loan, "tool", "neighbour"), "the neighbour of its Loan", "其 Loan 的 neighbour"),
    ],
)
def test_a_rule_says_whom_it_admits(rule: object, en: str, zh: str) -> None:
    assert rule.say("en") == str(rule) == en  # type: ignore[attr-defined]
    assert rule.say("zh") == zh  # type: ignore[attr-defined]


def test_equal_rules_are_equal_and_serve_as_keys() -> None:
    assert own("a.b") == own("a.b") != own("a")
    assert {role(CLERK): 1}[role(CLERK)] == 1
