"""A past replayed and examined: campaigns, notices and single codes, over a database.

The past is loaded by COPY: campaigns of a thousand people each with a hundredth of them rejected,
notices with variables, and codes to one person each. Timed: a replay with the same rulebook, one
with another in which every code is rejected, and a self-examination of the service ports with the
packaged models.
"""

from __future__ import annotations

import json
import resource
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg
import numpy as np

from assent.app.replaying import kept_rulebooks
from assent.app.screening_file import ScreeningFile
from assent.app.screens import loader_of
from assent.clock import ManualClock
from assent.flow.catalogue import Catalogue
from assent.flow.columns import I16, U8, U16, U32, U64, pack, pack_object
from assent.flow.examine import Examining, Scope
from assent.flow.examine_texts import Judgements
from assent.flow.needs import utc
from assent.flow.replay import PURPOSES, Replay
from assent.flow.screen_senders import Senders
from assent.flow.screening import Texts
from assent.flow.vault import Vault
from assent.message import Purpose, batch_id
from assent.numbers import NumberTable
from assent.policy.again import mask_of
from assent.policy.reasons import BY_CODE
from assent.policy.rulebook import Rulebook
from assent.store import Store, embedded
from assent.store.migrate import migrate
from bench.world import Size, build
from bench.written import NOW, _directory

_AT: Final = NOW // 86_400 * 86_400 - 86_400 + 3 * 3_600
"""Eleven in the morning in China, the day before."""
_EACH: Final = 1_000
_OFFER: Final = "【商户0】秋装上新全场八折。客服400-820-1234。拒收请回复R"
_NOTICE: Final = "【商户0】您的快递{number}已到小区门口的快递柜，取件码{code}，请在24小时内取走。"
_CODE: Final = "【商户0】您的验证码{code}，5分钟内有效。"
_BATCH: Final = (
    "id", "submission_id", "account_id", "sender_id", "group_id", "programme_id", "port_id",
    "template_id", "purpose", "carrier", "n", "position", "price", "not_before", "expires_at",
    "content", "people", "rows", "zones", "segments", "accepted_at", "variables",
)  # fmt: skip
_ORDER: Final = (
    "id", "account_id", "sender_id", "purpose", "n", "allowed", "cost", "reasons", "rulebook",
    "numbers", "position", "at", "screening",
)  # fmt: skip


@dataclass(frozen=True)
class Plan:
    """Messages of campaigns, of notices with variables, and codes that were sent one by one."""

    campaigns: int = 600_000
    notices: int = 300_000
    codes: int = 100_000


