"""What must work where only the wheels are installed; run by `nox -s wheels`, away from the checkout."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import communitycore as cc

HERE = Path.cwd()


def main() -> None:
    """A hub on either store, and the command line."""
    home = Path(cc.__file__)
    if "site-packages" not in home.parts:
        raise SystemExit(f"this is not the installed communitycore but {home}")
    for url in ("memory://", f"sqlite:///{HERE / 'smoke.db'}"):
        with cc.open(url) as hub:
            body = hub.found("370115", name="济阳区", level="district")
            desk = hub.desk("370115", hub.administrator("370115"))
            if desk.get(cc.Jurisdiction, body.id) != body or not hub.verify().ok:
                raise SystemExit(f"{url} does not give back what it was given")
    for words in (["plugins"], ["verify", "--db", f"sqlite:///{HERE / 'smoke.db'}"], ["demo", "--lang", "zh"]):
        subprocess.run([sys.executable, "-W", "error", "-m", "communitycore.cli", *words], check=True)


if __name__ == "__main__":
    main()
