"""What all commands share: where the server is, how results and errors are shown, exit codes.

Results go to standard output, progress and errors to standard error. With ``--json`` standard
output holds exactly one JSON object, also after an error.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Annotated, Any, Final, TypeAlias

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from typer.core import TyperGroup

from assent.cli.kept import kept_token
from assent.client import Client
from assent.errors import AssentError, InvalidInput, NotAllowed, Unavailable, in_chinese

KEY_VARIABLE: Final = "ASSENT_KEY"

EXIT_FAULT: Final = 1
EXIT_INVALID: Final = 3
EXIT_NOT_ALLOWED: Final = 4
EXIT_UNAVAILABLE: Final = 5
EXIT_NOBODY: Final = 6

Json: TypeAlias = Annotated[
    bool, typer.Option("--json", help="Print one JSON object and nothing else.")
]


class Session:
    """One run of the command line."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.json = False

    def client(self) -> Client:
        """Return a client: with the key of the environment, else as who logged in here. Raises
        NotAllowed without either."""
        key = os.environ.get(KEY_VARIABLE, "") or kept_token(self.url)
        if not key:
            raise NotAllowed(
                "missing_key", "no API key is given, and nobody is logged in", field=KEY_VARIABLE,
                rule="cli: settings",
                mend=f"set the variable {KEY_VARIABLE}, or: assent account login", status=401,
            )  # fmt: skip
        return Client(self.url, key, timeout=60.0)

    def stranger(self) -> Client:
        """Return a client of nobody yet."""
        return Client(self.url, None, timeout=60.0)


def session(ctx: typer.Context, as_json: bool) -> Session:
    """Return the run's session, told how to print."""
    found = ctx.obj
    if not isinstance(found, Session):
        raise TypeError("the root command makes the session")
    found.json = as_json
    return found


class Reporting(TyperGroup):
    """The root command: turns errors into words (or JSON) and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except AssentError as error:
            shown = ctx.obj
            report(error, as_json=isinstance(shown, Session) and shown.json)
            raise typer.Exit(exit_code(error)) from None


def exit_code(error: AssentError) -> int:
    """Return the exit code for an error; docs/cli.md lists them."""
    if isinstance(error, NotAllowed):
        return EXIT_NOT_ALLOWED
    if isinstance(error, InvalidInput):
        return EXIT_INVALID
    return EXIT_UNAVAILABLE if isinstance(error, Unavailable) else EXIT_FAULT


def report(error: AssentError, *, as_json: bool) -> None:
    """Print an error: what is wrong, where, which rule says so, and what mends it."""
    if as_json:
        print_json({"error": error.to_problem()})
        return
    console = Console(stderr=True, highlight=False)
    console.print(f"[bold red]error[/] {error.code}: ", end="")
    console.print(error.message, markup=False)
    if _reads_chinese() and (words := in_chinese(error.code)) is not None:
        console.print(f"  {words}", markup=False)
    for name in ("field", "rule", "mend"):
        value = getattr(error, name)
        if value:
            console.print(f"  {name:5} {value}", markup=False)
    for name, value in (error.details or {}).items():
        console.print(f"  {name}: {value}", markup=False)


def _reads_chinese() -> bool:
    """Tell whether the terminal is set to Chinese (LC_ALL, LC_MESSAGES, LANG, in this order)."""
    names = ("LC_ALL", "LC_MESSAGES", "LANG")
    chosen = next((os.environ[name] for name in names if os.environ.get(name)), "")
    return chosen.lower().startswith("zh")


def print_json(value: Any) -> None:
    """Print one JSON object on standard output."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False) + "\n")


def show(run: Session, answer: Mapping[str, Any], title: str) -> None:
    """Print an answer: as JSON, or as a table of its fields, lists of rows below."""
    if run.json:
        print_json(answer)
        return
    console = Console(highlight=False)
    table = Table(title=title, show_header=False, title_justify="left")
    lists: list[tuple[str, list[Any]]] = []
    for name, value in answer.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            lists.append((name, value))
        elif isinstance(value, dict):
            table.add_row(name, ", ".join(f"{k}: {_cell(v)}" for k, v in value.items()) or "-")
        else:
            table.add_row(name, _cell(value))
    console.print(table)
    for name, rows in lists:
        console.print(_rows_table(name, rows))


def _rows_table(title: str, rows: list[dict[str, Any]]) -> Table:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    table = Table(*columns, title=title, title_justify="left")
    for row in rows:
        table.add_row(*(_cell(row.get(column)) for column in columns))
    return table


def _cell(value: Any) -> str:
    if value is None or value == []:
        return "-"
    if isinstance(value, list):
        return ", ".join(str(one) for one in value)
    # Square brackets are markup to rich, and texts may hold them.
    return str(value).replace("[", r"\[")


@contextmanager
def bar(run: Session, words: str, total: float | None) -> Iterator[Callable[[float], None]]:
    """Show a progress bar on a terminal; yield what moves it to an absolute value."""
    hidden = run.json or not sys.stderr.isatty()
    columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(),
               TimeRemainingColumn())  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), disable=hidden) as progress:
        task = progress.add_task(words, total=total)
        yield lambda done: progress.update(task, completed=done)


def moment(text: str | None, option: str) -> datetime | None:
    """Return a time given on the command line. Raises InvalidInput without a zone."""
    if text is None:
        return None
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise InvalidInput(
            "bad_time", "not a time with a zone", field=option, rule="cli: times",
            mend="write it like 2026-11-22T10:00:00+08:00",
        )  # fmt: skip
    return time


def pairs(given: list[str] | None, option: str) -> dict[str, str]:
    """Return NAME=VALUE options as a dict. Raises InvalidInput."""
    found: dict[str, str] = {}
    for one in given or []:
        name, equals, value = one.partition("=")
        if not equals or not name:
            raise InvalidInput(
                "bad_pair", "not NAME=VALUE", field=option, rule="cli: options",
                mend=f"write it like {option} name=value",
            )  # fmt: skip
        found[name] = value
    return found
