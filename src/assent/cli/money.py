"""money: an account's own, and the treasury of those who run the platform."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from assent.cli.console import Json, print_json, session, show
from assent.errors import InvalidInput

money = typer.Typer(no_args_is_help=True, help="Money: balance, statements, prices, payments.")
plan = typer.Typer(no_args_is_help=True, help="Price plans; for the treasury.")
rate = typer.Typer(no_args_is_help=True, help="What carriers ask; for the treasury.")
rebate = typer.Typer(no_args_is_help=True, help="Agents' rebates; for the treasury.")
money.add_typer(plan, name="plan")
money.add_typer(rate, name="rate")
money.add_typer(rebate, name="rebate")

EXIT_UNPROVED: Final = 1

_AMOUNT: Final = re.compile(r"(-?)(\d{1,12})(?:\.(\d{1,6}))?")
Account = Annotated[str | None, typer.Option(help="A sub-account, by its name.")]
Number = Annotated[str, typer.Argument(help="Number of the line or rule.")]


def micro(text: str, option: str) -> int:
    """Return an amount such as 12.50 in micro-units. Raises InvalidInput."""
    found = _AMOUNT.fullmatch(text)
    if found is None:
        raise InvalidInput(
            "bad_amount", "not an amount", field=option, rule="cli: money",
            mend="write it like 1234.50, with six places at most",
        )  # fmt: skip
    amount = int(found[2]) * 1_000_000 + int((found[3] or "").ljust(6, "0"))
    return -amount if found[1] else amount


def _given(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


# An account's own ------------------------------------------------------------------------------


@money.command("balance")
def balance(ctx: typer.Context, as_json: Json = False) -> None:
    """Show what may be spent, limits, sub-accounts and the latest alerts."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.money(), "money")


@money.command("limits")
def limits(
    ctx: typer.Context,
    account: Account = None,
    daily: Annotated[str | None, typer.Option(help="Most spent on a day, or none.")] = None,
    alert: Annotated[str | None, typer.Option(help="Tell when less is left, or none.")] = None,
    as_json: Json = False,
) -> None:
    """Set limits of the account or of a sub-account; `none` takes one away."""
    run = session(ctx, as_json)
    fields: dict[str, Any] = _given(account=account)
    for name, text in (("daily_limit_micro", daily), ("alert_below_micro", alert)):
        if text is not None:
            fields[name] = None if text == "none" else micro(text, name)
    with run.client() as client:
        show(run, client.set_limits(**fields), "limits")


@money.command("allot")
def allot(
    ctx: typer.Context,
    account: Annotated[str, typer.Argument(help="The sub-account.")],
    amount: Annotated[str, typer.Option(help="How much; negative takes it back.")],
    reference: Annotated[str, typer.Option(help="Done once for each reference.")],
    as_json: Json = False,
) -> None:
    """Give a sub-account part of the balance, or take it back."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.allot(account, micro(amount, "--amount"), reference), "money")


@money.command("intent")
def intent(
    ctx: typer.Context,
    amount: Annotated[str | None, typer.Argument(help="How much will be paid.")] = None,
    as_json: Json = False,
) -> None:
    """Say that one will pay and get the code for the transfer; without an amount list them."""
    run = session(ctx, as_json)
    with run.client() as client:
        if amount is None:
            show(run, client.payment_intents(), "intents")
        else:
            show(run, client.intend_payment(micro(amount, "amount")), "intent")


@money.command("statement")
def statement(
    ctx: typer.Context,
    month: Annotated[str, typer.Argument(help="The month, such as 2026-11.")],
    output: Annotated[
        Path | None, typer.Option(help="File to write; its ending says csv or pdf.")
    ] = None,
    language: Annotated[str, typer.Option(help="en or zh, of a file.")] = "en",
    as_json: Json = False,
) -> None:
    """Show the statement of a month, or write it to a file."""
    run = session(ctx, as_json)
    with run.client() as client:
        if output is None:
            show(run, client.statement(month), f"statement {month}")
            return
        form = output.suffix.lower().removeprefix(".")
        answer = client.statement_file(month, form, language)
    output.write_bytes(answer["octets"])
    show(run, {"file": str(output), "octets": len(answer["octets"])}, "statement")


# The treasury ----------------------------------------------------------------------------------


@money.command("terms")
def terms(
    ctx: typer.Context,
    account: Annotated[str, typer.Argument(help="Name of the account.")],
    credit: Annotated[str | None, typer.Option(help="How much it may owe.")] = None,
    currency: Annotated[str | None, typer.Option(help="Of all its money, such as CNY.")] = None,
    parent: Annotated[str | None, typer.Option(help="Whose sub-account it becomes.")] = None,
    charge_on: Annotated[str | None, typer.Option(help="accepted or delivered.")] = None,
    from_day: Annotated[str | None, typer.Option(help="From when that holds.")] = None,
    plan: Annotated[str | None, typer.Option(help="Its price plan.")] = None,
    from_month: Annotated[str | None, typer.Option(help="From when that holds.")] = None,
    as_json: Json = False,
) -> None:
    """Show the terms of an account, or change those that are given. For the treasury."""
    run = session(ctx, as_json)
    fields = _given(
        currency=currency, parent=parent, charge_on=charge_on, from_day=from_day, plan=plan,
        from_month=from_month,
        credit_limit_micro=None if credit is None else micro(credit, "--credit"),
    )  # fmt: skip
    with run.client() as client:
        answer = (
            client.set_terms(account=account, **fields) if fields else client.account_terms(account)
        )
        show(run, answer, "terms")


@money.command("import")
def import_file(
    ctx: typer.Context,
    port: Annotated[str, typer.Argument(help="Payment port, as in the settings.")],
    file: Annotated[Path, typer.Argument(help="The bank's file.", exists=True, dir_okay=False)],
    as_json: Json = False,
) -> None:
    """Take a bank's file; lines that are known are not taken twice. For the treasury."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.import_payments(port, file.read_bytes()), "payments")


