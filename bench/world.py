"""A world to send in: 50 senders, their people's consents, a million refusals, a week of claims.

Loaded by COPY, past the flow but not past its forms: the entries are the canonical ones
(consent/entry.py), and the projections beside them are what the flow would have made of them.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Final

import asyncpg
import msgspec
import numpy as np
import numpy.typing as npt

from assent.consent.entry import Channel, Entry, Kind, Origin, Scope, encode_many
from assent.flow.columns import U32, pack
from assent.flow.setup import Register, file_register
from assent.message import Grade, Purpose
from assent.store import Store
from bench.papers import complete
from bench.rows import copy, micros, octets

CARRIERS: Final = {"mobile": 139, "unicom": 130, "telecom": 133}
NETWORKS: Final = {
    "mobile": ["mobile", "broadnet"],
    "unicom": ["unicom"],
    "telecom": ["telecom"],
}
TEXT: Final = (
    "{name}您好，秋装上新全场八折，凭券号{coupon}到店再减20元。客服400-820-1234。拒收请回复R"
)
CODE_TEXT: Final = "您的验证码{code}，5分钟内有效。"
NOTICE: Final = (
    "您的快递{number}已到小区门口的快递柜，取件码{code}，请在24小时内取走，疑问请致电400-820-1234。"
)
OFFER: Final = "您好，秋装上新全场八折，凭券号{coupon}到店再减20元。客服400-820-1234。"
LOGIN: Final = {
    "dialects": ["smpp"],
    "allowed": ["127.0.0.1"],
    "binds": 4,
    "window": 1000,
    "secret": "bench",
}
"""Of the customers' own software."""
_DAY_S: Final = 86_400
_CLAIM_ROW: Final = 1_000
_MASK: Final = (1 << Purpose.MARKETING) | (1 << Purpose.INTERNAL)


@dataclass(frozen=True, slots=True)
class Size:
    """How large a world is. `agreed` and `refused`: people of each sender; `claims`: of each
    sender and day, for seven days; nobody has more than one of them with a sender."""

    senders: int = 50
    people: int = 600_000
    agreed: int = 42_000
    refused: int = 20_000
    claims: int = 4_000


@dataclass(frozen=True, slots=True)
class World:
    """What was loaded. Row s of `agreed` and `refused`: numbers of sender s's people."""

    keys: dict[str, str]
    agreed: npt.NDArray[np.uint64]
    refused: npt.NDArray[np.uint64]
    bystanders: npt.NDArray[np.uint64]


def msisdns(people: npt.NDArray[Any]) -> npt.NDArray[np.uint64]:
    """Return the numbers of person ids (from 1): the carriers take turns."""
    prefixes = np.array(list(CARRIERS.values()), np.uint64)
    numbers = prefixes[people % len(CARRIERS)] * np.uint64(10**8) + people.astype(np.uint64)
    return np.asarray(numbers + np.uint64(86 * 10**11), np.uint64)


def register(senders: int) -> dict[str, Any]:
    """Return the operator's document: senders with an account, a key and three ports each."""
    carriers = list(CARRIERS)
    files: list[dict[str, Any]] = []
    accounts: list[dict[str, Any]] = []
    for i in range(senders):
        name = f"商户{i}"
        ports = [
            {"number": f"10690{i:03d}1", "purpose": "marketing", "programme": "offers"},
            {"number": f"10690{i:03d}2", "purpose": "verification"},
            {"number": f"10690{i:03d}3", "purpose": "notification"},
        ]
        programme: dict[str, Any] = {"name": "offers", "purposes": ["marketing"], "kinds": "x"}
        terms = {"frequency": "2 a week", "period": "1 year", "wording": "v1"}
        templates = [
            {"name": "code", "purpose": "verification", "body": CODE_TEXT, "basis": "login"},
            {"name": "parcel", "purpose": "notification", "body": NOTICE, "basis": "order"},
            {"name": "offer", "purpose": "marketing", "body": OFFER},
        ]
        files.append(
            {
                "credit_code": f"CODE{i}",
                "legal_name": name,
                "contact": "400-820-1234",
                "programmes": [programme | terms],
                "templates": templates,
                "ports": [port | {"carriers": carriers, "signature": name} for port in ports],
            }
        )
        accounts.append(
            {
                "name": f"account{i}",
                "senders": [f"CODE{i}"],
                "deposits": {"first": 10**14},
                "keys": [{"name": "api"}],
                "links": [LOGIN | {"login": f"login{i}"}],
            }
        )
    service = {"number": "1069999", "carriers": carriers, "purpose": "system", "signature": "平台"}
    accounts.append({"name": "operator", "kind": "operator", "price_micro": 0})
    return {"senders": files, "accounts": accounts, "service_ports": [service]}


