"""A month of real service requests: Boston, May 2015 (City of Boston open data), through the whole road.

    python examples/boston_311.py DATA_DIR [--db URL] [--repair]

DATA_DIR holds neighborhoods.geojson and requests-2015-05.csv. The officers are invented, one a neighbourhood, so that
routing has somebody to find. Run on the same store again, it goes on where it was broken off and makes nothing twice.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

import communitycore as cc
from communitycore import Area, Desk, Ref, people, places, tickets
from communitycore.domain.roles import GRID_OFFICER
from communitycore.formats.geojson import read_features
from communitycore.formats.requests_csv import read_mapping, read_requests
from communitycore.loading import load_grids, load_requests
from communitycore.loading.requests import make_actors

MAPPING = Path(__file__).with_name("boston_mapping.toml")
EXTENT = Area.box(-71.3, 42.2, -70.8, 42.5)


def boston(hub: cc.Hub) -> Desk:
    """The city's administrator; the city is founded if it is not there yet."""
    if not hub.jurisdictions():
        hub.found("boston", name="Boston", level="community", zone="America/New_York", extent=EXTENT)
    return hub.desk("boston", hub.administrator("boston"))


def appoint_officers(admin: Desk) -> None:
    """One invented officer for each grid that has none."""
    for line in admin.ask(people.audit_officers):
        if line.concern is people.OfficerConcern.NO_OFFICER:
            party = admin.do(people.register, name=f"Officer of {line.name}")
            admin.do(people.appoint, holder=Ref(admin.jurisdiction, party.id), duty=GRID_OFFICER, grid_id=line.grid)


def by_grid(clerk: Desk) -> list[tuple[str, int, int]]:
    """Each grid's name, its tickets, and the closed among them; "" for those in no grid."""
    names = {grid.id: grid.name for grid in clerk.find(places.Grid, limit=1_000)}
    of: Counter[str] = Counter()
    closed: Counter[str] = Counter()
    after: tickets.Ticket | None = None
    while page := clerk.find(tickets.Ticket, limit=1_000, after=after):
        after = page[-1]
        for ticket in page:
            name = names[ticket.grid] if ticket.grid is not None else ""
            of[name] += 1
            closed[name] += ticket.status is tickets.TicketStatus.CLOSED
    return [(name, count, closed[name]) for name, count in of.most_common()]


def main() -> int:
    """Load, tell what was found, verify."""
    parser = argparse.ArgumentParser(description="Load a month of real service requests.")
    parser.add_argument("data", type=Path, metavar="DATA_DIR")
    parser.add_argument("--db", metavar="URL")
    parser.add_argument("--repair", action="store_true", help="read invalid polygons even-odd, and record that")
    given = parser.parse_args()
    for file in ("neighborhoods.geojson", "requests-2015-05.csv"):
        if not (given.data / file).is_file():
            parser.error(f"{given.data} has no {file}")
    url = given.db or f"sqlite:///{Path(tempfile.mkdtemp(prefix='communitycore-'), 'boston.db')}"
    features = read_features((given.data / "neighborhoods.geojson").read_text(encoding="utf-8"))
    mapped = read_mapping(MAPPING.read_text(encoding="utf-8"))
    rows = list(read_requests((given.data / "requests-2015-05.csv").read_text(encoding="utf-8-sig"), mapped))
    show = Console(highlight=False)
    watch = Console(stderr=True, quiet=not sys.stderr.isatty())
    with cc.open(url) as hub, Progress(console=watch, transient=True) as progress:
        admin = boston(hub)
        grids = load_grids(admin, features, repair=given.repair)
        appoint_officers(admin)
        actors = make_actors(admin)
        bar = progress.add_task("requests", total=len(rows))
        loaded = load_requests(
            admin, rows, actors=actors, progress=lambda done, total: progress.update(bar, completed=done, total=total)
        )
        found = by_grid(hub.desk(admin.jurisdiction, actors.clerk))
        checking = progress.add_task("entries verified", total=None)
        report = hub.verify(progress=lambda done, total: progress.update(checking, completed=done, total=total))

    show.print(f"{len(grids.drawn)} neighbourhoods drawn, {len(grids.known)} known before; repaired: ", end="")
    show.print(", ".join(grids.repaired) or "none")
    for name, why in grids.refused.items():
        show.print(f"  refused: {name}: {why[:100]}…", markup=False, soft_wrap=True)
    table = Table("neighbourhood", "requests", "closed", title="Requests of May 2015", title_justify="left")
    for column in table.columns[1:]:
        column.justify = "right"
    for name, count, closed in found:
        table.add_row(name or "in no grid", str(count), str(closed))
    show.print(table)
    for line in (
        f"{loaded.rows} requests: {loaded.placed} placed, {loaded.unplaced} not, {loaded.ambiguous} in several grids",
        f"{loaded.made} tickets made, {loaded.known} known before, {loaded.failed} failed",
        f"{loaded.routed} given to officers by rule, {loaded.by_unit} to their unit, {loaded.waiting} wait for a clerk",
        f"{loaded.closed} walked to their end; {loaded.out_of_order} were closed before they were opened (kept as is)",
        *(f"{n} requests share the point {lon}, {lat}: rather a default" for (lon, lat), n in loaded.shared.items()),
        f"{loaded.commands} commands in {loaded.seconds:.1f} s: {loaded.commands / loaded.seconds:.0f} a second",
        f"{report.entries} entries and {report.rows} rows verified: {'ok' if report.ok else report.faults[:3]}",
        f"It is all in {url}",
    ):
        show.print(line, markup=False, soft_wrap=True)
    return 0 if report.ok and not loaded.failed else 1


if __name__ == "__main__":
    raise SystemExit(main())
