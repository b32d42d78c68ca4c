"""Arguments in, exit code out: the one place where errors become sentences and codes."""

from __future__ import annotations

import argparse
import io
import json
import locale
import os
import sys
from collections.abc import Callable, Sequence
from datetime import date
from typing import NoReturn

from communitycore import __version__
from communitycore.cli import DONE, REFUSED, UNUSABLE, USAGE
from communitycore.cli import verbs as v
from communitycore.cli.output import Output
from communitycore.kernel.errors import CommunityCoreError, Language, StoreError

Verb = Callable[[argparse.Namespace, Output], int]


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        print(f"{self.prog}: {message}", file=sys.stderr)
        raise SystemExit(USAGE)


def run(argv: Sequence[str]) -> int:
    """Parse `argv`, run its verb, print what it says, and give the exit code."""
    for stream in (sys.stdout, sys.stderr):
        # A console of another encoding must not lose or refuse a name.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    parser = make_parser()
    try:
        given = parser.parse_args(argv)
    except SystemExit as end:
        return int(end.code or 0)
    out = Output(language=given.lang, as_json=getattr(given, "json", False))
    try:
        code: int = given.verb(given, out)
        return code
    except StoreError as error:
        return _say(out, error, UNUSABLE)
    except CommunityCoreError as error:
        return _say(out, error, REFUSED)
    except v.Usage as error:
        return _told(out, "usage", out.pick(error.en, error.zh), False, USAGE)
    except KeyboardInterrupt:
        out.fault("stopped" if given.lang == "en" else "已中止")
        return 130
    except BrokenPipeError:
        # The reader of our output has gone; nothing is left to say to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE


def _say(out: Output, error: CommunityCoreError, code: int) -> int:
    return _told(out, error.code, error.say(out.language), error.retryable, code)


def _told(out: Output, error: str, sentence: str, retryable: bool, code: int) -> int:
    if out.as_json and not out.answered:
        out.line(json.dumps({"error": error, "say": sentence, "retryable": retryable}, ensure_ascii=False))
    out.fault(sentence)
    return code


def default_language() -> Language:
    """Chinese where the environment speaks it, English elsewhere."""
    spoken = os.environ.get("LC_ALL") or os.environ.get("LC_MESSAGES") or os.environ.get("LANG") or ""
    if not spoken:
        spoken = locale.getlocale()[0] or ""
    return "zh" if spoken.lower().startswith(("zh", "chinese")) else "en"


