"""How the docs are built: `sphinx-build -W -n docs OUT`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

import communitycore

project = "communitycore"
author = "The communitycore authors"
copyright = "2026, the communitycore authors; Apache License 2.0"
version = release = communitycore.__version__

extensions = ["myst_parser", "reference"]
source_suffix = {".md": "markdown"}
exclude_patterns = ["_build", "_ext"]
nitpicky = True

myst_enable_extensions = ["deflist", "colon_fence"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = f"communitycore {release}"
html_extra_path = ["journal-vectors.json"]
# Pages name the store's tables, state tables and Chinese terms in one search.
html_search_language = "en"
html_show_sphinx = False
