"""The part of a node that keeps the ledger's tree: sealing, witnesses, evidence."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import httpx
import msgspec
import structlog

from assent.app.beside import Beside
from assent.app.links import wrong
from assent.app.people import tidings_of
from assent.clock import Clock
from assent.consent.entry import Origin
from assent.consent.note import KeyKind, PublicKey, SigningKey
from assent.errors import InvalidInput, Unavailable
from assent.flow import steering
from assent.flow.catalogue import Catalogue
from assent.flow.evidence import Gathering
from assent.flow.journal import RefusalJournal
from assent.flow.ledger_key import open_key
from assent.flow.mails import witness_missing
from assent.flow.needs import Queries
from assent.flow.people import Directory
from assent.flow.rollback import Guard, tell_staff
from assent.flow.sealing import Sealer
from assent.flow.settings_log import KEYWORDS, LINKS, RULEBOOK, canonical, note_settings
from assent.flow.witnessing import PATIENCE_S, Witness, Witnessing

if TYPE_CHECKING:
    from assent.app.node import Node
    from assent.app.settings import Settings
    from assent.app.vaults import FileVault
    from assent.text.keyword_sets import KeywordSets

_PATIENCE_S = 10.0
_AT_START_S: Final = 5.0
SEALING: Final = ("bulk", "all")
"""Roles that seal and ask witnesses."""
log = structlog.get_logger("assent")


class WitnessFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A witness: its public key (NAME+ID+KEY) and the address of its `add-checkpoint`."""

    key: str
    url: str


class LedgerFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The consent ledger. `origin`: its name, for ever; made up at the first start where none is
    given. `witnesses`: who cosigns it; without any it is unwitnessed, and every bundle says so;
    `unwitnessed`: that this is meant.
    `journal_dir`: where refusals and the last checkpoint are kept beside the database, by default
    `ledger` beside the vault's file; `journal_days`: for how long refusals are."""

    origin: str = ""
    journal_dir: str = ""
    journal_days: int = 100
    unwitnessed: bool = False
    witnesses: list[WitnessFile] = msgspec.field(default_factory=list)

    def party(self) -> list[Witness]:
        """Return the witnesses. Raises InvalidInput."""
        if self.unwitnessed and self.witnesses:
            raise wrong("ledger.unwitnessed", "there are witnesses", "remove one of the two")
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
        self._node = node
        self.origin = origin
        self.keys = [signer.public, *(witness.key for witness in party)]
        self.beside = beside_of(node.settings.ledger, node.vault, signer, node.role, node.clock)
        self.guard = Guard(
            node.store, node.clock, self.beside.head, self.beside.keep, tidings_of(node)
        )
        self.sealer = Sealer(
            node.store, node.clock, signer, origin, secrets.token_bytes, sealed=self.guard.sealed
        )
        self.witnessing = Witnessing(
            node.store, node.clock, party, post, differs=self.guard.notice, missing=self._missing
        )
        self.gathering = Gathering(node.store, node.clock, signer, self.keys, not party)
        self.journal: RefusalJournal | None = None
        self._witnessed = bool(party)

    @classmethod
    async def open(cls, node: Node) -> Ledger:
        """Return the ledger of a node. Raises InvalidInput for settings that cannot be."""
        settings, now = node.settings.ledger, node.clock.now()
        key = await open_key(node.store, node.vault, secrets.token_bytes, now, settings.origin)
        return cls(node, *key)

    async def look(self) -> None:
        """Find out whether the ledger is the one that was, before anything may leave: from our own
        file, and from the witnesses as far as they answer at once. Raises InvalidInput for files
        beside the database that cannot be used."""
        self.beside.make()
        known = self.beside.head() is not None
        await self.guard.check()
        if not self._witnessed and not self._node.settings.ledger.unwitnessed:
            log.warning("ledger_unwitnessed", mend="name witnesses, or set ledger.unwitnessed")
        if not self._witnessed or self._node.role not in SEALING:
            return
        answers = 0
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_AT_START_S):
                answers = await self.witnessing.round()
        if not known and not answers and not self.witnessing.differing:
            await self.guard.doubt()

    def keeper(self, directory: Directory, catalogue: Catalogue) -> RefusalJournal:
        """Return what keeps refusals a second time."""
        self.journal = RefusalJournal(self._node.vault, directory, catalogue, self.beside.write)
        return self.journal

    async def note_settings(
        self, origin: Origin = Origin.PLATFORM, settings: Settings | None = None
    ) -> None:
        """Write down which rulebook, keywords, links (of `settings`, if given) and screening are in
        force, where that changed."""
        node = self._node
        documents = {
            RULEBOOK: node.rulebook.canonical,
            KEYWORDS: keywords_document(node.words),
            LINKS: await links_document(node.store, settings or node.fleet.settings),
            **node.screening.documents(),
        }
        await note_settings(node.store, documents, node.clock.now(), origin)
        self.sealer.wake()

    def run(self, start: Callable[[Coroutine[Any, Any, None], str], None]) -> None:
        """Start the tasks."""
        start(self.sealer.run(), "sealing")
        if self._witnessed:
            start(self._witness(), "witnessing")

    async def _witness(self) -> None:
        """Have it witnessed, and end a doubt once a witness said that all is well."""
        self.witnessing.agrees = self.guard.confirmed
        await self.witnessing.run()

    def stop(self) -> None:
        """End them."""
        self.sealer.stop()
        self.witnessing.stop()

    async def _missing(self, seconds: float) -> None:
        log.error("witness_missing", seconds=round(seconds))
        async with self._node.store.transaction() as tx:
            await tell_staff(tx, tidings_of(self._node), witness_missing(seconds))

    def report(self) -> dict[str, Any]:
        """Return figures; no personal data."""
        witnessing, journal = self.witnessing, self.journal
        seals = self._node.role in SEALING
        return {
            "size": self.sealer.head.size,
            "sealed": self.sealer.sealed,
            "witnesses": len(self.keys) - 1,
            "witness_errors": dict(witnessing.errors),
            "witnessed": witnessing.witnessed.size,
            "witness_missing_seconds": round(witnessing.missing_s()) if seals else 0,
            "witness_missing": seals and witnessing.missing_s() > PATIENCE_S,
            "held": self._node.catalogue.ledger_held,
            "journal_kept": 0 if journal is None else journal.kept,
            "journal_lost": 0 if journal is None else journal.lost,
        }

    def errors(self) -> list[tuple[str, str]]:
        """Return what failed last, by part."""
        journal = "" if self.journal is None else self.journal.last_error
        return [
            ("sealing", self.sealer.last_error),
            ("head", self.guard.last_error),
            ("journal", journal),
        ]


