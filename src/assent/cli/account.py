"""account: applying, logging in, oneself, the team and the keys. Passwords are asked for, or read
from standard input a line each; they are in no argument."""

from __future__ import annotations

import getpass
import sys
from typing import Annotated, Any

import typer

from assent.cli.console import Json, Session, session, show
from assent.cli.kept import keep_token
from assent.errors import InvalidInput, NotAllowed

account = typer.Typer(no_args_is_help=True, help="Your account: people, sessions, keys.")
team = typer.Typer(no_args_is_help=True, help="Who acts for the account.")
key = typer.Typer(no_args_is_help=True, help="API keys of the account.")
totp = typer.Typer(no_args_is_help=True, help="The second factor.")
phone = typer.Typer(no_args_is_help=True, help="Your mobile phone.")
account.add_typer(team, name="team")
account.add_typer(key, name="key")
account.add_typer(totp, name="totp")
account.add_typer(phone, name="phone")

Email = Annotated[str, typer.Argument(help="E-mail address.")]
Actor = Annotated[str, typer.Argument(help="Id of a person, as team list tells it.")]
Role = Annotated[list[str], typer.Option(help="A role; may be repeated.")]


def asked(words: str) -> str:
    """Return what a person types without its being shown, or the next line of standard input."""
    given = getpass.getpass(f"{words}: ") if sys.stdin.isatty() else sys.stdin.readline()
    plain = given.rstrip("\r\n")
    if not plain:
        raise InvalidInput(
            "nothing_given", f"this needs: {words}", field=words, rule="cli: account",
            mend="type it, or write it to standard input, a line each",
        )  # fmt: skip
    return plain


def chosen() -> str:
    """Return a new password; on a terminal it is asked for twice."""
    password = asked("new password")
    if sys.stdin.isatty() and getpass.getpass("the same again: ") != password:
        raise InvalidInput("not_the_same", "these were two passwords", field="new password",
                           rule="cli: account", mend="type the same twice")  # fmt: skip
    return password


def _keep(run: Session, answer: dict[str, Any]) -> dict[str, Any]:
    """Keep the token of an answer; it is not shown."""
    keep_token(run.url, answer.pop("token"))
    return answer


# Ways in -----------------------------------------------------------------------------------------


