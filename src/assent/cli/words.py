"""Rule sets of words: checked, measured, compared and kept here, without a server."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
from rich.console import Console
from rich.table import Table

from assent.cli.check import today
from assent.cli.console import EXIT_INVALID, Json, print_json, session
from assent.clock import clock_from_environment
from assent.errors import Conflict, InvalidInput, NotFound
from assent.screen.measuring import LIMIT, activated, measure, refused
from assent.screen.words import Rule, RuleSet

words = typer.Typer(no_args_is_help=True, help="Rule sets of words, offline.")

_MOST: Final = 5_000_000
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,40}")
_VERSION: Final = re.compile(r"[0-9][0-9a-z.]{0,30}")

Rules = Annotated[
    str, typer.Argument(metavar="RULES", help="A rule set's file; `packaged` is the platform's.")
]
Limit = Annotated[
    float, typer.Option(min=0.0, max=1.0, help="Share of honest texts that one rule may stop.")
]


@words.callback()
def root() -> None:
    """Rule sets of words, offline: checked, measured on judged texts, compared, kept by version.

    A set is activated only when each of its rules was measured and stops few honest texts."""


@words.command("check")
def check_rules(ctx: typer.Context, rules: Rules, as_json: Json = False) -> None:
    """Whether a rule set is well formed, and what it holds."""
    session(ctx, as_json)
    found = _load(rules)
    day = today(clock_from_environment())
    expired = [rule.id for rule in found.rules if rule.expires is not None and rule.expires < day]
    answer = {
        "name": found.name, "version": found.version, "digest": found.digest,
        "rules": len(found.rules), "wordings": found.wordings, "expired": expired,
        "may_not_be_activated": [one.rule for one in refused(found)],
    }  # fmt: skip
    if as_json:
        print_json(answer)
        return
    console = Console(highlight=False)
    for name, value in answer.items():
        shown = (", ".join(value) or "-") if isinstance(value, list) else value
        console.print(f"{name}: {shown}", markup=False, soft_wrap=True)


@words.command("list")
def list_rules(
    ctx: typer.Context,
    rules: Rules = "packaged",
    category: Annotated[str, typer.Option(help="Only rules of this category.")] = "",
    as_json: Json = False,
) -> None:
    """The rules of a set: what each is for, how grave, and what it was measured at."""
    session(ctx, as_json)
    shown = [rule for rule in _load(rules).rules if category in ("", rule.category)]
    if as_json:
        print_json({"rules": [msgspec.to_builtins(rule) for rule in shown]})
        return
    table = Table(show_edge=False)
    for title in ("rule", "finding", "severity", "hits", "false hits", "until", "reason"):
        table.add_column(title)
    for rule in shown:
        table.add_row(
            rule.id, rule.finding_code, rule.severity, *_figures(rule),
            str(rule.expires or "-"), f"{rule.en} / {rule.zh}",
        )  # fmt: skip
    Console(highlight=False).print(table)


@words.command("measure")
def measure_rules(
    ctx: typer.Context,
    rules: Rules,
    ham: Annotated[Path, typer.Option(help="Honest texts: lines, CSV or JSONL with `text`.")],
    spam: Annotated[Path, typer.Option(help="Texts that ought to be stopped, likewise.")],
    limit: Limit = LIMIT,
    write: Annotated[
        Path | None, typer.Option(help="Write the set with its figures to this file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Measure each rule on judged texts. Ends with code 3 when a rule may not be activated."""
    session(ctx, as_json)
    day = today(clock_from_environment()).isoformat()
    honest, bad = list(_texts(ham)), list(_texts(spam))
    found = measure(_load(rules), honest, bad, f"{ham.name}, {spam.name}", day)
    if write is not None:
        write.write_bytes(found.encode())
    wrong = refused(found, limit)
    if as_json:
        rows = {rule.id: msgspec.to_builtins(rule.measured) for rule in found.rules}
        print_json({"rules": rows, "refused": {one.rule: one.en for one in wrong}})
    else:
        console = Console(highlight=False)
        table = Table(show_edge=False)
        for title in ("rule", "severity", "hits", "false hits", "may be activated"):
            table.add_column(title)
        why = {one.rule: one.en for one in wrong}
        for rule in found.rules:
            table.add_row(rule.id, rule.severity, *_figures(rule), why.get(rule.id, "yes"))
        console.print(table)
    if wrong:
        raise typer.Exit(EXIT_INVALID)


