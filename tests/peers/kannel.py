"""Kannel (bearerbox and smsbox) as a customer: what it is told, what it hears over HTTP.

Everything is bound to the loopback. `Web` is the customer's own HTTP server, which Kannel calls
with delivery reports and with messages from people."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.carrier.conftest import until
from tests.flow.installation import free_port
from tests.peers.installed import program

START_S = 60.0

CONFIGURATION = """
group = core
admin-port = {admin}
admin-interface = 127.0.0.1
admin-password = admin
admin-deny-ip = "*.*.*.*"
admin-allow-ip = "127.0.0.1"
smsbox-port = {boxes}
smsbox-interface = 127.0.0.1
box-deny-ip = "*.*.*.*"
box-allow-ip = "127.0.0.1"
dlr-storage = internal
log-file = "{directory}/bearerbox.log"
log-level = 1

group = smsc
smsc = smpp
smsc-id = assent
host = 127.0.0.1
port = {server}
transceiver-mode = true
smsc-username = "{user}"
smsc-password = "{secret}"
system-type = ""
reconnect-delay = 1
enquire-link-interval = 5

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-interface = 127.0.0.1
sendsms-port = {sendsms}
log-file = "{directory}/smsbox.log"
log-level = 1

group = sendsms-user
username = shop
password = shop
max-messages = 10
concatenation = true

group = sms-service
keyword = default
catch-all = true
get-url = "{web}/mo?from=%p&to=%P&text=%b&coding=%c"
max-messages = 0
"""


class Web:
    """Remembers the queries of what it is asked; answers each with nothing."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, str]]] = []
        self._writers: list[asyncio.StreamWriter] = []

    async def start(self) -> str:
        """Listen; return the address."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                target = urlsplit(head.split(b" ", 2)[1].decode("ascii"))
                values = parse_qs(target.query, keep_blank_values=True, encoding="latin-1")
                self.asked.append((target.path, {key: some[0] for key, some in values.items()}))
                writer.write(
                    b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 0\r\n\r\n"
                )
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass  # Kannel has said what it had to say
        finally:
            writer.close()

    def of(self, path: str) -> list[dict[str, str]]:
        return [values for asked, values in self.asked if asked == path]

    async def stop(self) -> None:
        self._server.close()
        for writer in self._writers:
            writer.close()
        await asyncio.sleep(0)


class Kannel:
    """Both boxes. `start` returns when smsbox takes messages; the bind may come later."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.web = Web()
        self.sendsms = 0
        self._boxes: list[asyncio.subprocess.Process] = []

    async def start(self, server: int, user: str, secret: str) -> None:
        self.address = await self.web.start()
        self.sendsms = free_port()
        configuration = self.directory / "kannel.conf"
        said = CONFIGURATION.format(
            admin=free_port(), boxes=free_port(), directory=self.directory, server=server,
            user=user, secret=secret, sendsms=self.sendsms, web=self.address,
        )  # fmt: skip
        configuration.write_text(said, "utf-8")
        for box in ("bearerbox", "smsbox"):
            path = program(box)
            assert path is not None
            with (self.directory / f"{box}.out").open("wb") as out:
                self._boxes.append(
                    await asyncio.create_subprocess_exec(
                        *(path, "-v", "4", str(configuration)), stdout=out, stderr=out
                    )
                )
            await until(self._listens(box), START_S)

    def _listens(self, box: str) -> Callable[[], bool]:
        words = {"bearerbox": "MAIN: Start-up done", "smsbox": "Connected to bearerbox"}[box]

        def so() -> bool:
            return words in self.said(box)

        return so

    def said(self, box: str) -> str:
        """What a box has logged."""
        found = ""
        for name in (f"{box}.log", f"{box}.out"):
            path = self.directory / name
            found += path.read_text("utf-8", "replace") if path.exists() else ""
        return found

    async def send(self, text: str, to: str, source: str) -> int:
        """Ask smsbox to send a text in UCS-2 with reports wanted; return the HTTP status."""
        asked = urlencode(
            {
                "username": "shop", "password": "shop", "from": source, "to": to, "text": text,
                "coding": 2, "charset": "UTF-8", "dlr-mask": 31,
                "dlr-url": f"{self.address}/dlr?state=%d&to=%p&id=%F&said=%A",
            }
        )  # fmt: skip
        reader, writer = await asyncio.open_connection("127.0.0.1", self.sendsms)
        writer.write(
            f"GET /cgi-bin/sendsms?{asked} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            .encode()
        )  # fmt: skip
        line = await reader.readline()
        writer.close()
        return int(line.split()[1])

    async def stop(self) -> None:
        for box in reversed(self._boxes):
            if box.returncode is None:
                box.kill()
            await box.wait()
        await self.web.stop()
