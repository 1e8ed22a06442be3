"""What is told of a campaign, before it and while it runs."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np

from assent.errors import NotFound
from assent.flow.answers import customer_code
from assent.flow.columns import U8, unpack
from assent.flow.counting import LEAST
from assent.flow.fold import HIDDEN, message_state
from assent.flow.needs import Queries
from assent.flow.order import Judged
from assent.message import State, message_id
from assent.policy.decide import Verdict


def rounded(answer: dict[str, Any], told: int) -> dict[str, Any]:
    """Return a dry run over an audience that was chosen from consent: in full tens, without rows,
    for nobody may count by it what counts do not tell. `told`: what is told of its size."""
    receivers, allowed = answer["receivers"], answer["allowed"]
    rejected = receivers - allowed
    rejected = rejected // 10 * 10 if rejected >= LEAST else 0
    fits = max(told - rejected, 0)
    scale = fits / allowed if allowed else 0.0
    reasons = {code: count // 10 * 10 for code, count in answer["reasons"].items()}
    return {
        **answer,
        **{name: round(answer[name] * scale) for name in ("cost_micro", "segments")},
        "receivers": told,
        "allowed": fits,
        "rejected": rejected,
        "deferred": answer["deferred"] // 10 * 10,
        "reasons": {code: count for code, count in reasons.items() if count >= LEAST},
        "samples": {},
    }


def states_of(row: Any) -> Counter[State]:
    """Return how many messages of a batch stand where, as far as is folded."""
    if row["states"] is None:
        return Counter({State.QUEUED: row["n"]})
    segments, states = unpack(row["segments"], U8), unpack(row["states"], U8)
    if (segments == 1).all():
        return Counter({State(at): n for at, n in enumerate(np.bincount(states).tolist())})
    starts = np.concatenate(([0], np.cumsum(segments.astype(np.int64))))
    return Counter(message_state(states[starts[i] : starts[i + 1]]) for i in range(row["n"]))


def sample_rows(judged: Judged, samples: dict[str, list[int]], most: int) -> None:
    for place in np.flatnonzero(judged.verdict != Verdict.ALLOW).tolist():
        listed = samples.setdefault(customer_code(int(judged.reason[place])), [])
        if len(listed) < most:
            listed.append(int(judged.order.rows[place]))


async def waiting(queries: Queries, campaign_id: int) -> dict[str, Any]:
    """Return how many messages wait because a link of their chain is broken, and for which."""
    links: Counter[str] = Counter()
    total = 0
    for row in await queries.fetch("campaign_held", campaign_id):
        # With those whom a withdrawal stopped: they look queued until it is told.
        untold = await queries.fetch(
            "status_untold", message_id(row["id"], 0), message_id(row["id"] + 1, 0)
        )
        here = states_of(row)[State.QUEUED] + len(untold)
        total += here
        links.update(dict.fromkeys(row["broken"], here))
    return {"held": total, "held_for": dict(links)}


async def counted(queries: Queries, campaign_id: int) -> dict[str, int]:
    """Return how many messages of a campaign stand where, as its customer sees it."""
    counts: Counter[State] = Counter()
    for row in await queries.fetch("campaign_states", campaign_id):
        counts += states_of(row)
    # What withdrawals stopped looks queued until the daily batch, and `not_sent` after it.
    stopped = sum(counts.pop(hidden, 0) for hidden in HIDDEN)
    untold = await queries.fetchval("status_untold_campaign", campaign_id)
    words = {state.name.lower(): count for state, count in counts.items() if count}
    if untold:
        words["queued"] = words.get("queued", 0) + untold
    if stopped > untold:
        words["not_sent"] = stopped - untold
    return words


def no_campaign() -> NotFound:
    """Return the error for an id that is none of the account's."""
    return NotFound(
        "no_campaign",
        "there is no such campaign",
        field="id",
        mend="use the id that was returned when it was made",
    )
