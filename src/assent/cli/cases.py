"""case: what is done about senders, for staff and for the customer that a case is about."""

from __future__ import annotations

import base64
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from assent.cli.admission import write_out
from assent.cli.console import Json, moment, session, show
from assent.client import Client
from assent.consent.bundle import canonical
from assent.errors import InvalidInput, NotFound

case = typer.Typer(no_args_is_help=True, help="Cases: what is done about senders, step by step.")

CaseId = Annotated[str, typer.Argument(help="Number of the case.")]
StepId = Annotated[str, typer.Argument(help="Number of the step, from show.")]
Words = Annotated[str, typer.Option(help="What is said; it lies sealed.")]
Rests = Annotated[
    list[str] | None, typer.Option(help="What it rests on, KIND/ID like alarm/7; repeatable.")
]
_RECORDS: Final = "manifest.json"


@case.command("open")
def open_case(
    ctx: typer.Context,
    title: Annotated[str, typer.Argument(help="What it is about; it names no person.")],
    sender: Annotated[str | None, typer.Option(help="Credit code of a sender.")] = None,
    account: Annotated[str | None, typer.Option(help="Name of an account.")] = None,
    port: Annotated[str | None, typer.Option(help="Number of a port.")] = None,
    severity: Annotated[int, typer.Option(help="1 to 3.", min=1, max=3)] = 1,
    evidence: Rests = None,
    as_json: Json = False,
) -> None:
    """Open a case about a sender, an account or a port."""
    run = session(ctx, as_json)
    rests = _rests(evidence)
    with run.client() as client:
        told = client.open_case(
            title, sender=sender, account=account, port=port, severity=severity, evidence=rests
        )
    show(run, told, "case")


@case.command("list")
def list_cases(
    ctx: typer.Context,
    kind: Annotated[str | None, typer.Option(help="enforcement or records.")] = None,
    state: Annotated[str | None, typer.Option(help="open, closed or reversed.")] = None,
    mine: Annotated[bool, typer.Option("--mine", help="Only your own.")] = False,
    late: Annotated[bool, typer.Option("--late", help="Only those whose date has passed.")] = False,
    cursor: Annotated[str, typer.Option(help="Where to go on.")] = "0",
    as_json: Json = False,
) -> None:
    """List cases, newest first; a customer's own to itself."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.cases(kind, state, mine=mine, late=late, cursor=cursor), "cases")


@case.command("show")
def show_case(ctx: typer.Context, number: CaseId, as_json: Json = False) -> None:
    """Show a case: its steps and letters; to staff also what it rests on and what is related."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.case(number), "case")


@case.command("evidence")
def evidence(
    ctx: typer.Context,
    number: CaseId,
    thing: Annotated[list[str], typer.Argument(help="KIND/ID like alarm/7.")],
    as_json: Json = False,
) -> None:
    """Add what a case rests on."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.add_case_evidence(number, _rests(thing)), "case")


@case.command("assign")
def assign(
    ctx: typer.Context,
    number: CaseId,
    owner: Annotated[str | None, typer.Option(help="Id of a person of the staff.")] = None,
    severity: Annotated[int | None, typer.Option(help="1 to 3.", min=1, max=3)] = None,
    as_json: Json = False,
) -> None:
    """Say whose a case is, and how grave."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.assign_case(number, owner, severity), "case")


@case.command("note")
def note(
    ctx: typer.Context,
    number: CaseId,
    words: Annotated[str, typer.Argument(help="The words; only staff see them.")],
    as_json: Json = False,
) -> None:
    """Write something down that only staff see."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.note_in_case(number, words), "case")


@case.command("message")
def message(
    ctx: typer.Context,
    number: CaseId,
    words: Annotated[str, typer.Argument(help="The words to the customer.")],
    as_json: Json = False,
) -> None:
    """Write to the customer, who can answer."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.write_in_case(number, words), "case")


@case.command("answer")
def answer(
    ctx: typer.Context,
    number: CaseId,
    words: Annotated[str, typer.Argument(help="The words to the platform.")],
    as_json: Json = False,
) -> None:
    """Answer in a case of one's own."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.answer_in_case(number, words), "case")


@case.command("act")
def act(
    ctx: typer.Context,
    number: CaseId,
    step: Annotated[
        str,
        typer.Argument(help="notice, correct, warning, restrict, suspend, fine or revoke."),
    ],
    words: Words,
    days: Annotated[int | None, typer.Option(help="Working days that it gives.")] = None,
    amount: Annotated[int | None, typer.Option(help="Of a fine, in whole units.")] = None,
    port: Annotated[
        list[str] | None, typer.Option(help="A number that is taken back; repeatable.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Take a step of the ladder; where two persons must agree it is proposed."""
    run = session(ctx, as_json)
    with run.client() as client:
        told = client.act_in_case(number, step, words, days=days, amount=amount, ports=port or ())
    show(run, told, "case")


@case.command("agree")
def agree(ctx: typer.Context, number: CaseId, step: StepId, as_json: Json = False) -> None:
    """Agree to what somebody else proposed."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.agree_in_case(number, step), "case")


@case.command("decline")
def decline(
    ctx: typer.Context, number: CaseId, step: StepId, words: Words, as_json: Json = False
) -> None:
    """Decline what was proposed, or take back one's own proposal."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.decline_in_case(number, step, words), "case")


@case.command("lift")
def lift(
    ctx: typer.Context, number: CaseId, step: StepId, words: Words, as_json: Json = False
) -> None:
    """End a restriction or a suspension: what was wrong is put right."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.lift_in_case(number, step, words), "case")


@case.command("appeal")
def appeal(
    ctx: typer.Context, number: CaseId, step: StepId, words: Words, as_json: Json = False
) -> None:
    """Appeal against a step; another person decides."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.appeal_in_case(number, step, words), "case")


