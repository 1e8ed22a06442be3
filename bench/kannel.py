"""Kannel (Debian's package `kannel`) as a benchmark's peer: bearerbox, smsbox, a store file."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final
from urllib.parse import quote

from bench import programs
from bench.peers import Peer

_READY_S: Final = 20.0
_PATH: Final = "/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin"
_CONFIGURATION: Final = """\
group = core
admin-port = {admin}
admin-interface = "127.0.0.1"
admin-password = bench
admin-allow-ip = "127.0.0.1"
smsbox-port = {box}
smsbox-interface = "127.0.0.1"
box-allow-ip = "127.0.0.1"
log-file = "{place}/bearerbox.log"
log-level = 3
sms-incoming-queue-limit = -1
store-type = file
store-location = "{place}/store"

group = smsc
smsc = smpp
smsc-id = sink
host = 127.0.0.1
port = {sink}
transceiver-mode = true
smsc-username = bench
smsc-password = none
system-type = ""
max-pending-submits = 100

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = {http}
sendsms-interface = "127.0.0.1"
log-file = "{place}/smsbox.log"
log-level = 3

group = sendsms-user
username = bench
password = bench
max-messages = 1

group = sms-service
keyword = default
text = "none"
"""


def missing() -> str:
    """Return what is not there; "" when nothing is."""
    there = all(shutil.which(name, path=_PATH) for name in ("bearerbox", "smsbox"))
    return "" if there else "bearerbox or smsbox is not installed"


@asynccontextmanager
async def running(directory: Path, sink: int, text: str) -> AsyncIterator[Peer]:
    """Start it with one link to a sink; `text` is what each request sends."""
    place = directory / "kannel"
    place.mkdir()
    admin, box, http = programs.free_ports(3)
    path = place / "kannel.conf"
    path.write_text(_CONFIGURATION.format(admin=admin, box=box, http=http, sink=sink, place=place))
    programs_of = {}
    try:
        for name, port in (("bearerbox", box), ("smsbox", http)):
            command = shutil.which(name, path=_PATH)
            assert command is not None, "looked for before"
            process = await programs.start(command, str(path), log=place / f"{name}.out")
            programs_of[name] = process
            await programs.listening(port, process, _READY_S)
        query = "username=bench&password=bench&from=106900003&to=$TO&coding=2&charset=UTF-8"
        query += f"&text={quote(text)}"
        request = f"GET /cgi-bin/sendsms?{query} HTTP/1.1\r\nHost: bench\r\n\r\n"
        pids = {name: process.pid for name, process in programs_of.items()}
        yield Peer("Kannel", http, request, 202, "Accepted", pids)
    finally:
        for process in reversed(programs_of.values()):
            await programs.stop(process)