def make_parser() -> argparse.ArgumentParser:
    """All verbs with their options; the reference in the docs is made from it."""
    parser = _Parser(prog="communitycore", description="Community governance on a store of your own.")
    parser.add_argument("--version", action="version", version=f"communitycore {__version__}")
    verbs = parser.add_subparsers(dest="name", required=True, metavar="VERB", parser_class=_Parser)

    def verb(name: str, does: Verb, help: str, *, db: bool = True, where: bool = False) -> argparse.ArgumentParser:
        made = verbs.add_parser(name, help=help, description=help)
        made.set_defaults(verb=does)
        made.add_argument(
            "--lang", choices=("en", "zh"), default=default_language(), help="language of what is printed"
        )
        made.add_argument("--json", action="store_true", help="print results as JSON")
        if db:
            made.add_argument(
                "--db",
                metavar="URL",
                default=os.environ.get("COMMUNITYCORE_DB"),
                help="the store, e.g. sqlite:///town.db",
            )
        if where:
            made.add_argument("--in", dest="where", metavar="CODE", help="the jurisdiction's code or id")
            made.add_argument(
                "--as", dest="actor", metavar="REF", help="who acts (jurisdiction/id); its founder if left out"
            )
        return made

    init = verb("init", v.init, "make a store and found a jurisdiction in it")
    init.add_argument("--code", required=True, help="the jurisdiction's code, e.g. 370115")
    init.add_argument("--title", required=True, help="its name, e.g. 济阳区")
    init.add_argument("--level", default="community", help="district, subdistrict or community")
    init.add_argument("--parent", metavar="CODE", help="the jurisdiction above")
    init.add_argument("--zone", default="Asia/Shanghai", help="its IANA time zone")
    init.add_argument("--extent", metavar="FILE", help="GeoJSON of where it lies")

    verify = verb("verify", v.verify, "check chain, rows and timers of every jurisdiction")
    verify.add_argument("--anchor", metavar="FILE", help="an anchor kept elsewhere, to find a cut tail or an old state")
    verify.add_argument("--write-anchor", metavar="FILE", help="write where the journals stand now")
    verify.add_argument(
        "--resume", metavar="FILE", help="keep the place in this file; broken off, the same words go on from there"
    )

    history = verb("history", v.history, "what happened to one record", where=True)
    history.add_argument("kind", help="kind of record, e.g. ticket")
    history.add_argument("id", help="the record's id")

    verb("tally", v.tally, "wishes of a jurisdiction: published, claimed, fulfilled, and by whom", where=True)

    statement = verb("statement", v.statement, "how the ledgers of a jurisdiction stand, for publication", where=True)
    statement.add_argument("--ledger", metavar="ID", help="this one alone")

    ledger = verb("ledger", v.ledger, "all that was booked in a ledger, as Beancount text", where=True)
    ledger.add_argument("ledger", metavar="ID", help="the ledger's id; statement --json tells it")
    ledger.add_argument("--output", metavar="FILE", help="write it there")

    bank = verb("match-bank", v.match_bank, "compare a bank's statement with what was booked in a ledger", where=True)
    bank.add_argument("ledger", metavar="ID", help="the ledger's id; statement --json tells it")
    bank.add_argument("file", help="the bank's CSV, with a header line")
    bank.add_argument("--mapping", required=True, metavar="FILE", help="TOML file that names the columns")
    bank.add_argument(
        "--since", metavar="DAY", type=date.fromisoformat, help="its first day; its first line's if left out"
    )
    bank.add_argument(
        "--until", metavar="DAY", type=date.fromisoformat, help="its last day; its last line's if left out"
    )
    bank.add_argument("--days", metavar="N", type=int, default=3, help="how far apart is still near: 3 if left out")
    bank.add_argument("--confirm-exact", action="store_true", help="confirm the exact ones, as an accountant")

    calendar = verb("calendar", v.calendar, "sessions of a venue, an offering or a person, as iCalendar", where=True)
    whose = calendar.add_mutually_exclusive_group(required=True)
    whose.add_argument("--venue", metavar="ID", help="what takes place there")
    whose.add_argument("--offering", metavar="ID", help="when it is offered")
    whose.add_argument("--party", metavar="ID", help="what that person booked; for them and for hosts")
    _days_of(calendar)
    calendar.add_argument("--output", metavar="FILE", help="write it there")

    coverage = verb(
        "coverage", v.coverage, "which parts of which grids are served, and which nobody serves", where=True
    )
    _days_of(coverage)

    paper = verb("paper", v.paper, "a receipt, certificate or statement as a page to print", where=True)
    paper.add_argument("kind", choices=("receipt", "certificate", "statement"), help="what to print")
    paper.add_argument("id", metavar="ID", help="of the gift, the volunteer's party, or the ledger")
    paper.add_argument("--output", metavar="FILE", required=True, help="the page, as HTML")

    locate = verb("locate", v.locate, "which jurisdiction and grid a point lies in", where=True)
    locate.add_argument("lon", type=float, help="longitude, WGS-84")
    locate.add_argument("lat", type=float, help="latitude, WGS-84")

    grids = verb("import-grids", v.import_grids, "draw grids from a GeoJSON file", where=True)
    grids.add_argument("file", help="GeoJSON FeatureCollection of polygons, WGS-84")
    grids.add_argument("--name-property", default="name", help="the property that holds a grid's name")
    grids.add_argument("--code-property", metavar="NAME", help="the property that holds a grid's code, from today on")
    grids.add_argument("--scheme", default="cell-15", metavar="NAME", help="the scheme of those codes")
    grids.add_argument("--households-property", metavar="NAME", help="the property that holds how many live there")
    grids.add_argument("--phone-property", metavar="NAME", help="the property that holds the supervision telephone")
    grids.add_argument("--kind", choices=("basic", "dedicated"), default="basic", help="basic grids, or dedicated ones")
    grids.add_argument("--repair", action="store_true", help="read invalid polygons even-odd, and record that")

    requests = verb("import-requests", v.import_requests, "load service requests from a CSV file", where=True)
    requests.add_argument("file", help="CSV with a header line")
    requests.add_argument("--mapping", required=True, metavar="FILE", help="TOML file that names the columns")

    erase = verb("erase", v.erase, "erase what is personal of a person, and print the certificate")
    erase.add_argument("party", metavar="PARTY", help="the person or organisation: jurisdiction/id")
    erase.add_argument("--reason", required=True, help="on what request: kept for ever, so no names; a number will do")
    erase.add_argument(
        "--as",
        dest="actor",
        metavar="REF",
        help="who acts (jurisdiction/id); the party's first administrator if left out",
    )
    erase.add_argument("--yes", action="store_true", help="do it; without this, show what there is and do nothing")
    erase.add_argument(
        "--scrub", action="store_true", help="then rewrite the store, so that no byte of it is left there"
    )
    erase.add_argument("--certificate", metavar="FILE", help="write the certificate to a file too")

    schema = verb("schema", v.schema, "print the statements that make the tables of the open rooms")
    schema.add_argument("--dialect", metavar="NAME", help="sqlite, postgresql or mariadb, instead of --db's")
    schema.add_argument("--kind", action="append", metavar="KIND", help="of this kind of record alone; may be repeated")

    schemas = verb("schemas", v.schemas, "every command and record as JSON Schema 2020-12")
    schemas.add_argument("--room", action="append", metavar="NAME", help="of this room alone; may be repeated")

    migrate = verb("migrate", v.migrate, "show what a store lacks for the open rooms, and add it")
    migrate.add_argument("--yes", action="store_true", help="do it, instead of only showing it")
    migrate.add_argument("--rows", action="store_true", help="with --yes: step rows of earlier forms into today's too")

    export = verb("export", v.export, "write a jurisdiction, with everything personal in it, to one file")
    export.add_argument("file", help="where to write it, e.g. town.jsonl.gz; - for standard output")
    export.add_argument("--in", dest="where", metavar="CODE", help="the jurisdiction's code or id")

    take_in = verb("import", v.take_in, "take in a jurisdiction that was exported; broken off, the same words go on")
    take_in.add_argument("file", help="what export wrote; - for standard input")
    take_in.add_argument("--anchor", metavar="FILE", help="an anchor kept elsewhere, to hold the file against")
    take_in.add_argument(
        "--discard", action="store_true", help="remove instead what taking in this file left when it was broken off"
    )

    verb("plugins", v.plugins, "installed rooms, vetoes, classifiers and stores, checked", db=False)

    classify = verb("classify", v.classify, "suggest a ticket's category for what a person wrote", where=True)
    classify.add_argument("text", help="what was written")

    new = verb("new-plugin", v.new_plugin, "write a plug-in to start from, with tests that pass", db=False)
    new.add_argument("distribution", metavar="NAME", help="its name, e.g. community-tools")
    new.add_argument("--into", metavar="FOLDER", default=".", help="where its folder is made; here if left out")

    demo = verb("demo", v.demo, "play a real district's week: grids, tickets, 133 wishes")
    demo.add_argument("--seed", default="370115", help="same seed, same journal hash")
    demo.add_argument("--race", action="store_true", help="claim with real threads; tallies and single winners only")
    return parser


def _days_of(verb: argparse.ArgumentParser) -> None:
    verb.add_argument("--since", metavar="DAY", type=date.fromisoformat, help="the first day, such as 2024-06-01")
    verb.add_argument("--until", metavar="DAY", type=date.fromisoformat, help="the last day; two months on if left out")