@case.command("decide")
def decide(
    ctx: typer.Context,
    number: CaseId,
    step: StepId,
    verdict: Annotated[str, typer.Argument(help="uphold or reverse.")],
    words: Words,
    as_json: Json = False,
) -> None:
    """Uphold or reverse a step; who took it does not decide."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.decide_in_case(number, step, verdict, words), "case")


@case.command("close")
def close(ctx: typer.Context, number: CaseId, words: Words, as_json: Json = False) -> None:
    """Close a case; what still stops traffic is lifted before."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.end_case(number, words), "case")


@case.command("ladder")
def ladder(ctx: typer.Context, as_json: Json = False) -> None:
    """Show the ladder in force."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.case_ladder(), "ladder")


@case.command("request")
def request(  # long: one option a field of the request
    ctx: typer.Context,
    authority: Annotated[str, typer.Argument(help="police, regulator or court.")],
    name: Annotated[str, typer.Option(help="Who asks, as the paper names it.")],
    reference: Annotated[str, typer.Option(help="Number of the paper.")],
    basis: Annotated[str, typer.Option(help="The law that the paper names.")],
    paper: Annotated[Path, typer.Option(help="A copy of the paper.", dir_okay=False)],
    person: Annotated[list[str], typer.Option(help="A phone number; repeatable.")],
    sender: Annotated[list[str], typer.Option(help="A sender's credit code; repeatable.")],
    since: Annotated[str, typer.Option("--from", help="From when on, with a zone.")],
    to: Annotated[str, typer.Option(help="The moment after the last, with a zone.")],
    as_json: Json = False,
) -> None:
    """Take in a lawful request for records; a second person agrees before anything leaves."""
    run = session(ctx, as_json)
    begin, end = _time(since, "--from"), _time(to, "--to")
    try:
        octets = paper.read_bytes()
    except OSError:
        raise InvalidInput(
            "bad_file", f"{paper} cannot be read", field="--paper", rule="cli: files",
            mend="name a file",
        ) from None  # fmt: skip
    with run.client() as client:
        told = client.request_records(
            authority, name=name, reference=reference, basis=basis,
            paper=base64.b64encode(octets).decode(), people=person, senders=sender, since=begin,
            to=end,
        )  # fmt: skip
    show(run, told, "case")


@case.command("export")
def export(
    ctx: typer.Context,
    out: Annotated[Path, typer.Option(help="Where to write; nothing is overwritten.")],
    number: Annotated[
        str | None, typer.Argument(help="A request for records; none: entries for credit files.")
    ] = None,
    notice: Annotated[
        bool, typer.Option("--notice", help="The public notice about a case instead.")
    ] = False,
    since: Annotated[str | None, typer.Option("--from", help="Credit files: from when on.")] = None,
    to: Annotated[str | None, typer.Option(help="Credit files: the moment after.")] = None,
    as_json: Json = False,
) -> None:
    """Write the records that an authority gets (a directory of bundles that assent verify checks),
    a public notice (text), or entries for credit files (.csv or .json)."""
    run = session(ctx, as_json)
    if out.exists():
        raise InvalidInput(
            "file_exists", f"{out} is there already", field="--out", rule="cli: files",
            mend="name another one",
        )  # fmt: skip
    with run.client() as client:
        if number is None:
            told = _credit(client, out, _time(since, "--from"), _time(to, "--to"))
        elif notice:
            text = client.case_notice(number)
            octets = f"{text['zh']}\n{text['en']}".encode()
            told = write_out(out, {"type": "text/plain", "octets": octets})
        else:
            told = _records(client, number, out)
    show(run, told, "export")


def _credit(client: Client, out: Path, since: datetime, to: datetime) -> dict[str, Any]:
    if out.suffix == ".csv":
        return write_out(out, client.case_credit_table(since, to))
    octets = canonical(client.case_credit(since, to))
    return write_out(out, {"type": "application/json", "octets": octets})


def _records(client: Client, number: str, out: Path) -> dict[str, Any]:
    """Write a bundle a person and sender, and a list of them."""
    parts = client.case_records(number)["items"]
    out.mkdir(mode=0o700, parents=True)
    listed = []
    for one in parts:
        name = f"{one['part']:04d}.zip"
        try:
            told = client.case_record(number, one["part"])
        except NotFound as error:  # nobody wrote to this person: that is an answer, too
            listed.append({**one, "file": None, "why": error.code})
            continue
        write_out(out / name, told)
        listed.append({**one, "file": name})
    (out / _RECORDS).write_bytes(canonical({"case": number, "parts": listed}))
    return {"case": number, "directory": str(out), "parts": len(parts),
            "bundles": sum(one["file"] is not None for one in listed)}  # fmt: skip


def _rests(given: list[str] | None) -> list[dict[str, str]]:
    found = []
    for word in given or ():
        kind, slash, number = word.partition("/")
        if not slash or not number.isdigit():
            raise InvalidInput(
                "bad_evidence", f"{word} is no KIND/ID", field="--evidence", rule="cli: cases",
                mend="write it like alarm/7",
            )  # fmt: skip
        found.append({"kind": kind, "id": number})
    return found


def _time(text: str | None, option: str) -> datetime:
    time = moment(text, option)
    if time is None:
        raise InvalidInput(
            "bad_time", "no time", field=option, rule="cli: times",
            mend="write it like 2026-11-22T10:00:00+08:00",
        )  # fmt: skip
    return time
