"""What decisions about texts teach: labelled texts for models, and how reviewers and models agree.

Two people who decided about the same text (a second person, an appeal) are a double review. Cohen's
kappa tells how far they agree beyond chance; it says little below some dozens of double reviews, so
their number stands beside it. A second person sees what the first said, which makes it flatter.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from assent.errors import InvalidInput
from assent.flow.needs import utc
from assent.flow.requests import Caller
from assent.flow.staff import check_staff, keep_act
from assent.flow.text_matters import proposed
from assent.flow.text_reviews import TextReviews
from assent.message import Purpose, batch_id

MOST: Final = 100_000
PAGE: Final = 500
_USUAL: Final = timedelta(days=28)
_LONGEST: Final = timedelta(days=3_660)
GOOD, BAD = "ham", "spam"
"""Labels as models are trained with them."""


class TextReports:
    """Labels and reports over all texts; for staff."""

    def __init__(self, reviews: TextReviews) -> None:
        self._reviews = reviews
        self._store = reviews.store

    async def labels(
        self, caller: Caller, since: datetime | None, to: datetime | None, after: int
    ) -> dict[str, Any]:
        """Return a page of texts that people decided about, unsealed, with their labels. Each page
        is written down as an act."""
        check_staff(self._reviews.catalogue, caller)
        since, to = self._period(since, to)
        rows = await self._store.fetch("text_labels_export", since, to, after, PAGE)
        items = [label for row in rows for label in self._label(row)]
        at = self._reviews.clock.now()
        async with self._store.transaction() as tx:
            told = {"from": since.isoformat(), "to": to.isoformat(), "after": after}
            counts = {"texts": len(items)}
            await keep_act(tx, caller, at, "texts.export_labels", "texts", told, counts)
        last = rows[-1]["id"] if rows else after
        return {"items": items, "cursor": str(last), "more": len(rows) == PAGE}

    def _period(self, since: datetime | None, to: datetime | None) -> tuple[datetime, datetime]:
        """Return the time that is asked about: the last four weeks if nothing is said. Raises
        InvalidInput."""
        to = to or utc(self._reviews.clock.now())
        if to.tzinfo is None or (since is not None and since.tzinfo is None):
            raise InvalidInput(
                "time_without_zone", "a time has no zone", field="from",
                mend="write it like 2026-11-22T10:00:00+08:00",
            )  # fmt: skip
        since = since or to - _USUAL
        if not since < to or to - since > _LONGEST or since < utc(0.0):
            raise InvalidInput(
                "bad_period", "the period is empty or too long", field="to",
                mend="give a later time",
            )  # fmt: skip
        return since, to

    def _label(self, row: Any) -> list[dict[str, Any]]:
        """Return what a decided text teaches; one that was changed teaches two things. Examples of
        values are several texts, a line each."""
        if row["state"] == "held":
            return []  # the first of two agreed; nothing is decided yet
        final = GOOD if row["state"] == "approved" else BAD
        votes = [GOOD if verdict == "approve" else BAD for verdict in row["verdicts"]]
        category = Counter(row["categories"]).most_common(1)[0][0]
        shared = {
            "category": category,
            "purpose": Purpose(row["purpose"]).name.lower(),
            "agreement": round(votes.count(final) / len(votes), 3),
            "reviewers": len(votes),
            "at": row["at"],
        }
        text = self._reviews.text_of(row)
        texts = text.split("\n") if row["kind"] == "values" else [text]
        found = [{"text": one, "label": final, **shared} for one in texts]
        changed = proposed(self._reviews, row) if row["state"] == "changed" else None
        if changed is not None:
            whole = self._reviews.whole(row, changed)
            found.append({"text": whole, "label": GOOD, **shared})
        return found

    async def report(
        self, caller: Caller, since: datetime | None, to: datetime | None
    ) -> dict[str, Any]:
        """Return how reviewers and screening agreed in a time."""
        check_staff(self._reviews.catalogue, caller)
        since, to = self._period(since, to)
        said = await self._store.fetch("text_labels_between", since, to, MOST)
        weeks = await self._store.fetch("text_reviews_between", since, to)
        appeals = await self._store.fetch("text_appeals_between", since, to)
        orders = await self._store.fetch("text_orders_between", _id_at(since), _id_at(to))
        return {
            "from": since,
            "to": to,
            "reviewers": reviewers(said),
            "double_reviews": double_reviews(said),
            "screening": [screening_told(row) for row in weeks],
            "orders": [
                {**row, "held_rate": _rate(row["held"] + row["rejected"], row["orders"])}
                for row in orders
            ],
            "appeals": {
                against: {row["state"]: row["n"] for row in appeals if row["against"] == against}
                for against in ("held", "refused")
            },
        }


def reviewers(said: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return, for each person (or key), how often she approves, beside all the others, and what
    came of it: appeals that another granted, complaints about the sender in the 30 days after."""
    by: dict[tuple[int, int | None], list[Mapping[str, Any]]] = defaultdict(list)
    for one in said:
        by[one["key_id"], one["actor_id"]].append(one)
    told = []
    for (key, actor), mine in sorted(by.items(), key=lambda pair: (pair[0][0], pair[0][1] or 0)):
        others = [one for one in said if (one["key_id"], one["actor_id"]) != (key, actor)]
        approved = [one for one in mine if one["verdict"] == "approve"]
        refused = [one for one in mine if one["verdict"] != "approve"]
        told.append(
            {
                "key": key,
                "actor": actor,
                "decided": len(mine),
                "approve_rate": _rate(len(approved), len(mine)),
                "others_approve_rate": _rate(
                    sum(one["verdict"] == "approve" for one in others), len(others)
                ),
                "overturned": sum(one["overturned"] for one in refused),
                "complaints_after": sum(one["complaints"] for one in approved),
            }
        )
    return told


def double_reviews(said: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return how two people agreed about the same text: the first and the last who decided."""
    by: dict[int, list[Mapping[str, Any]]] = defaultdict(list)
    for one in said:
        by[one["review_id"]].append(one)
    pairs = []
    for votes in by.values():
        first, last = votes[0], votes[-1]
        if (first["key_id"], first["actor_id"]) != (last["key_id"], last["actor_id"]):
            pairs.append((first["verdict"] == "approve", last["verdict"] == "approve"))
    agreed = sum(one == other for one, other in pairs)
    return {"n": len(pairs), "agreed": agreed, "kappa": kappa(pairs)}


def kappa(pairs: Sequence[tuple[bool, bool]]) -> float | None:
    """Return Cohen's kappa of pairs of decisions; None where it is not defined: no pairs, or both
    always said the same one thing."""
    n = len(pairs)
    if not n:
        return None
    seen = sum(one == other for one, other in pairs) / n
    first = sum(one for one, _ in pairs) / n
    second = sum(other for _, other in pairs) / n
    chance = first * second + (1 - first) * (1 - second)
    return None if chance == 1.0 else round((seen - chance) / (1 - chance), 4)


def screening_told(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return what one version of screening stopped in a week, and how much of that people
    confirmed: its precision among what is decided."""
    confirmed, approved = row["confirmed"], row["approved"]
    return {
        "week": row["week"],
        "screening": row["screening"],
        "stopped": row["stopped"],
        "rejected": row["rejected"],
        "confirmed": confirmed,
        "approved": approved,
        "waiting": row["waiting"],
        "precision": _rate(confirmed, confirmed + approved),
    }


def _id_at(time: datetime) -> int:
    """Return the first id of an order at a time."""
    return batch_id(int(time.timestamp() * 1000), 0)


def _rate(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