@account.command("sign-up")
def sign_up(
    ctx: typer.Context,
    email: Email,
    name: Annotated[str, typer.Option(help="Your name.")],
    credit_code: Annotated[str, typer.Option(help="Unified social credit code of the company.")],
    legal_name: Annotated[str, typer.Option(help="Registered name of the company.")],
    entity_kind: Annotated[
        str, typer.Option(help="company, sole_trader, public_body, organisation or foreign.")
    ] = "company",
    industry: Annotated[str, typer.Option(help="Industry of the company.")] = "",
    website: Annotated[str, typer.Option(help="Its website.")] = "",
    account_name: Annotated[str | None, typer.Option(help="What to call the account.")] = None,
    agent: Annotated[bool, typer.Option("--agent", help="You send for others.")] = False,
    members_only: Annotated[
        bool, typer.Option("--members-only", help="An organisation that writes to its members.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Apply for an account. A mail brings a token for: assent account confirm."""
    run = session(ctx, as_json)
    company = {"credit_code": credit_code, "legal_name": legal_name, "kind": entity_kind,
               "industry": industry, "website": website}  # fmt: skip
    with run.stranger() as client:
        answer = client.sign_up(
            email=email, name=name, password=chosen(), company=company, account=account_name,
            kind="agent" if agent else None, class_="organisation" if members_only else None,
        )  # fmt: skip
    show(run, answer, "sign-up")


@account.command("confirm")
def confirm(ctx: typer.Context, as_json: Json = False) -> None:
    """Prove your e-mail address: asks for the mailed token and for the password you chose."""
    run = session(ctx, as_json)
    with run.stranger() as client:
        show(run, client.confirm_sign_up(asked("token"), asked("password")), "account")


@account.command("login")
def login(
    ctx: typer.Context,
    email: Email,
    code: Annotated[
        bool, typer.Option("--code", help="Ask for the code of the second factor at once.")
    ] = False,
    account_id: Annotated[str | None, typer.Option("--account", help="Act for this one.")] = None,
    as_json: Json = False,
) -> None:
    """Log in: asks for the password and, where there is one, the second factor's code."""
    run = session(ctx, as_json)
    with run.stranger() as client:
        password = asked("password")
        given = asked("code") if code else None
        try:
            answer = client.log_in(email, password, code=given, account=account_id)
        except NotAllowed as error:
            if error.code != "second_factor" or given is not None:
                raise
            answer = client.log_in(email, password, code=asked("code"), account=account_id)
    show(run, _keep(run, answer), "session")


@account.command("accept")
def accept(
    ctx: typer.Context,
    name: Annotated[str | None, typer.Option(help="Your name, if you have no login yet.")] = None,
    as_json: Json = False,
) -> None:
    """Join an account: asks for the token of the invitation and for your password."""
    run = session(ctx, as_json)
    with run.stranger() as client:
        answer = client.accept_invitation(asked("token"), asked("password"), name)
    show(run, answer, "invitation")


@account.command("reset")
def reset(ctx: typer.Context, email: Email, as_json: Json = False) -> None:
    """Have a token mailed, to set a new password with."""
    run = session(ctx, as_json)
    with run.stranger() as client:
        show(run, client.reset_password(email), "password")


@account.command("set-password")
def set_password(ctx: typer.Context, as_json: Json = False) -> None:
    """Set a new password: asks for the mailed token and for the password."""
    run = session(ctx, as_json)
    with run.stranger() as client:
        show(run, client.set_password(asked("token"), chosen()), "password")


# Oneself -----------------------------------------------------------------------------------------


@account.command("me")
def me(ctx: typer.Context, as_json: Json = False) -> None:
    """Who you are, for which accounts you act, and what is still to be proved."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.me(), "me")


@account.command("raise")
def raise_session(
    ctx: typer.Context,
    code: Annotated[bool, typer.Option("--code", help="Ask for the second factor's code.")] = False,
    as_json: Json = False,
) -> None:
    """Prove again who you are: for ten minutes you may change who may act."""
    run = session(ctx, as_json)
    with run.client() as client:
        password = asked("password")
        answer = client.raise_session(password, asked("code") if code else None)
    show(run, _keep(run, answer), "session")


@account.command("switch")
def switch(
    ctx: typer.Context,
    account_id: Annotated[str, typer.Argument(metavar="ACCOUNT", help="Its id or name.")],
    as_json: Json = False,
) -> None:
    """Act for another of your accounts."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, _keep(run, client.switch_account(account_id)), "session")


@account.command("logout")
def logout(ctx: typer.Context, as_json: Json = False) -> None:
    """End the session."""
    run = session(ctx, as_json)
    with run.client() as client:
        answer = client.log_out()
    keep_token(run.url, "")
    show(run, answer, "session")


@account.command("sessions")
def sessions(ctx: typer.Context, as_json: Json = False) -> None:
    """List your sessions."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.sessions(), "sessions")


@account.command("end-session")
def end_session(
    ctx: typer.Context,
    number: Annotated[str, typer.Argument(help="Its id.")],
    as_json: Json = False,
) -> None:
    """End one of your sessions."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.end_session(number), "session")


@account.command("password")
def password(ctx: typer.Context, as_json: Json = False) -> None:
    """Change your password: asks for the old one and for the new one."""
    run = session(ctx, as_json)
    with run.client() as client:
        answer = client.change_password(asked("old password"), chosen())
    show(run, _keep(run, answer), "session")


@phone.command("send")
def phone_send(
    ctx: typer.Context,
    number: Annotated[str, typer.Argument(help="Your mobile number.")],
    as_json: Json = False,
) -> None:
    """Have a code sent to your phone."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.send_phone_code(number), "phone")


@phone.command("confirm")
def phone_confirm(ctx: typer.Context, as_json: Json = False) -> None:
    """Prove your phone: asks for the code that came."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.confirm_phone(asked("code")), "phone")


@totp.command("on")
def totp_on(ctx: typer.Context, as_json: Json = False) -> None:
    """Begin a second factor: shows the secret for your authenticator application."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.begin_totp(), "second factor")


@totp.command("confirm")
def totp_confirm(ctx: typer.Context, as_json: Json = False) -> None:
    """Switch it on: asks for a code; shows the recovery codes, once."""
    run = session(ctx, as_json)
    with run.client() as client:
        answer = client.confirm_totp(asked("code"))
    show(run, _keep(run, answer), "second factor")


@totp.command("off")
def totp_off(ctx: typer.Context, as_json: Json = False) -> None:
    """Switch it off: asks for a code."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.end_totp(asked("code")), "second factor")


# Team and keys -----------------------------------------------------------------------------------


@team.command("list")
def team_list(ctx: typer.Context, as_json: Json = False) -> None:
    """List who acts for the account, and who is invited."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.team(), "team")


@team.command("invite")
def team_invite(ctx: typer.Context, email: Email, role: Role, as_json: Json = False) -> None:
    """Invite somebody by e-mail."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.invite(email, role), "invitation")


@team.command("roles")
def team_roles(ctx: typer.Context, actor: Actor, role: Role, as_json: Json = False) -> None:
    """Give a person exactly these roles."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.change_roles(actor, role), "roles")


@team.command("remove")
def team_remove(ctx: typer.Context, actor: Actor, as_json: Json = False) -> None:
    """Take a person out of the account, with the keys."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.remove_actor(actor), "team")


@team.command("lock")
def team_lock(ctx: typer.Context, actor: Actor, as_json: Json = False) -> None:
    """Lock any person out of everything (administrators of the operator)."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.lock_actor(actor), "person")


@team.command("unlock")
def team_unlock(ctx: typer.Context, actor: Actor, as_json: Json = False) -> None:
    """Let a locked person in again (administrators of the operator)."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.lock_actor(actor, locked=False), "person")


@key.command("list")
def key_list(ctx: typer.Context, as_json: Json = False) -> None:
    """List your keys; all of the account for its owners."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.keys(), "keys")


@key.command("create")
def key_create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="What it is for.")],
    scope: Annotated[list[str], typer.Option(help="What it may do; may be repeated.")],
    allow: Annotated[
        list[str] | None, typer.Option(help="Address or network it may be used from; repeatable.")
    ] = None,
    sandbox: Annotated[bool, typer.Option("--sandbox", help="A key to try with.")] = False,
    software: Annotated[
        bool, typer.Option("--software", help="It stays when you leave the account.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make an API key; it is shown once."""
    run = session(ctx, as_json)
    with run.client() as client:
        answer = client.make_key(
            name, scope, allowed=allow or (), sandbox=sandbox, software=software
        )
    show(run, answer, "key")


@key.command("revoke")
def key_revoke(
    ctx: typer.Context,
    number: Annotated[str, typer.Argument(help="Its id.")],
    as_json: Json = False,
) -> None:
    """Revoke an API key."""
    run = session(ctx, as_json)
    with run.client() as client:
        show(run, client.revoke_key(number), "key")
