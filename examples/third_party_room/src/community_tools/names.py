"""A classifier that needs no model: a category is suggested whose name's words stand in the text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import communitycore as cc


def _pieces(text: str) -> set[str]:
    """Words of letters, and pairs of neighbouring Chinese characters, since Chinese is written without spaces."""
    words = set(re.findall(r"[a-z]{3,}", text.casefold()))
    runs = re.findall(r"[\u4e00-\u9fff]{2,}", text)
    return words | {run[n : n + 2] for run in runs for n in range(len(run) - 1)}


def suggest(text: str, choices: Mapping[str, str]) -> Iterator[cc.Suggestion]:
    """Each choice that shares a piece with the text, the more of its name the likelier."""
    said = _pieces(text)
    for id, name in choices.items():
        own = _pieces(name.rpartition("›")[2])
        shared = own & said
        if shared:
            yield cc.Suggestion(id, max(1, 90 * len(shared) // len(own)), ", ".join(sorted(shared)))


NAMES = cc.Classifier("tools.names", suggest)
