"""Simulated carriers as a process of their own: settings in, one ready line out, until SIGTERM."""

from __future__ import annotations

import argparse
import asyncio
import ctypes
import gc
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from assent.carrier.control import serve_control
from assent.carrier.identity import (
    ALPHABETS,
    BINDS,
    CLIENT_IDS,
    ID_FORMS,
    RECEIPT_FORMS,
    REPLY_PARTS,
    VERSIONS,
    version_of,
)
from assent.carrier.mms_centre import MmsCentre
from assent.carrier.records import Recorder
from assent.carrier.script import Script, load_script, read_data, script_from
from assent.carrier.simulator import CarrierSettings, Simulator
from assent.clock import Clock, clock_from_environment
from assent.errors import AssentError, InvalidInput

PR_SET_PDEATHSIG: Final = 1


@dataclass(frozen=True, slots=True)
class SimulationSettings:
    """Carriers with their scripts. `records`: file for the record of every PDU, None for none;
    `control_port`: loopback port for commands, 0 for a free one, None for none."""

    carriers: Sequence[tuple[CarrierSettings, Script]]
    seed: int = 0
    records: Path | None = None
    control_port: int | None = None
    with_parent: bool = field(default=False)


async def serve_simulator(
    settings: SimulationSettings,
    clock: Clock,
    *,
    ready: Callable[[dict[str, Any]], None],
    stop: asyncio.Event | None = None,
) -> None:
    """Serve until `stop` is set (None: until SIGTERM or SIGINT); then write the records and return.

    `ready` is called once with `{"ready": true, "carriers": [...], "port", "control_port"}` when
    all carriers listen.
    """
    loop = asyncio.get_running_loop()
    if stop is None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
    recorder = None if settings.records is None else Recorder(settings.records, clock)
    simulators: dict[str, Simulator | MmsCentre] = {}
    control: asyncio.Server | None = None
    control_port: int | None = None
    try:
        for carrier, script in settings.carriers:
            kind = MmsCentre if carrier.dialect == "mm7" else Simulator
            simulator = kind(carrier, script, clock, settings.seed, recorder)
            await simulator.start()
            simulators[carrier.name] = simulator
        if settings.control_port is not None:
            control, control_port = await serve_control(simulators, settings.control_port)
        ready(ready_line(simulators, control_port))
        await stop.wait()
    finally:
        if control is not None:
            control.close()
        for simulator in simulators.values():
            await simulator.stop()
        if recorder is not None:
            recorder.close()


def ready_line(
    simulators: Mapping[str, Simulator | MmsCentre], control_port: int | None
) -> dict[str, Any]:
    """Return what there is to know once all carriers listen; `port` is the first one's."""
    carriers = [
        {"name": name, "host": simulator.settings.host, "port": simulator.port}
        for name, simulator in simulators.items()
    ]
    port = carriers[0]["port"] if carriers else None
    return {"ready": True, "carriers": carriers, "port": port, "control_port": control_port}


