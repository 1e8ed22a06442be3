"""Small orders of one text taken together, so that a million codes are not a million runs of the
rules: only where the moment of the decision makes no difference to what is found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from assent.flow.replay_parts import Part
from assent.flow.restored import Will
from assent.message import Purpose
from assent.policy.facts import People
from assent.policy.rulebook import Rulebook

_SMALL: Final = 16
_SLACK_S: Final = 1.0
_SAME: Final = ("account_id", "sender_id", "group_id", "programme_id", "port_id", "template_id",
                "content", "video_id", "category")  # fmt: skip


def together(parts: Sequence[Part], rulebooks: Sequence[Rulebook]) -> list[Part]:
    """Return the parts with small ones of the same text, port and rules as one: people who were
    allowed for at once, for a purpose for which no rulebook has hours."""
    timeless = {
        purpose
        for purpose in Purpose
        if not any(purpose in one.windows for book in rulebooks for one in book.profiles)
    }
    found: list[Part] = []
    small: dict[tuple[Any, ...], list[Part]] = defaultdict(list)
    for part in parts:
        if part.n <= _SMALL and part.purpose in timeless and _at_once(part):
            small[_key(part)].append(part)
        else:
            found.append(part)
    return found + [some[0] if len(some) == 1 else _one(some) for some in small.values()]


def _at_once(part: Part) -> bool:
    """Tell whether people were allowed without a wait, and before the order's validity ended."""
    if not part.allowed or part.batch is None:
        return False
    at = part.order["at"].timestamp()
    late = part.batch["not_before"].timestamp() - at
    return bool(late <= _SLACK_S and part.batch["expires_at"].timestamp() > at + _SLACK_S)


def _key(part: Part) -> tuple[Any, ...]:
    order, batch = part.order, part.batch
    assert batch is not None
    return (
        order["rulebook"], order["numbers"], order["purpose"], order["relation"],
        *(batch[name] for name in _SAME), tuple(part.variables or ()), part.will is None,
    )  # fmt: skip


def _one(parts: Sequence[Part]) -> Part:
    """Return parts that differ in people and values only as one."""
    first, columns = parts[0], [part.columns for part in parts]

    def joined(name: str) -> Any:
        return np.concatenate([getattr(one, name) for one in columns])

    variables = None
    if first.variables is not None:
        variables = {
            name: [value for part in parts for value in (part.variables or {})[name]]
            for name in first.variables
        }
    wills = [part.will for part in parts if part.will is not None]
    will = None
    if wills:
        will = Will(*(np.concatenate([getattr(one, name) for one in wills])
                      for name in ("grade", "refused", "paused")))  # fmt: skip
    return replace(
        first,
        columns=People(*(joined(name) for name in ("person", "network", "zone", "fault",
                                                   "duplicate"))),
        recorded=np.concatenate([part.recorded for part in parts]),
        reason=np.concatenate([part.reason for part in parts]),
        segments=np.concatenate([part.segments for part in parts]),
        variables=variables,
        number=np.concatenate([part.number for part in parts]),
        input_rows=np.concatenate([part.input_rows for part in parts]),
        will=will,
        messages=[one for part in parts for one in part.ids()],
    )  # fmt: skip
