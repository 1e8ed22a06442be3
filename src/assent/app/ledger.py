"""The part of a node that keeps the ledger's tree: sealing, witnesses, evidence."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

import httpx
import msgspec

from assent.app.links import wrong
from assent.consent.note import KeyKind, PublicKey, SigningKey
from assent.errors import InvalidInput, Unavailable
from assent.flow.evidence import Gathering
from assent.flow.ledger_key import open_key
from assent.flow.sealing import Sealer
from assent.flow.witnessing import Witness, Witnessing

if TYPE_CHECKING:
    from assent.app.node import Node

_PATIENCE_S = 10.0


class WitnessFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A witness: its public key (NAME+ID+KEY) and the address of its `add-checkpoint`."""

    key: str
    url: str


class LedgerFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The consent ledger. `origin`: its name, for ever; made up at the first start where none is
    given. `witnesses`: who cosigns it; without any it is unwitnessed, and every bundle says so."""

    origin: str = ""
    witnesses: list[WitnessFile] = msgspec.field(default_factory=list)

    def party(self) -> list[Witness]:
        """Return the witnesses. Raises InvalidInput."""
        found = []
        for place, file in enumerate(self.witnesses):
            field = f"ledger.witnesses[{place}]"
            try:
                key = PublicKey.parse(file.key)
            except InvalidInput as error:
                raise wrong(f"{field}.key", error.message, "write NAME+ID+KEY") from None
            if key.kind is not KeyKind.COSIGNATURE:
                raise wrong(f"{field}.key", "it is a log's key", "name the witness's own")
            if not file.url.startswith(("http://", "https://")):
                raise wrong(f"{field}.url", "no address", "write https://HOST/add-checkpoint")
            found.append(Witness(key, file.url))
        return found


class Ledger:
    """Made by :meth:`open`; the node runs its tasks where campaigns run."""

    def __init__(self, node: Node, origin: str, signer: SigningKey) -> None:
        party = node.settings.ledger.party()
        self.origin = origin
        self.keys = [signer.public, *(witness.key for witness in party)]
        self.sealer = Sealer(node.store, node.clock, signer, origin, secrets.token_bytes)
        self.witnessing = Witnessing(node.store, node.clock, party, post)
        self.gathering = Gathering(node.store, node.clock, signer, self.keys)
        self._witnessed = bool(party)

    @classmethod
    async def open(cls, node: Node) -> Ledger:
        """Return the ledger of a node. Raises InvalidInput for settings that cannot be."""
        settings, now = node.settings.ledger, node.clock.now()
        key = await open_key(node.store, node.vault, secrets.token_bytes, now, settings.origin)
        return cls(node, *key)

    def run(self, start: Callable[[Coroutine[Any, Any, None], str], None]) -> None:
        """Start the tasks."""
        start(self.sealer.run(), "sealing")
        if self._witnessed:
            start(self.witnessing.run(), "witnessing")

    def stop(self) -> None:
        """End them."""
        self.sealer.stop()
        self.witnessing.stop()

    def report(self) -> dict[str, Any]:
        """Return figures; no personal data."""
        return {
            "size": self.sealer.head.size,
            "sealed": self.sealer.sealed,
            "witnesses": len(self.keys) - 1,
            "witness_errors": dict(self.witnessing.errors),
        }


async def post(url: str, body: str) -> tuple[int, str]:
    """Ask a witness; see :data:`assent.flow.witnessing.Post`."""
    try:
        async with httpx.AsyncClient(timeout=_PATIENCE_S, trust_env=False) as client:
            answer = await client.post(url, content=body.encode())
    except httpx.HTTPError:
        raise Unavailable("witness_away", "the witness does not answer") from None
    return answer.status_code, answer.text