async def run(plan: Plan | None = None, place: Path | None = None) -> dict[str, Any]:
    """Return the figures."""
    plan = plan or Plan()
    directory = _directory(place)
    engine = await embedded.start(directory / "postgresql")
    try:
        await migrate(engine.dsn, at=utc(NOW - 40 * 86_400))
        agreed = max(1_000, min(200_000, plan.campaigns // 4))
        await build(engine.dsn, Size(1, agreed * 3, agreed, agreed // 10, 100), NOW, 1)
        store = await Store.open(engine.dsn)
        try:
            await store.fetchval("ensure_partitions", utc(NOW - 40 * 86_400), 4)
            await _Past(engine.dsn, plan, Rulebook.load(), NumberTable.load()).load()
            return await _measure(store, Rulebook.load())
        finally:
            await store.close()
    finally:
        await engine.stop()
        shutil.rmtree(directory, ignore_errors=True)


class _Past:
    """What was decided on a day."""

    def __init__(self, dsn: str, plan: Plan, rulebook: Rulebook, table: NumberTable) -> None:
        self._dsn = dsn
        self._plan = plan
        self._book = rulebook.digest.hex()
        self._table = table.digest
        self._orders: list[tuple[Any, ...]] = []
        self._batches: list[tuple[Any, ...]] = []
        self._rejected: list[tuple[Any, ...]] = []
        self._stored = 0

    async def load(self) -> None:
        """Store it."""
        self._connection = await asyncpg.connect(self._dsn)
        fetch = self._connection.fetch
        self._ports = {
            row["purpose"]: row["id"]
            for row in await fetch(
                "SELECT id, purpose FROM port WHERE carrier = 'mobile' AND sender_id = 1"
            )
        }
        self._templates = {row["name"]: row["id"] for row in await fetch(
            "SELECT id, name FROM template")}  # fmt: skip
        (one,) = await fetch("SELECT id, group_id FROM sender WHERE id = 1")
        self._group = one["group_id"]
        self._programme = await self._connection.fetchval("SELECT id FROM programme")
        self._position = await self._connection.fetchval("SELECT max(position) FROM entry")
        stand = [row["person_id"] for row in await fetch("SELECT person_id FROM standing")]
        self._no = await self._connection.fetchval("SELECT person_id FROM refusal LIMIT 1")
        self._random = np.random.default_rng(1)
        self._stand = np.array(stand, np.uint32)
        plan = self._plan
        for _ in range(plan.campaigns // _EACH):
            people = self._random.choice(self._stand, _EACH - 10, replace=False)
            self._one(Purpose.MARKETING, _OFFER, people, None, 0, 10)
        for _ in range(plan.notices // _EACH):
            people = self._random.choice(self._stand, _EACH, replace=False)
            put = {"number": [f"SF{one}" for one in range(_EACH)],
                   "code": [f"{one % 9_000 + 1_000}" for one in range(_EACH)]}  # fmt: skip
            self._one(Purpose.NOTIFICATION, _NOTICE, people, put, self._templates["parcel"], 0)
        for place in range(plan.codes):
            people = self._stand[place % len(self._stand) :][:1]
            put = {"code": [f"{place % 900_000 + 100_000}"]}
            self._one(Purpose.VERIFICATION, _CODE, people, put, self._templates["code"], 0)
            if len(self._orders) >= 20_000:
                await self._flush()
        await self._flush()
        for name in ("batch", "submission", "decision"):
            await self._connection.execute(f"VACUUM ANALYZE {name}")
        await self._connection.close()

    def _one(
        self, purpose: Purpose, text: str, people: Any, put: dict[str, list[str]] | None,
        template: int, no: int,
    ) -> None:  # fmt: skip
        # long: a batch has so many columns
        number = len(self._orders) + self._stored
        at = _AT + number * 0.02
        order, n = batch_id(int(at * 1000), number % 1_024 * 2), len(people)
        refused = {"refused": no} if no else {}
        self._orders.append(
            (order, 1, 1, int(purpose), n + no, n, 0, str(refused).replace("'", '"'), self._book,
             self._table, self._position, utc(at), None)
        )  # fmt: skip
        zones = pack(np.full(n, 480, np.int16), I16)
        self._batches.append(
            (order + 1, order, 1, 1, self._group, self._programme if no else 0,
             self._ports[int(purpose)], template, int(purpose), "mobile", n, self._position, 0,
             utc(at), utc(at + 86_400), text, pack(people, U32), pack(np.arange(n), U32), zones,
             pack(np.full(n, 1), U8), utc(at), None if put is None else pack_object(put))
        )  # fmt: skip
        if no:
            # Nobody stands who refused: both are found, and the refusal is the reason.
            found = int(mask_of(["refused", "no_standing"]))
            self._rejected.append(
                (order, pack(np.arange(n, n + no), U32), pack(np.full(no, self._no), U32),
                 pack(np.full(no, BY_CODE["refused"].number), U16),
                 pack(np.full(no, found, np.uint64), U64))
            )  # fmt: skip

    async def _flush(self) -> None:
        copy = self._connection.copy_records_to_table
        await copy("submission", records=self._orders, columns=_ORDER)
        await copy("batch", records=self._batches, columns=_BATCH)
        await copy("decision", records=self._rejected,
                   columns=("submission_id", "rows", "people", "reasons", "findings"))  # fmt: skip
        self._stored += len(self._orders)
        self._orders, self._batches, self._rejected = [], [], []


async def _measure(store: Store, rulebook: Rulebook) -> dict[str, Any]:
    catalogue = Catalogue()
    await catalogue.load(store)
    table, books = NumberTable.load(), await kept_rulebooks(store, rulebook)
    scope = Scope(utc(_AT - 3_600), utc(NOW), PURPOSES)
    tried = Rulebook.from_document(_other_words(rulebook))
    found: dict[str, Any] = {"memory_before_mb": _memory()}
    for name, new in (("same_rulebook", rulebook), ("another_rulebook", tried)):
        began = time.perf_counter()
        out = await Replay(store, catalogue, table, books, new).run(scope)
        spent = time.perf_counter() - began
        told = out.transitions.told()["changed"]
        found[name] = {
            "orders": out.orders,
            "decisions": out.decisions,
            "seconds": spent,
            "decisions_a_second": out.decisions / spent,
            "verified": out.checked.same,
            "differ": out.checked.differ.total(),
            **told,
        }
    found["memory_replayed_mb"] = _memory()
    clock = ManualClock(NOW)
    vault = Vault({1: bytes(32)}, lambda n: bytes(n))
    texts = Texts(store, clock, vault, Senders(catalogue), loader_of(ScreeningFile()))
    judgements = Judgements(store, catalogue, texts, NOW)
    await judgements.ready()
    began = time.perf_counter()
    service = Scope(scope.since, scope.until)
    seen = await Examining(store, catalogue, rulebook, judgements, table).run(service)
    spent = time.perf_counter() - began
    found["examine"] = {
        "messages": seen.messages,
        "texts_judged": seen.texts,
        "seconds": spent,
        "messages_a_second": seen.messages / spent,
        "listed": len(seen.listing.rows),
    }
    found["memory_examined_mb"] = _memory()
    return found


def _other_words(rulebook: Rulebook) -> dict[str, Any]:
    """Return a rulebook that takes other words for a code's, so that every code is rejected."""
    document: dict[str, Any] = json.loads(rulebook.canonical)
    for profile in document["profiles"].values():
        profile["code_words"]["value"] = ["密码"]
        profile["most_segments"]["value"] = 1
    return document


def _memory() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
