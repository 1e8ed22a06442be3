"""`assent verify`: what an evidence bundle proves. Works here, without a server or a key."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from assent.cli.console import print_json
from assent.consent.verify import Verdict
from assent.consent.verify import verify as check
from assent.consent.verify_formats import Unreadable

EXIT_UNREADABLE = 2
_WORDS = {
    "archive_form": "octets outside the files are not those that the files make",
    "entry_not_in_tree": "does not stand in the ledger at this position",
    "entry_order": "stands before one with a smaller position",
    "file_changed": "was changed",
    "file_extra": "was put in",
    "file_missing": "was taken out",
    "file_order": "stands in another place",
    "file_twice": "is there twice",
    "history_forked": "the ledger does not extend the earlier one",
    "key_other": "is not the key that you named",
    "manifest_changed": "was changed",
    "not_canonical": "is written in another way than the one there is",
    "root_other": "the signed checkpoint tells something else",
    "setting_about_somebody": "is about a person, which no setting is",
    "setting_changed": "is not the document that the ledger names",
    "setting_missing": "the document that the ledger names is not here",
    "signature_missing": "is not signed with the log's key",
    "signature_wrong": "the signature is not of that key",
    "statement_changed": "is not the statement that the entry commits to",
    "statement_missing": "the statement that the entry commits to is not here",
    "statement_other": "the statement beside it is another than the entry's",
    "wording_changed": "is not the wording that its digest names",
    "wording_missing": "the words that were agreed to are not here",
    "wording_other": "the wording beside it is another than the one that was agreed to",
    "words_other": "the words beside it tell something else than its octets",
    "entry_not_canonical": "its octets are no entry",
}


def verify(
    bundle: Annotated[Path, typer.Argument(help="The archive, or a proof of consistency.")],
    key: Annotated[
        list[str] | None,
        typer.Option(help="A public key, NAME+ID+KEY, that you got elsewhere; may be repeated."),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object and nothing else.")
    ] = False,
) -> None:
    """Check an evidence bundle offline and say what it proves and what it does not.

    Ends with 0 when it is valid, 1 when it was tampered with, 2 when it is no bundle."""
    verdict = _check(bundle, key or [])
    if as_json:
        print_json(_object(verdict))
    else:
        _show(Console(highlight=False), verdict)
    raise typer.Exit(verdict.exit_code)


def _check(bundle: Path, keys: list[str]) -> Verdict:
    try:
        return check(bundle.read_bytes(), keys)
    except OSError as error:
        return Verdict(unreadable=f"{bundle.name}: {error.strerror}")
    except Unreadable as error:  # of a key that was named
        return Verdict(unreadable=str(error))


def _object(verdict: Verdict) -> dict[str, object]:
    return {
        "verdict": ("valid", "tampered", "unreadable")[verdict.exit_code],
        "unreadable": verdict.unreadable or None,
        "faults": [{"code": code, "place": place} for code, place in verdict.faults],
        "proved": verdict.proved,
        "unproved": verdict.unproved,
        "origin": verdict.origin,
        "size": verdict.size,
        "witnesses": {name: _time(at) for name, at in verdict.witnesses.items()},
        "entries": verdict.entries,
    }


def _show(console: Console, verdict: Verdict) -> None:
    if verdict.unreadable:
        console.print("[bold red]unreadable[/]: ", end="")
        console.print(verdict.unreadable, markup=False)
        return
    if verdict.faults:
        console.print("[bold red]tampered with[/]: do not rely on anything in it")
        for code, place in verdict.faults:
            console.print(f"  {place}: {_WORDS.get(code, code)} ({code})", markup=False)
        return
    console.print("[bold green]valid[/]")
    for words in verdict.proved:
        console.print(f"  proved: {words}", markup=False)
    for name, at in verdict.witnesses.items():
        console.print(f"  {name} saw it at {_time(at)}", markup=False)
    for words in verdict.unproved:
        console.print(f"  not proved: {words}", markup=False)


def _time(seconds: int) -> str:
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
    except (OverflowError, ValueError, OSError):
        return f"{seconds} s"  # a witness may say anything
