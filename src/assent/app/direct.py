"""Commands that go to the database themselves, beside the API: for who runs the machine."""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from assent.app import settings as app_settings
from assent.app.settings import Settings
from assent.app.vaults import CHANNEL, FileVault, open_vault
from assent.clock import Clock, clock_from_environment
from assent.errors import AssentError
from assent.flow.bootstrap import add_staff
from assent.flow.needs import utc
from assent.flow.passwords import Passwords
from assent.flow.proofs import Proofs
from assent.flow.sealed import seal_again
from assent.flow.throttle import Throttle
from assent.store import Store, embedded
from assent.store.migrate import migrate

Config = Annotated[
    Path | None, typer.Option("--config", "-c", help="Settings file (docs/settings.md).")
]

vault = typer.Typer(no_args_is_help=True, help="The keys of what is sealed in the database.")


@asynccontextmanager
async def opened(settings: Settings, clock: Clock) -> AsyncIterator[tuple[Store, FileVault]]:
    """Yield the database of an installation, migrated, and its vault; the embedded PostgreSQL is
    started if nobody did."""
    engine = None
    dsn = settings.database_url
    if dsn is None:
        directory = Path(settings.data_dir) if settings.data_dir else None
        engine = await embedded.start(directory)
        dsn = engine.dsn
    try:
        await migrate(dsn, at=utc(clock.now()))
        store = await Store.open(dsn)
        try:
            yield store, await open_vault(settings, store)
        finally:
            await store.close()
    finally:
        if engine is not None:
            await engine.stop()


def guarded(run: Any) -> int:
    """Run a command; tell an error as code, field and mend instead of a trace."""
    try:
        return int(run())
    except AssentError as error:
        print(json.dumps(error.to_problem(), ensure_ascii=False), file=sys.stderr)
        return 1


@vault.command("rotate")
def rotate(config: Config = None) -> None:
    """Add a key to the vault's file and seal everything again with it. The platform may run."""
    raise typer.Exit(guarded(lambda: asyncio.run(_seal(config, new_key=True))))


@vault.command("seal")
def seal(config: Config = None) -> None:
    """Seal again what is still sealed with an older key, for instance after an interruption."""
    raise typer.Exit(guarded(lambda: asyncio.run(_seal(config, new_key=False))))


staff = typer.Typer(no_args_is_help=True, help="The first people of the operator.")


@staff.command("add")
def add_to_staff(
    email: Annotated[str, typer.Argument(help="The person's e-mail address.")],
    role: Annotated[list[str], typer.Option(help="A role of the staff; may be repeated.")],
    operator: Annotated[str, typer.Option(help="Name of the operator's account.")] = "operator",
    config: Config = None,
) -> None:
    """Invite a person to the operator's account; prints the token, once. It is written down."""
    raise typer.Exit(guarded(lambda: asyncio.run(_staff(config, email, role, operator))))


async def _staff(config: Path | None, email: str, roles: list[str], operator: str) -> int:
    settings, clock = app_settings.load(config), clock_from_environment()
    async with opened(settings, clock) as (store, keys):
        throttle = Throttle(store, clock, keys)
        proofs = Proofs(store, clock, keys, secrets.token_bytes, throttle, Passwords())
        made = await add_staff(store, clock, proofs, email, roles, operator)
    print(json.dumps(made, ensure_ascii=False))
    return 0


async def _seal(config: Path | None, *, new_key: bool) -> int:
    settings = app_settings.load(config)
    async with opened(settings, clock_from_environment()) as (store, keys):
        if new_key:
            keys.add_key()
            await store.execute("notify", CHANNEL, "")
        sealed = await seal_again(store, keys)
    print(json.dumps({"key": keys.current, "sealed": sealed}))
    return 0
