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
    simulators: dict[str, Simulator] = {}
    control: asyncio.Server | None = None
    control_port: int | None = None
    try:
        for carrier, script in settings.carriers:
            simulator = Simulator(carrier, script, clock, settings.seed, recorder)
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


def ready_line(simulators: Mapping[str, Simulator], control_port: int | None) -> dict[str, Any]:
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

    Keys of a carrier: name, host, port, version, gateway, submit_window, accounts (user to name of
    the environment variable that holds its secret), script (a path beside this file, or a table).
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
        try:
            settings = CarrierSettings(accounts=accounts, **rest)
        except TypeError as error:
            raise InvalidInput("bad_carrier", str(error), field=f"carrier[{place}]") from None
        carriers.append((settings, loaded or script_from(script)))
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


def secret_from(variable: str, environment: Mapping[str, str]) -> str:
    """Return a secret from the environment; raises InvalidInput naming the variable."""
    secret = environment.get(variable, "")
    if not secret:
        raise InvalidInput("no_secret", f"{variable} is not set", field=variable)
    return secret


def parse(arguments: Sequence[str], environment: Mapping[str, str]) -> SimulationSettings:
    """Read the command line; raises InvalidInput, or SystemExit as argparse does."""
    parser = argparse.ArgumentParser(
        prog="python -m assent.carrier.simulator", description="A carrier to rehearse against."
    )
    parser.add_argument("--config", type=Path, help="several carriers, see docs/simulator.md")
    parser.add_argument("--name", default="mobile")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--user", default="900001", help="Source_Addr of the account, 6 digits")
    parser.add_argument("--secret-env", default="ASSENT_SIMULATOR_SECRET", metavar="NAME")
    parser.add_argument("--version", default="3.0", choices=("2.0", "3.0"))
    parser.add_argument("--script", type=Path, help="TOML or JSON")
    parser.add_argument("--records", type=Path, help="record every PDU, one JSON object a line")
    parser.add_argument("--seed", type=int, help="changes every number drawn")
    parser.add_argument("--control-port", type=int, help="loopback; 0 takes a free one")
    parser.add_argument("--with-parent", action="store_true", help="end when the parent ends")
    given = parser.parse_args(arguments)
    if given.config is not None:
        base = settings_from_file(given.config, environment)
    else:
        carrier = CarrierSettings(
            name=given.name,
            accounts={given.user: secret_from(given.secret_env, environment)},
            host=given.host,
            port=given.port,
            version=0x20 if given.version == "2.0" else 0x30,
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
