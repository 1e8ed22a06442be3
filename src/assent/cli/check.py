"""Checks of codes, numbers and names: they work here, without a server."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final

import typer
from rich.console import Console

from assent.cli.console import EXIT_INVALID, Json, print_json, session
from assent.cli.pdu import visible
from assent.clock import Clock, clock_from_environment
from assent.errors import InvalidInput
from assent.numbers.zone import CHINA_MINUTES
from assent.registry.credit_code import read_credit_code
from assent.registry.findings import Finding, verdict
from assent.registry.licences import read_licence
from assent.registry.resident_id import read_resident_id
from assent.registry.signature import Name, Owner, Taken, check_signature, clean

check = typer.Typer(no_args_is_help=True, help="Check codes, numbers and names, offline.")

_MOST: Final = 10_000


class Kind(StrEnum):
    """`assent.registry.licences.KINDS`, for the command line."""

    TELECOM = "telecom_licence"
    ICP_LICENCE = "icp_licence"
    ICP_RECORD = "icp_record"
    POLICE = "police_filing"
    NUMBER = "number_certificate"
    PAYMENT = "payment_licence"
    FINANCIAL = "financial_licence"
    FUND = "fund_management_licence"


class Profile(StrEnum):
    """`assent.registry.signature.PROFILES`, for the command line."""

    DEFAULT = "default"
    SHORT = "short"
    LONG = "long"
    WIDE = "wide"


Value = Annotated[str, typer.Argument(metavar="VALUE", help="What to check; - reads it from "
                                      "standard input.")]  # fmt: skip


@check.callback()
def root() -> None:
    """Check codes, numbers and names, offline.

    The verdict is ok, review (a person must look) or wrong. Ends with code 3 when it is wrong. That
    something is well formed does not mean that it exists: registers say that."""


@check.command("credit-code")
def credit_code(ctx: typer.Context, value: Value, as_json: Json = False) -> None:
    """Unified social credit codes. A wrong check character means review: real codes have one."""
    session(ctx, as_json)
    code = read_credit_code(_given(value))
    facts = {"authority": code.authority, "division": code.division}
    _tell(code.value, facts, code.findings, as_json)


@check.command("resident-id")
def resident_id(ctx: typer.Context, value: Value, as_json: Json = False) -> None:
    """Resident identity numbers. They are personal data: give - and write the number to standard
    input, so that no list of processes and no history of the shell has it. The output is masked.
    """
    session(ctx, as_json)
    if value != "-":
        Console(stderr=True, highlight=False).print(
            "A number on the command line stands in lists of processes and in the history of the "
            "shell; - reads it from standard input.", soft_wrap=True,
        )  # fmt: skip
    number = read_resident_id(_given(value), today(clock_from_environment()))
    _tell(number.masked, {}, number.findings, as_json)


@check.command()
def licence(
    ctx: typer.Context,
    value: Value,
    kind: Annotated[
        Kind | None, typer.Option(help="What it is said to be; the form tells if not given.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Numbers of telecom, ICP and financial licences."""
    session(ctx, as_json)
    found = read_licence(_given(value), today(clock_from_environment()), kind.value if kind else "")
    _tell(found.value, {"kind": found.kind, **found.facts}, found.findings, as_json)


@check.command()
def signature(
    ctx: typer.Context,
    value: Value,
    name: Annotated[str, typer.Option(help="Full legal name of its owner.")] = "",
    registered: Annotated[
        list[str] | None,
        typer.Option(help="A trade mark or filed app of the owner; may be given many times."),
    ] = None,
    other: Annotated[
        list[str] | None,
        typer.Option(help="A signature or name of somebody else; may be given many times."),
    ] = None,
    profile: Annotated[
        Profile, typer.Option(help="Lengths by carrier: 2-12, 3-8, 2-16 or 2-32 characters.")
    ] = Profile.DEFAULT,
    as_json: Json = False,
) -> None:
    """Signatures, the name in 【】: form, whose it is, whether it looks like another's."""
    session(ctx, as_json)
    text = _given(value)
    owner = Owner("owner", name, tuple(registered or ()))
    taken = Taken(Name("other", one) for one in other or ())
    findings = check_signature(text, owner, taken, profile.value)
    _tell(clean(text), {}, findings, as_json)


def _given(value: str) -> str:
    """Return the value, from standard input for `-`. Raises InvalidInput for a flood."""
    text = sys.stdin.buffer.readline(_MOST).decode("utf-8", "replace") if value == "-" else value
    if len(text) >= _MOST:
        raise InvalidInput(
            "value_too_long", f"more than {_MOST} octets are no value", field="VALUE",
            rule="cli: check", mend="give one code, number or name",
        )  # fmt: skip
    return text.strip()


def today(clock: Clock) -> date:
    """Return the day in China: what papers are dated by."""
    moment = datetime.fromtimestamp(clock.now(), UTC)
    return (moment + timedelta(minutes=CHINA_MINUTES)).date()


def _tell(value: str, facts: dict[str, Any], findings: Iterable[Finding], as_json: bool) -> None:
    """Print what was found, and end the run with a code when it is wrong."""
    found = list(findings)
    said = verdict(found)
    if as_json:
        rows = [
            {"code": f.code, "severity": f.severity.name.lower(), "en": f.en, "zh": f.zh,
             "about": f.about}
            for f in found
        ]  # fmt: skip
        print_json({"verdict": said, "value": value, "facts": facts, "findings": rows})
    else:
        console = Console(highlight=False)
        console.print(visible(f"{said}: {value}"), markup=False, soft_wrap=True)
        for fact, what in facts.items():
            if what:
                console.print(visible(f"  {fact}: {what}"), markup=False, soft_wrap=True)
        for f in found:
            about = f" ({f.about})" if f.about else ""
            console.print(
                visible(f"  {f.severity.name.lower()} {f.code}{about}: {f.en} / {f.zh}"),
                markup=False, soft_wrap=True,
            )  # fmt: skip
    if said == "wrong":
        raise typer.Exit(EXIT_INVALID)