def beside_of(
    file: LedgerFile, vault: FileVault, signer: SigningKey, role: str, clock: Clock
) -> Beside:
    """Return the files of a ledger beside its database."""
    directory = Path(file.journal_dir) if file.journal_dir else vault.path.parent / "ledger"
    return Beside(directory, signer.public, role, clock, file.journal_days)


def keywords_document(words: KeywordSets) -> bytes:
    """Return the sets of keywords in force, and who chose which, as a canonical document."""
    sets = {name: json.loads(one.canonical) for name, one in words.sets.items()}
    return canonical(
        {
            "version": words.version,
            "sets": sets,
            "countries": dict(words.countries),
            "carriers": dict(words.by_carrier),
            "ports": dict(words.by_port),
        }
    )


async def links_document(queries: Queries, settings: Settings) -> bytes:
    """Return what is in force of links, as a canonical document: names, kinds, who they reach and
    what staff ordered, and a digest of all else that the file says. No secret is in it."""
    carriers = [
        {
            "name": carrier.name,
            "networks": carrier.networks,
            "channel": carrier.channel,
            "fallback": carrier.fallback,
            "links": [{"dialect": link.dialect, "schedule": link.schedule, "weight": link.weight,
                       "standby": link.standby} for link in carrier.links],
        }
        for carrier in settings.carriers
    ]  # fmt: skip
    document = {
        "carriers": carriers, "orders": await steering.orders(queries), "file": settings.mark()
    }  # fmt: skip
    built: dict[str, Any] = msgspec.to_builtins(document)
    return canonical(built)


async def post(url: str, body: str) -> tuple[int, str]:
    """Ask a witness; see :data:`assent.flow.witnessing.Post`."""
    try:
        async with httpx.AsyncClient(timeout=_PATIENCE_S, trust_env=False) as client:
            answer = await client.post(url, content=body.encode())
    except httpx.HTTPError:
        raise Unavailable("witness_away", "the witness does not answer") from None
    return answer.status_code, answer.text
