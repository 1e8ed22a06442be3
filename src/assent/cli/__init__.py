"""The command line: thin commands that speak HTTP through :mod:`assent.client`.

`app` is the typer application; app.py adds the commands that run something (serve, demo, …).
docs/cli.md describes every command and option.
"""

from __future__ import annotations

from typing import Annotated

import typer

from assent.cli import (
    account,
    admission,
    alarms,
    asking,
    audiences,
    audit,
    campaigns,
    cases,
    check,
    complaints,
    desk,
    evidence,
    forget,
    hosts,
    imports,
    links,
    model,
    money,
    near,
    pages,
    pdu,
    pdulog,
    people,
    ports,
    reconcile,
    refusals,
    restrictions,
    rollups,
    screening,
    sending,
    statistics,
    templates,
    texts,
    verify,
    videos,
    words,
)
from assent.cli.console import Reporting, Session
from assent.client import DEFAULT_URL

app = typer.Typer(
    name="assent",
    cls=Reporting,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Lawful bulk SMS: nothing leaves without consent.",
)


@app.callback()
def root(
    ctx: typer.Context,
    url: Annotated[
        str, typer.Option(envvar="ASSENT_URL", help="Address of the assent server.")
    ] = DEFAULT_URL,
) -> None:
    """Lawful bulk SMS. The API key is read from ASSENT_KEY, so that no process list shows it."""
    ctx.obj = Session(url)


app.command("send")(sending.send)
app.command("receipts")(sending.receipts)
app.command("replies")(sending.replies)
app.command("balance")(sending.balance)
app.add_typer(sending.status, name="status")
app.add_typer(campaigns.campaign, name="campaign")
app.add_typer(campaigns.audience, name="audience")
app.add_typer(audiences.label, name="label")
app.add_typer(audiences.instruction, name="instruction")
app.add_typer(videos.video, name="video")
app.add_typer(asking.consent, name="consent")
people.refusal.command("add")(refusals.add)
people.refusal.command("telephone")(refusals.telephone)
people.consent.command("list")(imports.list_imports)
people.consent.command("void")(imports.void)
people.consent.command("cases")(imports.cases)
people.consent.command("importers")(imports.importers)
app.add_typer(people.refusal, name="refusal")
app.add_typer(forget.person, name="person")
people.consent.command("end")(forget.end)
people.consent.command("file")(forget.evidence_add)
people.consent.command("show-file")(forget.evidence_get)
app.add_typer(account.account, name="account")
app.add_typer(audit.audit, name="audit")
app.add_typer(ports.number, name="number")
app.add_typer(ports.port, name="port")
app.add_typer(templates.signature, name="signature")
app.add_typer(templates.template, name="template")
app.add_typer(templates.host, name="host")
app.add_typer(templates.member, name="member")
app.add_typer(ports.switch, name="switch")
account.account.command("apply")(admission.apply)
account.account.command("show")(admission.show_admission)
account.account.command("answer")(admission.answer)
app.add_typer(admission.sender, name="sender")
app.add_typer(admission.document, name="document")
app.add_typer(admission.letter, name="letter")
app.add_typer(desk.review, name="review")
app.add_typer(desk.register, name="register")
app.add_typer(texts.texts, name="texts")
app.add_typer(pdu.pdu, name="pdu")
app.command("evidence")(evidence.evidence)
app.command("verify")(verify.verify)
app.command("screen")(screening.screen)
app.add_typer(evidence.ledger, name="ledger")
app.command("reconcile")(reconcile.reconcile)
app.command("reconciliations")(reconcile.reconciliations)
links.links.command("fetch")(pages.fetch_link)
app.add_typer(links.links, name="links")
app.add_typer(pages.pages, name="pages")
app.add_typer(money.money, name="money")
app.add_typer(rollups.rollups, name="rollups")
app.add_typer(complaints.complaint, name="complaint")
app.add_typer(near.groups, name="groups")
app.add_typer(cases.case, name="case")
app.add_typer(alarms.alarm, name="alarm")
app.add_typer(near.fingerprints, name="fingerprints")
app.add_typer(restrictions.restriction, name="restriction")
app.add_typer(statistics.stats, name="stats")
app.add_typer(pdulog.pdulog, name="pdulog")
app.add_typer(check.check, name="check")
app.add_typer(words.words, name="words")
app.add_typer(hosts.hosts, name="hosts")
app.add_typer(model.model, name="model")
