"""`assent screen`: what texts are and where they lead. Works here, without a server."""

from __future__ import annotations

import os
import sys
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.console import Console
from rich.text import Text as Shown

from assent.cli.console import EXIT_INVALID, session
from assent.cli.pdu import visible
from assent.cli.screening_rows import FORMATS, PURPOSES, Defaults, Row, rows, sender_of
from assent.errors import InvalidInput
from assent.screen.form import Form

_STYLE: Final = {"allow": "bold green", "hold": "bold yellow", "reject": "bold red"}
_MARK: Final = {"note": "dim", "hold": "black on yellow", "reject": "white on red"}
_RULE: Final = "cli: screen"


def screen(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Texts to screen; - reads standard input.")
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object a line and nothing else.")
    ] = False,
    explain: Annotated[
        bool, typer.Option(help="Also show where, and what each part said.")
    ] = False,
    form: Annotated[
        str, typer.Option("--format", help="lines, csv or jsonl; the file tells if not given.")
    ] = "",
    purpose: Annotated[str, typer.Option(help="What the texts were ordered for.")] = "",
    sender_name: Annotated[str, typer.Option(help="Who the texts are from.")] = "",
    licence: Annotated[
        list[str] | None, typer.Option(help="A licence of the sender; may be given many times.")
    ] = None,
    host: Annotated[
        list[str] | None,
        typer.Option(help="A host filed for the sender; may be given many times."),
    ] = None,
    signature: Annotated[
        str, typer.Option(help="The port's signature; the texts are as receivers see them.")
    ] = "",
    price: Annotated[float | None, typer.Option(min=0, help="Of a segment: shows costs.")] = None,
    processes: Annotated[
        int, typer.Option(min=0, help="For many rows; 0: as many as there are cores.")
    ] = 0,
) -> None:
    """Screen texts: lines, CSV with a column text, or JSON lines with a field text.

    Ends with 0 when every row was screened, whatever the verdicts; with 3 when a row was bad (the
    others were screened) or the command could not begin."""
    # long: a line an option
    session(ctx, as_json)
    defaults = Defaults(
        sender_of(sender_name, licence or [], host or []),
        _purpose(purpose),
        Form(signature.strip("【】")) if signature else None,
    )
    if form and form not in FORMATS:
        raise _bad("unknown_format", f"there is no format {form[:40]}", "--format",
                   f"use one of {', '.join(FORMATS)}")  # fmt: skip
    told = _Told(as_json, explain, price, processes or os.cpu_count() or 1)
    with _opened(file) as stream:
        counted = _answer(rows(stream, form or _form_of(file), defaults), told)
    if counted["bad"]:
        raise typer.Exit(EXIT_INVALID)


@dataclass(frozen=True, slots=True)
class _Told:
    """How answers are made and shown."""

    as_json: bool
    explain: bool
    price: float | None
    processes: int


def _answer(given: Iterable[Row], how: _Told) -> Counter[str]:
    """Screen rows and print what was found; return how many came to which verdict."""
    from assent.cli import screening_pool as pool  # the model and the words take a moment to load

    counted: Counter[str] = Counter()
    console = Console(highlight=False)
    for portion in pool.answers(given, how.processes, how.explain, how.price):
        if how.as_json:
            sys.stdout.write("".join(pool.line(answer) + "\n" for answer in portion))
        for answer in portion:
            counted[answer.get("verdict", "bad")] += 1
            if not how.as_json:
                _show(console, sum(counted.values()), answer, how.explain)
    if not how.as_json:
        console.print(", ".join(f"{many} {what}" for what, many in sorted(counted.items())))
    return counted


def _purpose(name: str) -> Any:
    if name and name not in PURPOSES:
        raise _bad("unknown_purpose", f"there is no purpose {name[:40]}", "--purpose",
                   f"use one of {', '.join(PURPOSES)}")  # fmt: skip
    return PURPOSES.get(name)


def _form_of(file: Path) -> str | None:
    return {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl"}.get(file.suffix.lower())


def _opened(file: Path) -> Any:
    if str(file) == "-":
        return sys.stdin.buffer
    try:
        return file.open("rb")
    except OSError as error:
        raise _bad("cannot_read", f"{file.name}: {error.strerror}", "FILE",
                   "name a file of texts, or -") from None  # fmt: skip


def _bad(code: str, words: str, field: str, mend: str) -> InvalidInput:
    return InvalidInput(code, words, field=field, rule=_RULE, mend=mend)


def _show(console: Console, number: int, answer: dict[str, Any], explain: bool) -> None:
    """Print one answer for people."""
    if "error" in answer:
        error = answer["error"]
        console.print(Shown(f"{answer['row']} bad row: {error['detail']}", "bold red"))
        console.print(f"  {error.get('mend', '')}", markup=False)
        return
    verdict = answer["verdict"]
    console.print(
        Shown(f"{number} ").append(verdict, _STYLE[verdict])
        .append(f"  {answer['category']}, {answer['purpose']}, spam {answer['spam_probability']}")
        .append(f", {answer['segments']} segments")
        .append(f", costs {answer['cost']}" if "cost" in answer else ""),
    )  # fmt: skip
    if explain:
        console.print(_highlighted(answer), soft_wrap=True)
    for finding in answer["findings"]:
        console.print(
            Shown("  ").append(finding["severity"], _MARK[finding["severity"]])
            .append(f" {finding['code']}: {visible(finding['words'])} / {finding['zh']}"),
            soft_wrap=True,
        )  # fmt: skip
    for link in answer["links"]:
        console.print(f"  {link['kind']}: {visible(link['text'])}", markup=False, soft_wrap=True)
    if explain:
        _show_parts(console, answer["explained"])


def _highlighted(answer: dict[str, Any]) -> Shown:
    """Return the text with what was found marked, the gravest on top."""
    text = answer["explained"]["text"]
    # One character for one, so that places stay true and nothing reaches the terminal.
    shown = Shown("".join(char if char.isprintable() else "·" for char in text))
    for finding in reversed(answer["findings"]):
        for start, end in finding["spans"]:
            shown.stylize(_MARK[finding["severity"]], start, end)
    return Shown("  ").append_text(shown)


def _show_parts(console: Console, parts: dict[str, Any]) -> None:
    for name, value in parts.items():
        if name == "text" or not value:
            continue
        if isinstance(value, dict):
            value = ", ".join(f"{k} {v}" for k, v in value.items())
        elif isinstance(value, list):
            value = ", ".join(map(str, value))
        console.print(visible(f"    {name}: {value}"), markup=False, soft_wrap=True, style="dim")
