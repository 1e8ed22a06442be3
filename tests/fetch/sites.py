"""Local sites that stand for sites on the public internet, and a map of names and addresses.

The map is what tests inject: names resolve to public addresses, and a connection to a public
address (checked like any) ends at a local server. Nothing else differs from the real fetcher.
"""

from __future__ import annotations

import asyncio
import datetime
import gzip
import json
import shutil
import ssl
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from assent.fetch.dial import Dialer
from assent.fetch.walk import Limits, Walker

Answering = Callable[[str, dict[str, str], asyncio.StreamWriter], Awaitable[bytes | None]]
PUBLIC = "93.184.215.14"


def page(body: str, status: str = "200 OK", **headers: str) -> bytes:
    """Return a whole answer with a page."""
    return answer(f"<!doctype html><html><body>{body}</body></html>".encode(), status, **headers)


def answer(body: bytes, status: str = "200 OK", **headers: str) -> bytes:
    """Return a whole answer."""
    told = {"content-type": "text/html; charset=utf-8", "content-length": str(len(body))}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in told.items() if value)
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


def moved(to: str, status: str = "302 Found") -> bytes:
    """Return a redirect."""
    return answer(b"", status, location=to)


def packed(body: bytes) -> bytes:
    """Return an answer whose body is packed."""
    return answer(gzip.compress(body), content_encoding="gzip")


class Site:
    """A local server. `pages`: path → answer, or a function of path, headers and writer."""

    def __init__(self, **pages: Any) -> None:
        self.pages: dict[str, Any] = {f"/{name}": told for name, told in pages.items()}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.port = 0
        self._server: asyncio.Server | None = None

    async def start(self, trust: ssl.SSLContext | None = None) -> Site:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=trust)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def stop(self) -> None:
        """Listen no more."""
        if self._server is not None:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            line, *rest = head.strip().split("\r\n")
            headers = {k.lower(): v.strip() for k, _, v in (one.partition(":") for one in rest)}
            path = line.split()[1]
            self.asked.append((path, headers))
            told = self.pages.get(path.partition("?")[0], self.pages.get("/*"))
            if callable(told):
                told = await told(path, headers, writer)
            if told is not None:
                writer.write(told if told is not ... else b"")
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()


class Names:
    """A resolver of tests: name → addresses, one list a question (the last again and again)."""

    def __init__(self, names: dict[str, list[list[str]]]) -> None:
        self.names = {host: list(lists) for host, lists in names.items()}
        self.asked: list[str] = []

    async def resolve(self, host: str) -> list[str]:
        self.asked.append(host)
        lists = self.names.get(host)
        if not lists:
            raise OSError("no such name")
        return lists.pop(0) if len(lists) > 1 else lists[0]


class Places:
    """A connector of tests: (public address, port) → local port. Connects nowhere else."""

    def __init__(self, places: dict[tuple[str, int], int]) -> None:
        self.places = places
        self.reached: list[tuple[str, int]] = []

    async def connect(
        self, address: str, port: int
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self.reached.append((address, port))
        if (address, port) not in self.places:
            raise ConnectionRefusedError(address)
        return await asyncio.open_connection("127.0.0.1", self.places[address, port])


class World:
    """Names, places and certificates together."""

    def __init__(self, trust: ssl.SSLContext | None = None) -> None:
        self.names = Names({})
        self.places = Places({})
        self.trust = trust
        self.sites: list[Site] = []
        self.directory: Path | None = None

    async def put(
        self, host: str, site: Site, address: str = PUBLIC, tls: ssl.SSLContext | None = None
    ) -> Site:
        """Have a name lead to a site."""
        if not site.port:
            await site.start(tls)
            self.sites.append(site)
        self.names.names[host] = [[address]]
        self.places.places[address, 443 if tls else 80] = site.port
        return site

    def walker(self, limits: Limits | None = None) -> Walker:
        """Return a fetcher without its process."""
        return Walker(Dialer(self.names, self.places, self.trust), limits)

    def command(self, authority: Path | None = None) -> tuple[str, ...]:
        """Return the command of a fetcher process in this world. What it maps is read again for
        each connection, so that a test may change it."""
        self.write()
        return (
            sys.executable,
            "-m",
            "tests.fetch.mapped_child",
            str(self.file),
            str(authority or ""),
        )

    @property
    def file(self) -> Path:
        """What the process reads, where it may: it has given up the rights of who started it."""
        if self.directory is None:
            self.directory = Path(tempfile.mkdtemp(prefix="assent-test-world-"))
            self.directory.chmod(0o711)
        return self.directory / "world.json"

    def write(self) -> None:
        """Tell the process where everything is now."""
        places = [[*place, port] for place, port in self.places.places.items()]
        new = self.file.with_suffix(".new")
        new.write_text(json.dumps({"names": self.names.names, "places": places}))
        new.chmod(0o644)
        new.replace(self.file)

    async def stop(self) -> None:
        for site in self.sites:
            await site.stop()
        if self.directory is not None:
            shutil.rmtree(self.directory)


def authority(directory: Path, *hosts: str) -> tuple[ssl.SSLContext, ssl.SSLContext, Path]:
    """Return what a server for some hosts shows, what trusts its authority, and that's file."""
    now = datetime.datetime.now(datetime.UTC)
    days = datetime.timedelta(days=2)

    def named(name: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])

    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    base = x509.CertificateBuilder().not_valid_before(now - days).not_valid_after(now + days)
    root = (
        base.subject_name(named("test root")).issuer_name(named("test root"))
        .public_key(root_key.public_key()).serial_number(1)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(root_key.public_key()), False)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True, key_cert_sign=True, crl_sign=True, content_commitment=False,
                key_encipherment=False, data_encipherment=False, key_agreement=False,
                encipher_only=False, decipher_only=False,
            ), critical=True,
        ).sign(root_key, hashes.SHA256())
    )  # fmt: skip
    leaf = (
        base.subject_name(named(hosts[0])).issuer_name(named("test root"))
        .public_key(key.public_key()).serial_number(2)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in hosts]), False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(root_key.public_key()), False
        )
        .sign(root_key, hashes.SHA256())
    )  # fmt: skip
    pem, trusted = directory / f"{hosts[0]}.pem", directory / f"{hosts[0]}-root.pem"
    octets = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(octets + leaf.public_bytes(serialization.Encoding.PEM))
    trusted.write_bytes(root.public_bytes(serialization.Encoding.PEM))
    shown = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    shown.load_cert_chain(pem)
    trust = ssl.create_default_context()
    trust.load_verify_locations(trusted)
    return shown, trust, trusted