async def build(url: str, size: Size, now: float, seed: int) -> World:
    """Fill a migrated, empty database. `now`: unix seconds of the installation's clock."""
    rng = np.random.default_rng(seed)
    store = await Store.open(url)
    try:
        document = msgspec.convert(complete(register(size.senders)), Register)
        answer = await file_register(store, document, now, rng.bytes)
    finally:
        await store.close()
    connection = await asyncpg.connect(url)
    try:
        await _people(connection, size.people, now, rng)
        rows = await connection.fetch(
            "SELECT s.credit_code, s.id AS sender, s.group_id, p.id AS programme FROM sender s"
            " JOIN programme p ON p.sender_id = s.id"
        )
        ids = {row["credit_code"]: row for row in rows}
        agreed = np.empty((size.senders, size.agreed), np.uint64)
        refused = np.empty((size.senders, size.refused), np.uint64)
        position = 1
        for i in range(size.senders):
            chosen = rng.choice(size.people, size.agreed + size.refused, replace=False) + 1
            who, not_who = chosen[: size.agreed], chosen[size.agreed :]
            sender = ids[f"CODE{i}"]
            await _grants(connection, sender, who, position, now)
            position += len(who)
            await _refusals(connection, sender, not_who, position, now)
            position += len(not_who)
            await _claims(connection, sender["sender"], who, size.claims, now)
            agreed[i], refused[i] = msisdns(who), msisdns(not_who)
        await connection.execute("UPDATE entry_position SET next = $1", position)
        await connection.execute("VACUUM ANALYZE")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()
    bystanders = msisdns(rng.permutation(size.people)[: min(size.people, 60_000)] + 1)
    keys = {name.partition("/")[0]: key for name, key in answer["keys"].items()}
    return World(keys, agreed, refused, bystanders)


async def _people(connection: Any, count: int, now: float, rng: np.random.Generator) -> None:
    ids = np.arange(1, count + 1, dtype=np.int32)
    columns: dict[str, npt.NDArray[Any]] = {
        "id": ids,
        "msisdn": msisdns(ids).astype(np.int64),
        "secret": np.frombuffer(rng.bytes(16 * count), np.dtype((np.void, 16))),
        "created_at": np.full(count, micros(now - 90 * _DAY_S)),
    }
    await copy(connection, "person", columns)
    await connection.execute("SELECT setval(pg_get_serial_sequence('person', 'id'), $1)", count)


async def _entries(
    connection: Any, entry: Entry, people: npt.NDArray[Any], first: int, at: float
) -> npt.NDArray[np.int64]:
    n = len(people)
    bodies = encode_many(entry, people.astype(np.uint32), int(at * 1000))
    positions = np.arange(first, first + n, dtype=np.int64)
    columns: dict[str, npt.NDArray[Any]] = {
        "position": positions,
        "at": np.full(n, micros(at)),
        "kind": np.full(n, int(entry.kind), np.int16),
        "group_id": np.full(n, entry.group, np.int32),
        "sender_id": np.full(n, entry.sender, np.int32),
        "programme_id": np.full(n, entry.programme, np.int32),
        "person_id": people.astype(np.int32),
        "body": octets(bodies),
    }
    await copy(connection, "entry", columns)
    return positions


async def _grants(
    connection: Any, sender: Any, people: npt.NDArray[Any], first: int, now: float
) -> None:
    n = len(people)
    wording = await connection.fetchval(
        "INSERT INTO wording (programme_id, version) VALUES ($1, 'v1')"
        " ON CONFLICT (programme_id, version) DO UPDATE SET version = 'v1' RETURNING id",
        sender["programme"],
    )
    entry = Entry(
        at_ms=1,
        kind=Kind.GRANTED,
        person=1,
        group=sender["group_id"],
        sender=sender["sender"],
        programme=sender["programme"],
        purposes=1 << Purpose.MARKETING,
        grade=Grade.DOCUMENT,
        wording=wording,
        statement=hashlib.sha256(b"shop form").digest(),
    )
    positions = await _entries(connection, entry, people, first, now - 60 * _DAY_S)
    columns: dict[str, npt.NDArray[Any]] = {
        "programme_id": np.full(n, sender["programme"], np.int32),
        "person_id": people.astype(np.int32),
        "grade": np.full(n, int(Grade.DOCUMENT), np.int16),
        "position": positions,
        "fresh": np.zeros(n, np.uint8),
    }
    await copy(connection, "standing", columns)


async def _refusals(
    connection: Any, sender: Any, people: npt.NDArray[Any], first: int, now: float
) -> None:
    n = len(people)
    entry = Entry(
        at_ms=1,
        kind=Kind.WITHDRAWN,
        person=1,
        group=sender["group_id"],
        sender=sender["sender"],
        purposes=_MASK,
        scope=Scope.GROUP,
        channel=Channel.SMS,
        origin=Origin.RECEIVER,
        grade=Grade.RECEIVER,
    )
    at = now - 30 * _DAY_S
    positions = await _entries(connection, entry, people, first, at)
    columns: dict[str, npt.NDArray[Any]] = {
        "group_id": np.full(n, sender["group_id"], np.int32),
        "person_id": people.astype(np.int32),
        "purposes": np.full(n, _MASK, np.int16),
        "position": positions,
    }
    await copy(connection, "standing_end", columns)
    await copy(connection, "refusal", columns | {"at": np.full(n, micros(at))})


async def _claims(
    connection: Any, sender: int, people: npt.NDArray[Any], a_day: int, now: float
) -> None:
    rows = []
    for day in range(1, 8):
        chosen = people[(day - 1) * a_day : day * a_day].astype(np.uint32)
        for place, start in enumerate(range(0, len(chosen), _CLAIM_ROW)):
            part = np.sort(chosen[start : start + _CLAIM_ROW])
            # On the seventh day a little less than a week ago, so that the cap still counts it.
            rows.append(("marketing/sender", sender, now - day * _DAY_S + 3600 + place, part))
    await connection.executemany(
        "INSERT INTO cap_claim (ledger, key, at, people)"
        " VALUES ($1, $2, to_timestamp($3::float8), $4)",
        [(ledger, key, at, pack(part, U32)) for ledger, key, at, part in rows],
    )
