"""The command `assent`: what speaks HTTP comes from cli.py; what runs a platform is here."""

from __future__ import annotations

import asyncio
import json
import secrets
import signal
import tomllib
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
import uvloop

from assent.app import settings as app_settings
from assent.app.direct import Config, guarded, opened
from assent.app.direct import staff as staff_commands
from assent.app.direct import vault as vault_commands
from assent.app.examining import examine
from assent.app.ledger_commands import witness
from assent.app.monitor import monitor
from assent.app.ports import PortRoom
from assent.app.replaying import replay
from assent.app.rollup_commands import history as history_commands
from assent.app.supervisor import Supervisor
from assent.app.worker import configure_logging
from assent.cli import app
from assent.clock import clock_from_environment
from assent.errors import InvalidInput
from assent.flow.setup import Register, file_register


@app.command()
def serve(
    config: Config = None,
    processes: Annotated[int, typer.Option(min=1, max=3, help="1: everything in one.")] = 3,
) -> None:
    """Run the platform: PostgreSQL, the HTTP API, dispatch and links, until it is stopped."""
    configure_logging()
    raise typer.Exit(guarded(lambda: uvloop.run(_serve(config, processes))))


async def _serve(config: Path | None, processes: int) -> int:
    settings = app_settings.load(config)
    if processes == 2:
        raise InvalidInput(
            "bad_setting", "codes, campaigns and watching are three processes, or all in one",
            field="--processes", mend="use 3, or 1",
        )  # fmt: skip
    roles = ("front", "bulk", "watch") if processes == 3 else ("all",)
    supervisor = Supervisor(settings, config, clock_from_environment(), roles)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, supervisor.stop)
    return await supervisor.run(lambda state: print(json.dumps(state), flush=True))


@app.command()
def setup(
    register: Annotated[
        Path, typer.Argument(help="Register of senders and accounts, JSON or TOML.")
    ],
    config: Config = None,
) -> None:
    """File accounts, senders, ports, programmes and templates; print new API keys once."""
    raise typer.Exit(guarded(lambda: asyncio.run(_setup(register, config))))


async def _setup(path: Path, config: Path | None) -> int:
    settings = app_settings.load(config)
    document = _register(path)
    clock = clock_from_environment()
    async with opened(settings, clock) as (store, vault):
        check = PortRoom(settings).fault
        answer = await file_register(
            store, document, clock.now(), secrets.token_bytes, check, vault
        )
    print(json.dumps(answer, ensure_ascii=False))
    return 0


def _register(path: Path) -> Register:
    try:
        data: Any = (
            tomllib.loads(path.read_text("utf-8"))
            if path.suffix == ".toml"
            else json.loads(path.read_bytes())
        )
        return msgspec.convert(data, Register)
    except (OSError, ValueError, msgspec.ValidationError) as error:
        raise InvalidInput(
            "bad_register",
            f"{path.name}: {error}",
            field="register",
            mend="docs/setup.md shows what a register holds",
        ) from None


@app.command()
def demo(
    seed: Annotated[int, typer.Option(help="Changes every number, order and reply.")] = 1,
    size: Annotated[int, typer.Option(min=100, help="People in the audience.")] = 20_000,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object last.")] = False,
    records: Annotated[
        Path | None, typer.Option(help="Keep the carriers' records and what was handed in here.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Where to write the HTML report.")] = None,
    keep: Annotated[bool, typer.Option(help="Keep the temporary database.")] = False,
) -> None:
    """Show the whole road: a campaign over three carriers, refusals, codes; check itself."""
    from assent.demo.run import Options
    from assent.demo.run import main as run_demo

    options = Options(seed=seed, json=as_json, records=records, keep=keep, size=size, report=report)
    raise typer.Exit(guarded(lambda: run_demo(options)))


app.add_typer(vault_commands, name="vault")
app.command("witness")(witness)
app.command("examine")(examine)
app.command("replay")(replay)
app.command("monitor")(monitor)
app.add_typer(staff_commands, name="staff")
app.add_typer(history_commands, name="history")
simulate = typer.Typer(help="Simulated counterparts, for trying and testing.")
app.add_typer(simulate, name="simulate")


@simulate.command(
    "carrier",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def simulate_carrier(context: typer.Context) -> None:
    """A carrier's gateway on a TCP port (docs/simulator.md lists its options)."""
    from assent.carrier import simulate as simulator

    raise typer.Exit(simulator.main(context.args))


@simulate.command(
    "mms",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
    add_help_option=False,
)
def simulate_mms(context: typer.Context) -> None:
    """A multimedia messaging centre on a TCP port: `simulate carrier --dialect mm7`."""
    from assent.carrier import simulate as simulator

    raise typer.Exit(simulator.main(["--dialect", "mm7", *context.args]))


@simulate.command("quarter")
def simulate_quarter(
    seed: Annotated[int, typer.Option(help="Changes everybody, and how strong villains are.")] = 1,
    scale: Annotated[str, typer.Option(help="tiny, small or full.")] = "small",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object last.")] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write truth, outcome and cases here, in the end.")
    ] = None,
    villains: Annotated[
        Path | None, typer.Option(help="Villains' ranges instead of the packaged ones.")
    ] = None,
) -> None:
    """Ninety days of honest senders and villains on a real platform, in minutes."""
    from assent.quarter.cli import run

    raise typer.Exit(guarded(lambda: run(seed, scale, as_json, out, villains)))


def main() -> None:
    """Entry point of the command `assent`."""
    app()


if __name__ == "__main__":
    main()
