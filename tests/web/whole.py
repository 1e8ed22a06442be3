"""The whole platform behind its API: a node, carriers on sockets, two customers and the operator,
each with people. For tests that walk every route."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import msgspec

from assent.app.http import serve
from assent.app.mail import MailFile
from assent.clock import SystemClock
from assent.flow.keys import OFFICE, SCOPES, USUAL, make_key
from assent.flow.needs import utc
from assent.flow.roles import head_of
from tests.flow.conftest import PROMPT, Platform, noon_offset, register

CHANGES_BY_ITSELF = frozenset({
    "actor_session", "throttle", "process_health", "epoch", "cursor", "mail_out", "pdu_seen",
    "warning_hour", "warning_sketch",
    "text_print", "text_use", "graph_node", "graph_edge",  # what orders share is drawn beside them
    "written_to", "written_segment", "probe_range", "template_screening",
    "page_scan", "page", "page_use", "complaint_reading",
    "rollup_hour", "rollup_failure", "rollup_batch", "rollup_refusal", "rollup_complaint",
})  # fmt: skip


@dataclass
class Whole:
    """The platform, its address, and people. `people`: account → actor id of its head."""

    platform: Platform
    url: str
    people: dict[str, int] = field(default_factory=dict)

    @property
    def gate(self) -> Any:
        people = self.platform.node.people
        assert people is not None
        return people.gate

    def account(self, name: str) -> int:
        accounts = self.platform.node.catalogue.accounts.values()
        return next(account.id for account in accounts if account.name == name)

    async def session(self, name: str, *, factor: bool = True) -> str:
        """Begin a session of an account's head, as a login would."""
        return str(
            await self.gate.sessions.begin(
                self.platform.node.store, self.people[name], self.account(name), factor=factor,
                network="127.0.0.1",
            )
        )  # fmt: skip

    async def key(self, name: str, scopes: frozenset[str] | None = None) -> str:
        """Make a key that may whatever an account of its kind may."""
        node = self.platform.node
        kind = node.catalogue.accounts[self.account(name)].kind
        usual = SCOPES if kind == "operator" else USUAL | OFFICE
        return await make_key(
            node.store, self.account(name), sorted(usual if scopes is None else scopes),
            sandbox=False, random=secrets.token_bytes(24), at=node.clock.now(),
        )  # fmt: skip

    async def person(self, name: str) -> None:
        """Give an account somebody who decides."""
        node = self.platform.node
        account = node.catalogue.accounts[self.account(name)]
        now = utc(node.clock.now())
        email = f"head@{name}.example"
        actor = await node.store.fetchval("actor_insert", email, name, "$argon2id$no", now)
        await node.store.execute("roles_put", account.id, actor, [head_of(account.kind)], now)
        await node.store.execute(
            "actor_totp", actor, node.vault.seal(bytes(20), f"actor.totp/{actor}")
        )
        sealed = await self.platform.value("SELECT totp_sealed FROM actor WHERE id = $1", actor)
        await node.store.fetchval("actor_totp_on", actor, now, 0, sealed)
        self.people[name] = actor

    async def state(self) -> dict[str, str]:
        """Return a digest of every table that changes only when somebody does something."""
        tables = await self.platform.sql(
            "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
            " WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
        )
        names = [row["relname"] for row in tables if row["relname"] not in CHANGES_BY_ITSELF]
        digests = await self.platform.sql(
            " UNION ALL ".join(
                f"SELECT '{name}' AS name, coalesce(md5(string_agg(md5(t::text), ''"
                f" ORDER BY md5(t::text))), '') AS digest FROM \"{name}\" t"
                for name in names
            )
        )
        return {row["name"]: row["digest"] for row in digests}

    async def document(self) -> dict[str, Any]:
        """Return the OpenAPI document."""
        async with httpx.AsyncClient(base_url=self.url) as client:
            return dict((await client.get("/openapi.json")).json())


@asynccontextmanager
async def whole(
    url: str, directory: Path, script: dict[str, Any] | None = None
) -> AsyncIterator[Whole]:
    """Start everything and stop it in order."""
    platform = Platform(url, directory, SystemClock(noon_offset()))
    await platform.start(script or PROMPT)
    try:
        platform.settings.mail = MailFile(
            directory=str(directory / "mail"), sender="no-reply@platform.example"
        )
        platform.settings.http = msgspec.structs.replace(
            platform.settings.http, port=0, open_rate=1e6, key_rate=1e6
        )
        await platform.file(register())
        node = await platform.start_node()
        server = await serve(node)
        try:
            one = Whole(platform, f"http://127.0.0.1:{server.port}")
            for name in ("account1", "account2", "operator"):
                await one.person(name)
            yield one
        finally:
            await server.stop()
            await node.stop()
    finally:
        await platform.stop()
