"""What a reviewer sees of a page that changed, and what follows from the decision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import unified_diff
from typing import Any, Final

from assent.errors import Conflict
from assent.flow.matters import Item, Matter
from assent.flow.needs import Queries, Transaction, utc
from assent.flow.page_looks import KIND
from assent.flow.pages import CHANNEL, HELD, Version, release, stop
from assent.flow.requests import Caller
from assent.screen.drift import differs
from assent.screen.page_look import Look

MOST_LINES: Final = 200
_LONGEST_LINE: Final = 400


class PageMatter(Matter):
    """Pages. To approve accepts what is there now, as the item shows it, and campaigns go on; to
    refuse stops them, and nothing new begins that leads there."""

    kind = KIND

    async def approve(
        self, tx: Transaction, item: Item, caller: Caller, at: float
    ) -> Mapping[str, Any]:
        """Accept the versions that the item shows."""
        row = await _held(tx, item)
        versions = _versions(item).get("after", [])
        accepted = [one["code"] for one in item.reasons]
        if row["state"] in HELD:
            await tx.execute("page_accept", versions, utc(at))
            await tx.execute("page_state", row["id"], "clear", accepted)
        going = await release(tx, row["id"])
        await tx.execute("page_due_now", row["id"], utc(at))
        await tx.execute("notify", CHANNEL, "")
        return {"page": row["host"], "state": "clear", "campaigns": [str(one) for one in going]}

    async def refuse(
        self, tx: Transaction, item: Item, caller: Caller, at: float, code: str
    ) -> Mapping[str, Any]:
        """Stop what rests because of the page."""
        row = await _held(tx, item)
        await tx.execute("page_state", row["id"], "stopped", list(row["accepted"]))
        stopped = await stop(tx, row["id"])
        return {"page": row["host"], "state": "stopped", "campaigns": [str(one) for one in stopped]}

    async def told(self, queries: Queries, item: Item, at: float) -> Mapping[str, Any]:
        """Return both versions, kind of visitor by kind of visitor, and what differs."""
        row = await queries.fetchrow("page_get", item.subject)
        if row is None:
            return {}
        wanted = _versions(item)
        numbers = [*wanted.get("before", []), *wanted.get("after", [])]
        kept = await queries.fetch("page_versions_get", row["id"], numbers)
        versions = {one["id"]: Version.of(one) for one in kept}
        before = {v.profile: v for n in wanted.get("before", []) if (v := versions.get(n))}
        after = {v.profile: v for n in wanted.get("after", []) if (v := versions.get(n))}
        users = await queries.fetch("page_users", row["id"])
        return {
            "url": row["url"],
            "state": row["state"],
            "outcome": row["outcome"],
            "campaigns": [str(one["campaign_id"]) for one in users if one["paused_at"]],
            "uses": [use_told(one) for one in users if one["live"]],
            "versions": [
                _compared(before.get(who), after.get(who)) for who in sorted({*before, *after})
            ],
        }


async def _held(tx: Transaction, item: Item) -> Any:
    row = await tx.fetchrow("page_hold", item.subject)
    if row is None:
        raise Conflict(
            "page_gone", "nothing leads to this page any more", field="id",
            mend="leave it: the item goes when the page is looked at next",
        )  # fmt: skip
    return row


def _versions(item: Item) -> dict[str, list[int]]:
    """Return which versions an item is about: what was decided is what was shown."""
    for signal in item.signals:
        if signal.get("code") == "page_versions":
            return {name: signal[name] for name in ("before", "after")}
    return {}


def use_told(row: Any) -> dict[str, Any]:
    """Return what leads to a page, for people."""
    kind = "campaign" if row["campaign_id"] is not None else "template"
    return {
        "kind": kind,
        "id": str(row["campaign_id"] or row["template_id"]),
        "name": row["name"],
        "state": row["state"],
        "rests": row["paused_at"] is not None,
    }


def look_told(look: Look) -> dict[str, Any]:
    """Return what somebody saw, for people."""
    page = look.page
    told: dict[str, Any] = {
        "outcome": look.outcome,
        "why": look.why,
        "chain": [
            {"url": hop.url, "how": hop.how, "status": hop.status, "address": hop.address}
            for hop in look.hops
        ],
    }
    if page is None:
        return told
    return told | {
        "url": page.url,
        "title": page.title,
        "opaque": page.opaque,
        "brands": list(page.brands),
        "hosts": list(page.hosts),
        "forms": [
            {"to": form.to or page.host, "asks": list(form.asks), "fields": form.fields}
            for form in page.forms
        ],
        "text": page.text[:4_000],
    }


def _compared(before: Version | None, after: Version | None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "profile": (after or before).profile if (after or before) else "",  # type: ignore[union-attr]  # one is there
        "before": None if before is None else {"id": str(before.id), **look_told(before.look)},
        "after": None if after is None else {"id": str(after.id), **look_told(after.look)},
    }
    if before is None or after is None:
        return told
    old, new = before.look.page, after.look.page
    if old is None or new is None:
        return told
    drift = differs(old, new)
    return told | {
        "kind": drift.kind,
        "score": drift.score,
        "why": {one.code: list(one.about) for one in drift.reasons},
        "text": _lines(old.text.split("\n"), new.text.split("\n")),
        "hosts": _parted(old.hosts, new.hosts),
        "asks": _parted(old.asks, new.asks),
        "brands": _parted(old.brands, new.brands),
    }


def _parted(old: Iterable[str], new: Iterable[str]) -> dict[str, list[str]]:
    gone, come = set(old) - set(new), set(new) - set(old)
    return {"gone": sorted(gone), "come": sorted(come)}


def _lines(old: list[str], new: list[str]) -> list[str]:
    """Return the lines that went (-) and came (+), with one line around them."""
    before, after = ([line[:_LONGEST_LINE] for line in lines[:1_000]] for lines in (old, new))
    parted = unified_diff(before, after, n=1, lineterm="")
    return [line for line in parted if not line.startswith(("---", "+++"))][:MOST_LINES]
