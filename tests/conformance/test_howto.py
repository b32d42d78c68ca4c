"""The how-to's adapter, proved as a reader would do it: its blocks in files of their own, and pytest run on them."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "howto" / "prove-an-adapter.md").read_text(encoding="utf-8")
BLOCK = re.compile(r"^```py\n# (\w+\.py)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
CONSOLE = "\n".join(re.findall(r"^```console\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))

FEW = """from hypothesis import settings

settings.register_profile("few", max_examples=10, database=None)
settings.load_profile("few")
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page's files, and the suite once more for the adapter that remembers rows."""
    folder = tmp_path_factory.mktemp("howto")
    for name, code in BLOCK.findall(PAGE):
        (folder / name).write_text(code, encoding="utf-8")
    (folder / "conftest.py").write_text(FEW, encoding="utf-8")
    suite = (folder / "test_counted.py").read_text(encoding="utf-8")
    renamed = suite.replace("from counted import open_counted", "from remembering import open_remembering")
    renamed = renamed.replace("open_counted", "open_remembering").replace("TestCounted", "TestRemembering")
    (folder / "test_remembering.py").write_text(renamed, encoding="utf-8")
    return folder


def proved(folder: Path, suite: str, *words: str) -> str:
    """What pytest says of a suite."""
    command = [sys.executable, "-m", "pytest", "-q", "-rsf", "--tb=line", "-W", "error", "-p", "no:cacheprovider"]
    environment = {**os.environ, "PYTHONUTF8": "1", "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis")}
    said = subprocess.run(
        [*command, suite, *words], cwd=folder, capture_output=True, text=True, encoding="utf-8", env=environment
    )
    return said.stdout + said.stderr


def test_the_pages_adapter_passes_the_kit_and_skips_tell_their_reasons(folder: Path) -> None:
    said = proved(folder, "test_counted.py")
    assert re.search(r"^\d{3,} passed, \d+ skipped", said, re.MULTILINE), said[-2_000:]
    reasons = set(re.findall(r"^SKIPPED .*?\.py:\d+: (.*)$", said, re.MULTILINE))
    shown = set(re.findall(r"^SKIPPED .*?\.py: (.*)$", CONSOLE, re.MULTILINE))
    assert shown
    assert shown <= reasons
    assert all(re.match(r"(processes|durable|parallel): \w", reason) for reason in reasons)


def test_what_the_page_says_is_found_is_found(folder: Path) -> None:
    shown = re.findall(r"^FAILED test_remembering.py::TestRemembering::(\w+)$", CONSOLE, re.MULTILINE)
    said = proved(folder, "test_remembering.py", "-k", "Interleav or writer or lock or update")
    failed = re.findall(r"^FAILED test_remembering.py::TestRemembering::(\w+)", said, re.MULTILINE)
    assert shown
    assert set(shown) <= set(failed), said[-2_000:]
