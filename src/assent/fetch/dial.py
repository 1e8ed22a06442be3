"""Connections to the outside, and to nothing else.

The address that is checked is the one that is connected to: a name is resolved once, every address
it has is checked, and the connection goes to one of those addresses, not to the name. So a resolver
that answers something else the second time changes nothing. The name is used for SNI, for the
certificate and in the Host header. Resolver and connector are arguments; nothing skips the checks.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import dataclass
from typing import Protocol

from assent.fetch.addresses import refused
from assent.fetch.urls import Target, Unfit

__all__ = ["Connection", "Connector", "Dialer", "Failed", "Resolver", "Sockets", "SystemResolver"]


class Failed(Exception):
    """The other side did not answer as it should. `why`: a stable word."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class Resolver(Protocol):
    """Names → addresses."""

    async def resolve(self, host: str) -> list[str]:
        """Return the addresses of a name, in the order in which to try them. Raises OSError."""


class Connector(Protocol):
    """Addresses → connections."""

    async def connect(
        self, address: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect over TCP. Raises OSError."""


class SystemResolver:
    """What the system knows of names."""

    async def resolve(self, host: str) -> list[str]:
        """Ask the system."""
        loop = asyncio.get_running_loop()
        rows = await loop.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        return list(dict.fromkeys(str(row[4][0]) for row in rows))


class Sockets:
    """TCP. The address is numeric, so nothing is resolved here."""

    async def connect(
        self, address: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Connect; the other end has to be who was called."""
        reader, writer = await asyncio.open_connection(
            address, port, flags=socket.AI_NUMERICHOST, limit=1 << 16
        )
        peer = writer.get_extra_info("peername")
        if refused(str(peer[0])):  # the system went elsewhere: a proxy, a rule of its own
            writer.transport.abort()
            raise OSError("connected to an inside address")
        return reader, writer


@dataclass(frozen=True, slots=True)
class Connection:
    """An open connection and whom it leads to."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    address: str

    def close(self) -> None:
        """Drop it at once; nothing more is wanted of it."""
        self.writer.transport.abort()


class Dialer:
    """Connects to targets. `trust`: whose certificates are taken; the system's by default."""

    def __init__(
        self, resolver: Resolver, connector: Connector, trust: ssl.SSLContext | None = None
    ) -> None:
        self._resolver = resolver
        self._connector = connector
        self._trust = trust or ssl.create_default_context()

    async def dial(self, target: Target) -> Connection:
        """Connect to a target. Raises Unfit where it leads to the inside, Failed where nobody
        answers or the certificate is not the name's."""
        addresses = await self._addresses(target)
        for address in addresses:
            # One inside address among others is what a rebinding name looks like: all of it is out.
            why = refused(address)
            if why is not None:
                raise Unfit(f"inside_{why}" if why != "not_an_address" else "bad_host")
        failure = "not_resolved"
        for address in addresses[:3]:
            try:
                reader, writer = await self._connector.connect(address, target.port)
            except OSError:
                failure = "not_connected"
                continue
            connection = Connection(reader, writer, address)
            if target.tls:
                await self._secure(connection, target)
            return connection
        raise Failed(failure)

    async def _addresses(self, target: Target) -> list[str]:
        if target.address:
            return [target.address]
        try:
            return await self._resolver.resolve(target.host)
        except (OSError, UnicodeError):
            raise Failed("not_resolved") from None

    async def _secure(self, connection: Connection, target: Target) -> None:
        try:
            await connection.writer.start_tls(self._trust, server_hostname=target.host)
        except ssl.SSLCertVerificationError:
            connection.close()
            raise Failed("bad_certificate") from None
        except (OSError, ssl.SSLError):
            connection.close()
            raise Failed("no_tls") from None
        except BaseException:
            connection.close()
            raise
