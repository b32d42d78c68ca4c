"""A month of real service requests: Boston, May 2015 (City of Boston open data), through the whole road.

    python examples/boston_311.py DATA_DIR [--db URL] [--repair]

DATA_DIR holds neighborhoods.geojson and requests-2015-05.csv.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path
from time import perf_counter

import communitycore as cc
from communitycore.formats.geojson import read_features
from communitycore.formats.requests_csv import read_mapping, read_requests
from communitycore.kernel.geometry import Area
from communitycore.loading import load_grids, load_requests

MAPPING = Path(__file__).with_name("boston_mapping.toml")


def main() -> int:
    """Load, tell what was found, verify."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, metavar="DATA_DIR")
    parser.add_argument("--db", metavar="URL")
    parser.add_argument("--repair", action="store_true", help="read invalid polygons even-odd, and record that")
    given = parser.parse_args()
    url = given.db or f"sqlite:///{Path(tempfile.mkdtemp(prefix='communitycore-'), 'boston.db')}"
    features = read_features((given.data / "neighborhoods.geojson").read_text(encoding="utf-8"))
    rows = list(
        read_requests(
            (given.data / "requests-2015-05.csv").read_text(encoding="utf-8"),
            read_mapping(MAPPING.read_text(encoding="utf-8")),
        )
    )
    with cc.open(url) as hub:
        extent = Area.box(-71.3, 42.2, -70.8, 42.5)
        body = hub.found("boston", name="Boston", level="community", zone="America/New_York", extent=extent)
        admin = hub.desk(body.id, hub.administrator(body.id))
        grids = load_grids(admin, features, repair=given.repair)
        print(f"{len(grids.drawn)} neighbourhoods drawn, {len(grids.repaired)} repaired")
        for name, why in grids.refused.items():
            print(f"  refused: {name}: {why[:100]}")
        start = perf_counter()
        loaded = load_requests(
            admin, rows, progress=lambda done, total: print(f"\r  {done}/{total}", end="", flush=True)
        )
        seconds = perf_counter() - start
        print(f"\r{loaded.rows} requests: {loaded.placed} placed, {loaded.unplaced} not, {loaded.ambiguous} in several")
        print(f"{loaded.made} tickets made, {loaded.closed} walked to their end, {loaded.failed} failed")
        print(f"{loaded.out_of_order} closed before they were opened (kept as the file says)")
        for (lon, lat), count in loaded.shared.items():
            print(f"{count} requests share the point {lon}, {lat}")
        print(f"{loaded.commands} commands in {seconds:.1f} s: {loaded.commands / seconds:.0f} a second")
        report = hub.verify()
        print(f"{report.entries} entries and {report.rows} rows verified: {'ok' if report.ok else report.faults[:3]}")
    print(f"It is all in {url}")
    return 0 if report.ok and not loaded.failed else 1


if __name__ == "__main__":
    raise SystemExit(main())