def tell_ready(line: dict[str, Any]) -> None:
    """Write the ready line to standard output, where whoever started us waits for it."""
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def die_with_parent(parent: int) -> None:
    """Ask Linux for a SIGTERM when the parent process `parent` ends (prctl(2)).

    Exits at once when it has ended already. Elsewhere than on Linux nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        raise SystemExit("the parent process has ended")


def look_for_no_cycles() -> None:
    """Turn the search for garbage in cycles off, for the life of this process.

    What waits to be reported is hundreds of thousands of objects, none in a cycle. To look through
    them stops a simulated carrier for a quarter of a second, which would count as the platform's.
    A closed connection leaves no cycle either (tests/carrier/test_simulator.py).
    """
    gc.collect()
    gc.disable()


def settings_from_file(path: Path, environment: Mapping[str, str]) -> SimulationSettings:
    """Read a configuration with one `[[carrier]]` table a carrier; raises InvalidInput.

    Keys of a carrier: the fields of CarrierSettings, but accounts are user to name of the
    environment variable that holds its secret, and version may be as people write it ("3.4");
    script (a path beside this file, or a table).
    """
    data = read_data(path)
    carriers: list[tuple[CarrierSettings, Script]] = []
    for place, given in enumerate(data.get("carrier", [])):
        rest = dict(given)
        script = rest.pop("script", {})
        loaded = load_script(path.parent / script) if isinstance(script, str) else None
        accounts = {
            str(user): secret_from(str(variable), environment)
            for user, variable in rest.pop("accounts", {}).items()
        }
        carriers.append((_settings(rest, accounts, place), loaded or script_from(script)))
    names = {settings.name for settings, _ in carriers}
    if not carriers or len(names) != len(carriers):
        raise InvalidInput("bad_carrier", "needs [[carrier]] tables with names of their own")
    records = data.get("records")
    return SimulationSettings(
        carriers,
        seed=int(data.get("seed", 0)),
        records=None if records is None else path.parent / str(records),
        control_port=data.get("control_port"),
    )


def _settings(given: Mapping[str, Any], accounts: Mapping[str, str], place: int) -> CarrierSettings:
    """Return the settings in one `[[carrier]]` table; raises InvalidInput naming table and key."""
    try:
        version = version_of(given.get("dialect", "cmpp"), given.get("version"))
        return CarrierSettings(accounts=accounts, **{**given, "version": version})
    except TypeError as error:
        raise InvalidInput("bad_carrier", str(error), field=f"carrier[{place}]") from None
    except InvalidInput as error:
        field = f"carrier[{place}].{error.field}"
        raise InvalidInput(error.code, f"{field}: {error.message}", field=field) from None


def secret_from(variable: str, environment: Mapping[str, str]) -> str:
    """Return a secret from the environment; raises InvalidInput naming the variable."""
    secret = environment.get(variable, "")
    if not secret:
        raise InvalidInput("no_secret", f"{variable} is not set", field=variable)
    return secret


def parse(arguments: Sequence[str], environment: Mapping[str, str]) -> SimulationSettings:
    """Read the command line; raises InvalidInput, or SystemExit as argparse does."""
    given = _parser().parse_args(arguments)
    if given.config is not None:
        base = settings_from_file(given.config, environment)
    else:
        own = {name: getattr(given, name) for name in _OWN if getattr(given, name) is not None}
        carrier = CarrierSettings(
            name=given.name,
            accounts={given.user: secret_from(given.secret_env, environment)},
            host=given.host,
            port=given.port,
            dialect=given.dialect,
            version=version_of(given.dialect, given.version),
            **own,
        )
        script = Script() if given.script is None else load_script(given.script)
        base = SimulationSettings([(carrier, script)])
    return SimulationSettings(
        base.carriers,
        seed=base.seed if given.seed is None else given.seed,
        records=given.records or base.records,
        control_port=base.control_port if given.control_port is None else given.control_port,
        with_parent=given.with_parent,
    )


_OWN: Final = (
    *("gateway", "node", "reports_to", "client_id"),
    *("ids", "receipt_form", "binds", "alphabet", "reply_parts"),
)
"""Options of some dialects only; left out they are as CarrierSettings has them."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m assent.carrier.simulator", description="A carrier to rehearse against."
    )
    parser.add_argument("--config", type=Path, help="several carriers, see docs/simulator.md")
    parser.add_argument("--name", default="mobile")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--user", default="900001", help="the account's name")
    parser.add_argument("--secret-env", default="ASSENT_SIMULATOR_SECRET", metavar="NAME")
    parser.add_argument("--dialect", default="cmpp", choices=tuple(VERSIONS))
    parser.add_argument("--version", help="the highest it speaks, e.g. 2.0; else the newest")
    parser.add_argument("--script", type=Path, help="TOML or JSON")
    parser.add_argument("--records", type=Path, help="record every PDU, one JSON object a line")
    parser.add_argument("--seed", type=int, help="changes every number drawn")
    parser.add_argument("--control-port", type=int, help="loopback; 0 takes a free one")
    parser.add_argument("--with-parent", action="store_true", help="end when the parent ends")
    parser.add_argument("--gateway", type=int, help="CMPP, SMGP: code inside message ids")
    parser.add_argument("--node", type=int, help="SGIP: node in its sequence numbers")
    parser.add_argument(
        "--reports-to", metavar="HOST:PORT", help="SGIP, MM7: where the platform is"
    )
    parser.add_argument("--client-id", choices=CLIENT_IDS, help="SMGP: how it hashes the user")
    parser.add_argument("--ids", choices=ID_FORMS, help="SMPP: how message ids are written")
    parser.add_argument("--receipt-form", choices=RECEIPT_FORMS, help="SMPP")
    parser.add_argument("--binds", nargs="+", choices=BINDS, help="SMPP: the kinds it accepts")
    parser.add_argument("--alphabet", choices=ALPHABETS, help="SMPP: what data_coding 0 is")
    parser.add_argument("--reply-parts", choices=REPLY_PARTS, help="how long replies are told")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Run simulated carriers until SIGTERM; print one JSON ready line. Returns the exit status."""
    parent = os.getppid()
    try:
        settings = parse(sys.argv[1:] if arguments is None else arguments, os.environ)
        clock = clock_from_environment()
        if settings.with_parent:
            die_with_parent(parent)
        try:
            import uvloop
        except ImportError:
            run = asyncio.run
        else:
            run = uvloop.run
        look_for_no_cycles()
        run(serve_simulator(settings, clock, ready=tell_ready))
    except (AssentError, OSError) as error:
        sys.stderr.write(f"simulator: {error}\n")
        return 2
    return 0