@money.command("held")
def held(ctx: typer.Context, as_json: Json = False) -> None:
    """List payments that wait for two persons. For the treasury and auditors."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.held_payments(), "held")


@money.command("release")
def release(
    ctx: typer.Context,
    number: Number,
    account: Annotated[str | None, typer.Option(help="To whom, if not its intent's.")] = None,
    as_json: Json = False,
) -> None:
    """Say that a held payment is to be credited; done when two persons said so."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.decide_payment(number, "release", account), "payment")


@money.command("return")
def send_back(ctx: typer.Context, number: Number, as_json: Json = False) -> None:
    """Say that a held payment is to go back; done when two persons said so."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.decide_payment(number, "return"), "payment")


@money.command("margin")
def margin(
    ctx: typer.Context,
    begin: Annotated[str, typer.Option("--from", help="First day.")],
    end: Annotated[str, typer.Option("--to", help="Last day.")],
    by: Annotated[str, typer.Option(help="carrier, port, customer, purpose.")] = (
        "carrier,port,customer"
    ),
    as_json: Json = False,
) -> None:
    """Show what is left between customers' prices and carriers' rates."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.margin(begin, end, by), "margin")


@money.command("verify")
def verify(ctx: typer.Context, as_json: Json = False) -> None:
    """Prove on the live database that the money is right; exit code 1 when it is not."""
    run = session(ctx, as_json)
    with run.client() as client:
        answer = client.verify_money()
    show(run, answer, "verify")
    if not answer["ok"]:
        raise typer.Exit(EXIT_UNPROVED)


@plan.command("list")
def plans(ctx: typer.Context, as_json: Json = False) -> None:
    """List the price plans."""
    run = session(ctx, as_json)
    with run.client() as client:
        answer = client.plans()
    if run.json:
        print_json(answer)
        return
    for one in answer["plans"]:
        show(run, one, one["plan"])


@plan.command("add")
def add_plan(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(help="The plan, in JSON.", exists=True, dir_okay=False)],
    as_json: Json = False,
) -> None:
    """Make a price plan from a JSON file (docs/money.md shows one)."""
    run = session(ctx, as_json)
    try:
        told = json.loads(file.read_text("utf-8"))
    except ValueError:
        raise InvalidInput(
            "bad_json", "the file is no JSON", field=str(file), rule="cli: money",
            mend="look at the example in docs/money.md",
        ) from None  # fmt: skip
    with run.client() as client:
        show(run, client.add_plan(told), "plan")


