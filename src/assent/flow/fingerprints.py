"""Exchange of fingerprints with other platforms: what leaves, what is taken, from whom, and back.

What leaves tells of texts that several accounts of different owners used, or that were turned down
here; never who, never to whom, never the text (docs/screening-near.md says what a holder can test).
What comes is taken from platforms whose keys an administrator entered, kept with its source, and
can be withdrawn. It decides nothing by itself: a reviewer sees it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from assent.clock import Clock
from assent.consent.note import KeyKind, PublicKey, SigningKey
from assent.errors import Conflict, InvalidInput, NotFound
from assent.flow.catalogue import Catalogue
from assent.flow.fingerprint_file import (
    MOST_ROWS,
    Fingerprint,
    named,
    read,
    rounded,
    written,
)
from assent.flow.near_requests import (
    FingerprintExport,
    FingerprintImport,
    FingerprintPeer,
    FingerprintWithdrawal,
)
from assent.flow.needs import Store, utc
from assent.flow.requests import Caller
from assent.flow.staff import check_staff, keep_act
from assent.flow.vault import Vault
from assent.registry.calendar import day_of

LEAST: Final = 3
"""Accounts of different owners that must have used a text before it is told, where nobody asks for
more; fewer are never told."""
LETTERS: Final = 20
"""Shorter texts are told to nobody: what is so short can be found by trying."""

_SEED: Final = 32
_DAY_S: Final = 86_400.0
_SUFFIX: Final = "/fingerprints"


class Fingerprints:
    """`origin`: the installation's name, that of its ledger; its key's is NAME/fingerprints."""

    def __init__(
        self, store: Store, clock: Clock, catalogue: Catalogue, vault: Vault,
        random: Callable[[int], bytes], origin: str,
    ) -> None:  # fmt: skip
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._vault = vault
        self._random = random
        self._origin = origin

    async def export(self, caller: Caller, request: FingerprintExport) -> dict[str, Any]:
        """Return a signed file; that it was made is written down."""
        check_staff(self._catalogue, caller)
        now = self._clock.now()
        key = await self._key(now)
        least = max(LEAST, request.least)
        since = utc(now - request.days * _DAY_S)
        found = await self._store.fetch("fingerprints_ours", since, least, LETTERS)
        rows = [
            Fingerprint(
                bytes(row["signature"]), row["category"], day_of(row["first_at"].timestamp()),
                day_of(row["last_at"].timestamp()), rounded(row["uses"]), row["refused"],
            )
            for row in found
            if request.category in (None, row["category"])
        ]  # fmt: skip
        if len(rows) > MOST_ROWS:
            raise InvalidInput(
                "fingerprints_many", f"{len(rows)} texts; a file may have {MOST_ROWS}",
                field="days", rule="screening: fingerprints",
                mend="ask for fewer days, more accounts or one category",
            )  # fmt: skip
        file = written(key, day_of(now), rows)
        digest = sha256(file.encode()).hexdigest()
        async with self._store.transaction() as tx:
            after = {"rows": len(rows), "least": least, "days": request.days, "sha256": digest}
            await keep_act(tx, caller, now, "fingerprints.export", digest[:16], {}, after)
        return {"key": str(key.public), "rows": len(rows), "sha256": digest, "file": file}

    async def take(self, caller: Caller, request: FingerprintImport) -> dict[str, Any]:
        """Take a file; the same again is the first one. Raises InvalidInput for a file that is not
        whole or of nobody known, Conflict for one that was withdrawn."""
        check_staff(self._catalogue, caller)
        now = self._clock.now()
        name = named(request.file)
        peers = {row["name"]: row for row in await self._store.fetch("fingerprint_peers")}
        if name not in peers:
            raise InvalidInput(
                "fingerprint_peer", "no key of this platform was entered", field="file",
                rule="screening: fingerprints", mend="enter its key first (fingerprints trust)",
            )  # fmt: skip
        told = read(request.file, PublicKey.parse(peers[name]["key"]))
        digest = sha256(request.file.encode()).digest()
        async with self._store.transaction() as tx:
            source = await tx.fetchval(
                "fingerprint_source_put", peers[name]["id"], digest, told.made, len(told.rows),
                utc(now),
            )  # fmt: skip
            if source is not None:
                columns = ("source_id", "signature", "category", "refused", "uses", "first_on",
                           "last_on")  # fmt: skip
                records = [
                    (source, row.signature, row.category, row.refused, row.uses, row.first,
                     row.last)
                    for row in told.rows
                ]  # fmt: skip
                await tx.copy("fingerprint", columns, records)
                after = {"platform": name, "rows": len(records), "made": told.made.isoformat()}
                about = f"fingerprint_source/{source}"
                await keep_act(tx, caller, now, "fingerprints.import", about, {}, after)
        return await self._taken(digest, name, new=source is not None)

    async def _taken(self, digest: bytes, name: str, *, new: bool) -> dict[str, Any]:
        row = await self._store.fetchrow("fingerprint_source_of", digest)
        assert row is not None
        if row["withdrawn_at"] is not None:
            raise Conflict(
                "fingerprints_withdrawn", "this file was taken and withdrawn", field="file",
                rule="screening: fingerprints", mend="ask the platform for a new one",
            )  # fmt: skip
        return {
            "id": str(row["id"]), "platform": name, "rows": row["rows"],
            "imported_at": row["imported_at"], "new": new,
        }  # fmt: skip

    async def withdraw(
        self, caller: Caller, source: int, request: FingerprintWithdrawal
    ) -> dict[str, Any]:
        """Have a file say nothing any more. Raises NotFound."""
        check_staff(self._catalogue, caller)
        now = self._clock.now()
        async with self._store.transaction() as tx:
            row = await tx.fetchrow("fingerprint_source_withdraw", source, utc(now), request.reason)
            if row is None:
                raise NotFound(
                    "no_source", "there is no such file, or it says nothing already", field="id",
                    rule="screening: fingerprints", mend="see GET /v1/fingerprints/sources",
                )  # fmt: skip
            await tx.execute("text_known_drop", source)
            after = {"withdrawn": True, "rows": row["rows"], "reason": request.reason}
            about = f"fingerprint_source/{source}"
            await keep_act(
                tx, caller, now, "fingerprints.withdraw", about, {"withdrawn": False}, after
            )
        return {"id": str(source), "withdrawn_at": datetime.fromtimestamp(now, UTC)}

    async def sources(self, caller: Caller, cursor: int, limit: int) -> dict[str, Any]:
        """Return the files that were taken, newest first."""
        check_staff(self._catalogue, caller)
        rows = await self._store.fetch("fingerprint_sources", cursor or (1 << 31) - 1, limit)
        return {
            "items": [
                {
                    "id": str(row["id"]), "platform": row["platform"], "made_on": row["made_on"],
                    "rows": row["rows"], "near_ours": row["known"],
                    "imported_at": row["imported_at"], "withdrawn_at": row["withdrawn_at"],
                    "reason": row["why"], "sha256": bytes(row["sha256"]).hex(),
                }
                for row in rows
            ],
            "cursor": str(rows[-1]["id"]) if len(rows) == limit else None,
        }  # fmt: skip

    # Keys --------------------------------------------------------------------------------------

    async def peers(self, caller: Caller) -> dict[str, Any]:
        """Return our key, for others, and the platforms whose files are taken."""
        check_staff(self._catalogue, caller)
        key = await self._key(self._clock.now())
        rows = await self._store.fetch("fingerprint_peers")
        items = [
            {"name": row["name"], "key": row["key"], "added_at": row["added_at"]} for row in rows
        ]
        return {"own": str(key.public), "items": items}

    async def trust(self, caller: Caller, request: FingerprintPeer) -> dict[str, Any]:
        """Enter a platform's key. Raises InvalidInput for no key, Conflict where the platform has
        another one."""
        check_staff(self._catalogue, caller)
        now = self._clock.now()
        key = PublicKey.parse(request.key)
        own = await self._key(now)
        if key.kind is not KeyKind.NOTE or key.octets == own.public.octets:
            raise InvalidInput(
                "fingerprint_key", "the key is our own, or signs something else", field="key",
                rule="screening: fingerprints", mend="enter what `fingerprints peers` shows there",
            )  # fmt: skip
        async with self._store.transaction() as tx:
            if await tx.fetchval("fingerprint_peer_put", key.name, str(key), utc(now)) is None:
                raise Conflict(
                    "fingerprint_peer_known", "a key of this name stands already", field="key",
                    rule="screening: fingerprints", mend="remove it first, if it is another one",
                )  # fmt: skip
            await keep_act(tx, caller, now, "fingerprints.trust", key.name, {}, {"key": str(key)})
        return {"name": key.name, "added_at": datetime.fromtimestamp(now, UTC)}

    async def distrust(self, caller: Caller, name: str) -> dict[str, Any]:
        """Take no more files of a platform; what was taken stays until it is withdrawn. Raises
        NotFound."""
        check_staff(self._catalogue, caller)
        now = self._clock.now()
        async with self._store.transaction() as tx:
            row = await tx.fetchrow("fingerprint_peer_remove", name, utc(now))
            if row is None:
                raise NotFound(
                    "no_peer", "no key of this platform was entered", field="name",
                    rule="screening: fingerprints", mend="see GET /v1/fingerprints/peers",
                )  # fmt: skip
            before = {"key": row["key"]}
            await keep_act(tx, caller, now, "fingerprints.distrust", name, before, {})
        return {"name": name, "removed_at": datetime.fromtimestamp(now, UTC)}

    async def _key(self, now: float) -> SigningKey:
        """Return the key that signs our files; it is made where there is none yet."""
        row = await self._store.fetchrow("fingerprint_key_get")
        if row is None:
            name = self._origin + _SUFFIX
            sealed = self._vault.seal(self._random(_SEED), key_owner(name))
            await self._store.execute("fingerprint_key_keep", name, sealed, utc(now))
            row = await self._store.fetchrow("fingerprint_key_get")  # another may have been first
        assert row is not None
        seed = self._vault.open(bytes(row["sealed"]), key_owner(row["name"]))
        return SigningKey(row["name"], KeyKind.NOTE, seed)


def key_owner(name: str) -> str:
    """Return what the sealed key belongs to."""
    return f"fingerprint_key.sealed/{name}"