@words.command("diff")
def diff_rules(ctx: typer.Context, old: Rules, new: Rules, as_json: Json = False) -> None:
    """What is new, gone or changed between two rule sets."""
    session(ctx, as_json)
    before = {rule.id: rule for rule in _load(old).rules}
    after = {rule.id: rule for rule in _load(new).rules}
    answer: dict[str, Any] = {
        "added": sorted(after.keys() - before.keys()),
        "removed": sorted(before.keys() - after.keys()),
        "changed": {
            name: [
                field for field in Rule.__struct_fields__
                if getattr(before[name], field) != getattr(after[name], field)
            ]
            for name in sorted(before.keys() & after.keys())
            if before[name] != after[name]
        },
    }  # fmt: skip
    if as_json:
        print_json(answer)
        return
    console = Console(highlight=False)
    for title in ("added", "removed"):
        for name in answer[title]:
            console.print(f"{title} {name}", markup=False)
    for name, fields in answer["changed"].items():
        console.print(f"changed {name}: {', '.join(fields)}", markup=False, soft_wrap=True)


@words.command("keep")
def keep_rules(
    ctx: typer.Context,
    rules: Rules,
    directory: Annotated[Path, typer.Argument(help="Where the operator's rule sets lie.")],
    limit: Limit = LIMIT,
    as_json: Json = False,
) -> None:
    """Keep a measured set in the operator's directory as `NAME-VERSION.json`. A version is kept
    once; a set with a rule that may not be activated is refused."""
    session(ctx, as_json)
    found = activated(_load(rules), limit)
    if not _NAME.fullmatch(found.name) or not _VERSION.fullmatch(found.version):
        raise InvalidInput(
            "bad_rule_set", "the rule set's name or version cannot be a file's", field="version",
            rule="screening: words", mend="a name like our-words, a version like 2026.2",
        )  # fmt: skip
    target = directory / f"{found.name}-{found.version}.json"
    if target.exists():
        raise Conflict(
            "rule_set_exists", f"{target.name} is there already", field="version",
            rule="screening: words", mend="a changed set gets a new version",
        )  # fmt: skip
    part = target.with_suffix(".part")
    part.write_bytes(found.encode())
    part.replace(target)
    if as_json:
        print_json({"kept": str(target), "digest": found.digest})
    else:
        Console(highlight=False).print(f"kept {target}", markup=False, soft_wrap=True)


def _load(rules: str) -> RuleSet:
    if rules == "packaged":
        return RuleSet.packaged()
    try:
        return RuleSet.load(Path(rules))
    except OSError as error:
        raise NotFound(
            "no_such_file", f"{rules}: {error.strerror}", field="RULES", rule="cli: words",
            mend="name a file that can be read",
        ) from None  # fmt: skip


def _figures(rule: Rule) -> tuple[str, str]:
    measured = rule.measured
    if measured is None:
        return "-", "-"
    return f"{measured.hits} of {measured.spam}", f"{measured.false_hits} of {measured.ham}"


def _texts(path: Path) -> Iterator[str]:
    """Yield the texts of a file of lines, or of a CSV or JSONL file with a column `text`."""
    try:
        with path.open(encoding="utf-8", errors="replace", newline="") as lines:
            if path.suffix == ".csv":
                yield from (str(row["text"]) for row in _limited(csv.DictReader(lines)))
            elif path.suffix in (".jsonl", ".ndjson"):
                yield from (str(json.loads(line)["text"]) for line in _limited(lines))
            else:
                yield from (line.rstrip("\r\n") for line in _limited(lines) if line.strip())
    except (OSError, KeyError, ValueError, TypeError, csv.Error) as error:
        raise InvalidInput(
            "unreadable_texts", f"{path.name} cannot be read as texts: {error}", field=path.name,
            rule="cli: words", mend="lines of UTF-8, or CSV or JSONL with a column text",
        ) from None  # fmt: skip


def _limited(rows: Any) -> Iterator[Any]:
    for count, row in enumerate(rows):
        if count >= _MOST:
            raise ValueError(f"more than {_MOST} texts")
        yield row