@rate.command("list")
def rates(ctx: typer.Context, as_json: Json = False) -> None:
    """List what carriers ask and what was bought from them."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.rates(), "rates")


Carrier = Annotated[str, typer.Argument(help="The carrier.")]
Price = Annotated[str, typer.Option(help="Of a segment, such as 0.03.")]
FromDay = Annotated[str, typer.Option(help="First day.")]
Port = Annotated[str, typer.Option(help="Number of a port; any if not given.")]
PurposeOption = Annotated[str | None, typer.Option(help="Any if not given.")]
Channel = Annotated[str, typer.Option(help="sms or video.")]
Currency = Annotated[str, typer.Option(help="Currency, such as CNY.")]


@rate.command("add")
def add_rate(
    ctx: typer.Context,
    carrier: Carrier,
    price: Price,
    from_day: FromDay,
    port: Port = "",
    purpose: PurposeOption = None,
    channel: Channel = "sms",
    currency: Currency = "CNY",
    as_json: Json = False,
) -> None:
    """Note what a carrier asks for a segment from a day on."""
    run = session(ctx, as_json)
    with run.client() as client:
        answer = client.add_rate(
            carrier=carrier, micro=micro(price, "--price"), from_day=from_day, port=port,
            purpose=purpose, channel=channel, currency=currency,
        )  # fmt: skip
        show(run, answer, "rate")


@rate.command("package")
def add_package(
    ctx: typer.Context,
    carrier: Carrier,
    price: Price,
    segments: Annotated[int, typer.Option(help="How many segments were bought.")],
    from_day: FromDay,
    to_day: Annotated[str, typer.Option(help="Last day.")],
    rebate: Annotated[str, typer.Option(help="Percent of the price that come back.")] = "0",
    port: Port = "",
    purpose: PurposeOption = None,
    channel: Channel = "sms",
    currency: Currency = "CNY",
    as_json: Json = False,
) -> None:
    """Note segments bought from a carrier for a time, such as a year's."""
    run = session(ctx, as_json)
    with run.client() as client:
        answer = client.add_package(
            carrier=carrier, micro=micro(price, "--price"), segments=segments, from_day=from_day,
            to_day=to_day, rebate_bp=micro(rebate, "--rebate") // 10_000, port=port,
            purpose=purpose, channel=channel, currency=currency,
        )  # fmt: skip
        show(run, answer, "package")


@rebate.command("list")
def rebates(ctx: typer.Context, as_json: Json = False) -> None:
    """List rebates with carrier rate, customer price and end price of each."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.rebates(), "rebates")


@rebate.command("propose")
def propose(
    ctx: typer.Context,
    agent: Annotated[str, typer.Option(help="The agent's account.")],
    account: Annotated[str, typer.Option(help="Whose messages.")],
    amount: Annotated[str, typer.Option(help="For a segment, such as 0.002.")],
    cap: Annotated[str, typer.Option(help="Most a month.")],
    end_price: Annotated[str, typer.Option(help="What the end customer pays a segment.")],
    from_month: Annotated[str, typer.Option(help="First month.")],
    to_month: Annotated[str, typer.Option(help="Last month.")],
    as_json: Json = False,
) -> None:
    """Propose a rebate; another person has to approve it."""
    run = session(ctx, as_json)
    with run.client() as client:
        answer = client.propose_rebate(
            agent=agent, account=account, micro=micro(amount, "--amount"),
            cap_micro=micro(cap, "--cap"), end_micro=micro(end_price, "--end-price"),
            from_month=from_month, to_month=to_month,
        )  # fmt: skip
        show(run, answer, "rebate")


def _decide(ctx: typer.Context, number: str, action: str, as_json: bool) -> None:
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.decide_rebate(number, action), "rebate")


@rebate.command("approve")
def approve(ctx: typer.Context, number: Number, as_json: Json = False) -> None:
    """Approve a rebate that another person proposed."""
    _decide(ctx, number, "approve", as_json)


@rebate.command("refuse")
def refuse(ctx: typer.Context, number: Number, as_json: Json = False) -> None:
    """Refuse a proposed rebate."""
    _decide(ctx, number, "refuse", as_json)


@rebate.command("end")
def end(ctx: typer.Context, number: Number, as_json: Json = False) -> None:
    """End a rebate."""
    _decide(ctx, number, "end", as_json)


@rebate.command("exclude")
def exclude(
    ctx: typer.Context,
    messages: Annotated[list[str], typer.Argument(help="Ids of messages.")],
    reason: Annotated[str, typer.Option(help="complained or refused.")] = "complained",
    as_json: Json = False,
) -> None:
    """Note messages that people complained of: no agent is paid for them."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.exclude_from_rebates(messages, reason), "excluded")


@rebate.command("pay")
def pay(
    ctx: typer.Context,
    through: Annotated[str, typer.Argument(help="The last month, such as 2026-10.")],
    as_json: Json = False,
) -> None:
    """Pay agents what they are owed until a month, and take back what was too much."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.pay_rebates(through), "rebates")
