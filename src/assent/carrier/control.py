"""Changing simulated carriers from outside: one JSON object a line, on a loopback port.

`{"do": "send_mo", "carrier": "mobile", "source": "138…", "destination": "1069…", "text": "TD"}`
is answered with `{"ok": true, …}` or `{"ok": false, "error": …}`. Without `carrier` a command
goes to every carrier. docs/simulator.md lists the commands.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from assent.carrier.mms_centre import MmsCentre
from assent.carrier.script import script_from
from assent.carrier.simulator import Simulator
from assent.errors import AssentError, InvalidInput

Simulated = Simulator | MmsCentre
Command = Callable[[Simulated, dict[str, Any]], Any]

COMMANDS: Final[Mapping[str, tuple[Command, frozenset[str]]]] = {
    "status": (lambda simulator, _: simulator.status(), frozenset()),
    "script": (
        lambda simulator, given: simulator.set_script(script_from(given["script"])),
        frozenset({"script"}),
    ),
    "change": (lambda simulator, given: simulator.change(given["script"]), frozenset({"script"})),
    "silence": (lambda simulator, _: simulator.silence(), frozenset()),
    "speak": (lambda simulator, _: simulator.silence(False), frozenset()),
    "stall": (
        lambda simulator, given: simulator.stall(float(given["seconds"])),
        frozenset({"seconds"}),
    ),
    "half_open": (lambda simulator, _: simulator.half_open(), frozenset()),
    "cut": (lambda simulator, _: simulator.cut(), frozenset()),
    "disconnect": (lambda simulator, _: simulator.disconnect(), frozenset()),
    "send_mo": (
        lambda simulator, given: [
            str(identity)
            for identity in simulator.send_mo(
                str(given["source"]),
                str(given["destination"]),
                str(given["text"]),
                given.get("account"),
            )
        ],
        frozenset({"source", "destination", "text"}),
    ),
}
"""What can be done, and the fields it needs."""


def obey(simulators: Mapping[str, Simulated], given: Any) -> dict[str, Any]:
    """Do one command and return its answer; a bad one is answered, never raised."""
    try:
        name = str(given.get("do")) if isinstance(given, dict) else ""
        if name not in COMMANDS:
            raise InvalidInput("unknown_command", f"do is one of {', '.join(COMMANDS)}", field="do")
        command, needed = COMMANDS[name]
        for field in sorted(needed - given.keys()):
            raise InvalidInput("missing_field", f"{name} needs {field}", field=field)
        chosen = given.get("carrier")
        if chosen is not None and chosen not in simulators:
            raise InvalidInput("unknown_carrier", "no such carrier", field="carrier")
        results = {
            simulator_name: command(simulator, given)
            for simulator_name, simulator in simulators.items()
            if chosen in (None, simulator_name)
        }
    except (AssentError, TypeError, ValueError) as error:
        return {"ok": False, "error": str(error), "code": getattr(error, "code", "bad_value")}
    return {"ok": True, "carriers": results}


async def serve_control(
    simulators: Mapping[str, Simulated], port: int = 0
) -> tuple[asyncio.Server, int]:
    """Listen for commands on the loopback address; return the server and its port."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                try:
                    given = json.loads(line)
                except ValueError:
                    given = None
                writer.write(json.dumps(obey(simulators, given)).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):
            pass  # the other side went away, or its line has no end
        finally:
            writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", port)
    return server, server.sockets[0].getsockname()[1]
