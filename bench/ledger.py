"""The consent ledger: appends a second that are durable, against a plain audit table; sealing,
proofs, bundles, rebuilding; octets an entry; how proofs grow.

The baseline is what people have instead: a table `audit` with an identity, a time, an account and
the same octets, with a row an entry and an index by person, on the same server with fsync on. Both
are written in the same transactions (one entry, or a thousand) by as many writers; rounds
alternate.
"""

from __future__ import annotations

import asyncio
import math
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, Final

import asyncpg
import numpy as np

from assent.clock import SystemClock
from assent.consent.bundle import Evidence, Proved, build
from assent.consent.entry import Channel, Entry, Kind, Origin, encode, encode_many, purpose_mask
from assent.consent.note import KeyKind, Note, SigningKey
from assent.consent.verify import verify
from assent.flow.evidence_entries import words_of
from assent.flow.fsck import Fsck
from assent.flow.fsck_standing import check_standing
from assent.flow.ledger import append
from assent.flow.needs import utc
from assent.flow.projection import project
from assent.flow.sealing import Sealer, last, tree_for
from assent.message import Grade, Purpose
from assent.store import Store, embedded
from assent.store.migrate import migrate

PORTION: Final = 1_000
BEGIN: Final = 1_795_320_000.0
LOG: Final = SigningKey("log.example", KeyKind.NOTE, bytes(range(32)))
ORIGIN: Final = "log.example/consent"
_WRITERS: Final = 8
_INSERT: Final = "INSERT INTO audit (at, person, body) VALUES ($1, $2, $3)"
_AUDIT: Final = (
    "CREATE TABLE audit (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,"
    " at timestamptz NOT NULL, person int NOT NULL, body bytea NOT NULL);"
    " CREATE INDEX ON audit (person, id)"
)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much of each. `entries`: of the import; `singles` and `portions`: a round's
    transactions of one entry, and of a thousand."""

    entries: int = 1_000_000
    rounds: int = 5
    singles: int = 2_000
    portions: int = 20
    proofs: int = 2_000
    bundles: int = 300

    @classmethod
    def quick(cls) -> Plan:
        """Return a tiny one."""
        return cls(6_000, 1, 40, 2, 20, 5)


async def run(plan: Plan, place: Path | None, tell: Callable[[str], None]) -> dict[str, Any]:
    """Measure; the data lies below `place`."""
    directory = Path(tempfile.mkdtemp(prefix="assent-bench-", dir=place))
    directory.chmod(0o711)  # noqa: ASYNC240  nothing else runs yet
    engine = await embedded.start(directory / "postgresql")
    try:
        await migrate(engine.dsn, at=datetime.fromtimestamp(BEGIN, UTC))
        store = await Store.open(engine.dsn, min=2, max=_WRITERS + 2)
        try:
            return await _Bench(plan, store, engine.dsn, tell).measure()
        finally:
            await store.close()
    finally:
        await engine.stop()
        shutil.rmtree(directory, ignore_errors=True)


class _Bench:
    def __init__(self, plan: Plan, store: Store, dsn: str, tell: Callable[[str], None]) -> None:
        self._plan = plan
        self._store = store
        self._dsn = dsn
        self._tell = tell
        self._person = 0

    async def measure(self) -> dict[str, Any]:
        """Measure everything in turn."""
        self._pool = await asyncpg.create_pool(self._dsn, min_size=_WRITERS, max_size=_WRITERS)
        try:
            return await self._measure()
        finally:
            await self._pool.close()

    async def _measure(self) -> dict[str, Any]:
        plan = self._plan
        extra = plan.rounds * (2 * plan.singles + plan.portions * PORTION)
        self._tell("people")
        await self._people(plan.entries + extra)
        found: dict[str, Any] = {}
        self._tell("appends")
        found["appends_per_s"] = await self._appends()
        self._tell("import")
        found["import"] = await self._import()
        self._tell("sealing")
        found["sealing"] = await self._seal()
        self._tell("proofs and bundles")
        found["proofs"] = await self._proofs()
        found["growth"] = await self._growth()
        found["bundles"] = await self._bundles()
        found["octets_an_entry"] = await self._octets()
        self._tell("rebuilding")
        found["rebuild"] = await self._rebuild()
        return found

    async def _sql(self, query: str, *args: Any) -> Any:
        connection = await asyncpg.connect(self._dsn)
        try:
            return await connection.fetchval(query, *args, timeout=600)
        finally:
            await connection.close()

    async def _people(self, count: int) -> None:
        connection = await asyncpg.connect(self._dsn)
        try:
            await connection.execute(_AUDIT)
            await connection.execute(
                "INSERT INTO person (msisdn, secret, created_at) SELECT 8613000000000 + g,"
                " decode(md5(g::text), 'hex'), $1 FROM generate_series(1, $2::int) g",
                utc(BEGIN), count, timeout=600,
            )  # fmt: skip
            await connection.execute("VACUUM ANALYZE person")
        finally:
            await connection.close()

    def _take(self, count: int) -> list[Entry]:
        """Return grants of people who gave none yet."""
        start = self._person + 1
        self._person += count
        return [_grant(person) for person in range(start, start + count)]

    # Appends -------------------------------------------------------------------------------------

    async def _appends(self) -> dict[str, Any]:
        rates: dict[str, list[float]] = {}
        plan = self._plan
        for _ in range(plan.rounds):
            for name, writers, size, count in (
                ("one writer, one entry", 1, 1, plan.singles // 4),
                (f"{_WRITERS} writers, one entry", _WRITERS, 1, plan.singles),
                ("one writer, a thousand", 1, PORTION, plan.portions),
            ):
                parts = [self._take(size) for _ in range(count)]
                pairs = ((f"{name}: ledger", self._append), (f"{name}: audit table", self._audit))
                for kind, write in pairs:
                    rate = count * size / await _timed(write, parts, writers)
                    rates.setdefault(kind, []).append(rate)
        found: dict[str, Any] = {}
        for name in [kind.removesuffix(": ledger") for kind in rates if kind.endswith(": ledger")]:
            ours, theirs = rates[f"{name}: ledger"], rates[f"{name}: audit table"]
            found[name] = {
                "ledger": round(median(ours)),
                "audit_table": round(median(theirs)),
                "ratio": round(median(a / b for a, b in zip(ours, theirs, strict=True)), 3),
            }
        return found

    async def _append(self, entries: Sequence[Entry]) -> None:
        async with self._store.transaction() as tx:
            await append(tx, entries, utc(BEGIN))

    async def _audit(self, entries: Sequence[Entry]) -> None:
        rows = [(utc(BEGIN), entry.person, encode(entry)) for entry in entries]
        async with self._pool.acquire() as connection:
            if len(rows) == 1:
                await connection.execute(_INSERT, *rows[0])
            else:
                await connection.copy_records_to_table(
                    "audit", columns=["at", "person", "body"], records=rows
                )

    async def _import(self) -> dict[str, Any]:
        """Append and project as an import of consents does, in portions of a thousand."""
        count = self._plan.entries
        template = _grant(1)
        begin = time.perf_counter()
        for start in range(0, count, PORTION):
            size = min(PORTION, count - start)
            people = np.arange(self._person + 1, self._person + 1 + size, dtype=np.uint32)
            self._person += size
            bodies = encode_many(template, people, template.at_ms)
            entries = [_grant(int(person)) for person in people]
            async with self._store.transaction() as tx:
                done = await append(tx, entries, utc(BEGIN), bodies)
                await project(tx, list(zip(done.positions, entries, strict=True)))
        took = time.perf_counter() - begin
        return {"entries": count, "seconds": round(took, 1), "per_s": round(count / took)}

    async def _seal(self) -> dict[str, Any]:
        sealer = Sealer(self._store, SystemClock(), LOG, ORIGIN, Random(1).randbytes)
        begin = time.perf_counter()
        while await sealer.step():
            pass
        took = time.perf_counter() - begin
        return {
            "entries": sealer.sealed,
            "seconds": round(took, 1),
            "per_s": round(sealer.sealed / took),
        }

    # Proofs --------------------------------------------------------------------------------------

    async def _proofs(self) -> dict[str, Any]:
        """Proofs of single entries, with the tiles read for each, or for a hundred at once."""
        head = await last(self._store)
        rng = Random(2)
        places = [rng.randrange(head.size) for _ in range(self._plan.proofs)]
        begin = time.perf_counter()
        for place in places:
            tree = await tree_for(self._store, head.size, place)
            tree.inclusion(place, head.size)
        one = time.perf_counter() - begin
        begin = time.perf_counter()
        for start in range(0, len(places), 100):
            some = places[start : start + 100]
            tree = await tree_for(self._store, head.size, *some)
            for place in some:
                tree.inclusion(place, head.size)
        many = time.perf_counter() - begin
        return {
            "inclusion_per_s": round(len(places) / one),
            "a_hundred_at_once_per_s": round(len(places) / many),
        }

    async def _growth(self) -> dict[str, Any]:
        """How long proofs are, by the size of the ledger: logarithmic."""
        head = await last(self._store)
        found: dict[str, Any] = {}
        size = 100
        while size < head.size:
            found[f"{size:,} entries"] = await self._lengths(size, head.size)
            size *= 10
        found[f"{head.size:,} entries"] = await self._lengths(head.size, head.size)
        return found

    async def _lengths(self, size: int, whole: int) -> dict[str, Any]:
        rng = Random(size)
        places = [rng.randrange(size) for _ in range(50)]
        olds = [rng.randrange(1, size) for _ in range(50)]
        lengths, older = [], []
        for place, old in zip(places, olds, strict=True):
            tree = await tree_for(self._store, whole, place, size - 1, olds=[old, size])
            lengths.append(len(tree.inclusion(place, size)))
            older.append(len(tree.consistency(old, size)))
        return {
            "inclusion_hashes": max(lengths),
            "inclusion_octets": 32 * max(lengths),
            "consistency_hashes_at_most": max(older),
            "log2": round(math.log2(size), 1),
        }

    async def _bundles(self) -> dict[str, Any]:
        """Bundles of ten entries, made and checked."""
        head = await last(self._store)
        places = range(head.size - 10, head.size)
        rows = await self._store.fetch("entries_unsealed", head.size - 10, 10)
        tree = await tree_for(self._store, head.size, *places)
        entries = [
            Proved(
                row["position"], bytes(row["body"]), bytes(row["secret"]),
                tree.inclusion(row["position"] - 1, head.size),
                words_of(_grant(1), utc(BEGIN), {}),
            )
            for row in rows
        ]  # fmt: skip
        records = {"messages.json": [{"id": str(n), "text": "x" * 140} for n in range(20)]}
        evidence = Evidence({}, "now", Note.parse(head.note), [LOG.public], entries, records)
        begin = time.perf_counter()
        for _ in range(self._plan.bundles):
            bundle = build(evidence, LOG)
        made = time.perf_counter() - begin
        begin = time.perf_counter()
        for _ in range(self._plan.bundles):
            assert verify(bundle, [str(LOG.public)]).exit_code == 0
        checked = time.perf_counter() - begin
        return {
            "octets": len(bundle),
            "made_per_s": round(self._plan.bundles / made),
            "verified_per_s": round(self._plan.bundles / checked),
        }

    # Size and rebuilding -------------------------------------------------------------------------

    async def _octets(self) -> dict[str, Any]:
        count = await self._sql("SELECT count(*) FROM entry")
        found: dict[str, Any] = {"canonical": len(encode(_grant(1)))}
        for table in ("entry", "ledger_tile"):
            octets = await self._sql("SELECT pg_total_relation_size($1::regclass)", table)
            found[table] = round(octets / count, 1)
        rows = await self._sql("SELECT count(*) FROM audit")
        octets = await self._sql("SELECT pg_total_relation_size('audit'::regclass)")
        found["audit_table"] = round(octets / rows, 1)
        return found

    async def _rebuild(self) -> dict[str, Any]:
        begin = time.perf_counter()
        report = await Fsck(self._store, LOG.public).run()
        tree = time.perf_counter() - begin
        assert not report.faults
        begin = time.perf_counter()
        standing = await check_standing(self._store)
        summed = time.perf_counter() - begin
        million = 1_000_000 / report.entries
        return {
            "entries": report.entries,
            "tree_seconds_a_million": round(tree * million, 1),
            "standing_seconds_a_million": round(summed * million, 1),
            "standings": standing.standings,
        }


async def _timed(
    write: Callable[[Sequence[Entry]], Awaitable[None]],
    parts: Sequence[Sequence[Entry]],
    writers: int,
) -> float:
    """Return how long some writers take for all parts between them."""
    left = iter(parts)

    async def writer() -> None:
        for part in left:
            await write(part)

    begin = time.perf_counter()
    await asyncio.gather(*(writer() for _ in range(writers)))
    return time.perf_counter() - begin


def _grant(person: int) -> Entry:
    return Entry(
        at_ms=int(BEGIN * 1000),
        kind=Kind.GRANTED,
        person=person,
        group=1,
        sender=1,
        programme=1,
        purposes=purpose_mask(Purpose.MARKETING),
        channel=Channel.WEB,
        origin=Origin.CUSTOMER,
        grade=Grade.DOCUMENT,
        statement=bytes(range(32)),
        wording=1,
    )
