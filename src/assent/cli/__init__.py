"""The command line: thin commands that speak HTTP through :mod:`assent.client`.

`app` is the typer application; app.py adds the commands that run something (serve, demo, …).
docs/cli.md describes every command and option.
"""

from __future__ import annotations

from typing import Annotated

import typer

from assent.cli import campaigns, links, pdu, pdulog, people, sending, verify, videos
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
app.add_typer(videos.video, name="video")
app.add_typer(people.consent, name="consent")
app.add_typer(people.refusal, name="refusal")
app.add_typer(pdu.pdu, name="pdu")
app.command("verify")(verify.verify)
app.add_typer(links.links, name="links")
app.add_typer(pdulog.pdulog, name="pdulog")
