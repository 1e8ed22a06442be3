"""Signs that are no counts: papers that others handed in, too, consents that people deny, groups.

Admission, audits and the groups of orders found them; here they become alarms, so that they lie
beside the others and cases open from them the same way.
"""

from __future__ import annotations

import json
from typing import Any, Final

import numpy as np

from assent.flow import graph
from assent.flow.alarms import Alarm
from assent.flow.needs import Queries, utc
from assent.message import batch_id
from assent.watch.bounds import lower

_DAY_S: Final = 86_400.0
_ASKED_DAYS: Final = 30
_GROUP_DAYS: Final = 14
_NEW_DAYS: Final = 90
_NEWCOMERS: Final = 500
_ALPHA: Final = 0.01
_MANY_NEVER: Final = 3
_SHARE: Final = 0.05


async def signs(queries: Queries, at: float) -> list[Alarm]:
    """Return what is to be seen now."""
    return [
        *await forged(queries, at), *await together(queries, at), *await borrowed(queries, at)
    ]  # fmt: skip


async def forged(queries: Queries, at: float) -> list[Alarm]:
    """Return imports that were voided since people denied them (severity 3), and accounts of whose
    people several said "never" though nothing was voided (2)."""
    since = utc(at - _ASKED_DAYS * _DAY_S)
    made = []
    for row in await queries.fetch("warning_forged", since):
        evidence = {
            "import": row["import_id"], "consent_case": row["id"], "people": row["accepted"],
            "never": row["never"], "yes": row["yes"], "unclear": row["others"],
        }  # fmt: skip
        who = (row["sender_id"], row["account_id"])
        key = f"import/{row['import_id']}"
        made.append(Alarm("forged", key, 3, 1.0 + row["never"], evidence, *who))
    for row in await queries.fetch("warning_audits", since):
        never, of = float(row["never"]), float(row["never"] + row["yes"])
        low = float(lower(np.array([never]), np.array([of]), _ALPHA)[0])
        if never < _MANY_NEVER or low < _SHARE:
            continue
        evidence = {"never": row["never"], "of": int(of), "at_least": round(low, 4),
                    "import": row["import_id"]}  # fmt: skip
        who = (row["sender_id"], row["account_id"])
        key = f"sender/{row['sender_id']}/account/{row['account_id']}"
        made.append(Alarm("forged", key, 2, never, evidence, *who))
    return made


async def together(queries: Queries, at: float) -> list[Alarm]:
    """Return groups of orders (flow/groups.py) that nobody called lawful; 3 where a reviewer called
    one harmful. Until then 1: shops of one trade write alike, and a stop before anybody has looked
    would hit more of them than of those who act together."""
    made = []
    for row in await queries.fetch("warning_groups", utc(at - _GROUP_DAYS * _DAY_S)):
        reasons = [
            {"kind": one["kind"], "parties": one["parties"]} for one in json.loads(row["reasons"])
        ]
        evidence = {
            "order_group": row["id"], "parties": row["parties"], "copies": row["copies"],
            "reasons": reasons,
        }  # fmt: skip
        severity = 3 if row["state"] == "harmful" else 1
        score = float(row["parties"])
        key = f"group/{row['id']}"
        made.append(
            Alarm("together", key, severity, score, evidence, accounts=tuple(row["accounts"]))
        )
    return made


async def borrowed(queries: Queries, at: float) -> list[Alarm]:
    """Return new entities that send and whose papers or people are others', too (flow/graph.py): 3
    where one of those was suspended or revoked and the papers are the same."""
    low = batch_id(int((at - _DAY_S) * 1000), 0)
    since = utc(at - _NEW_DAYS * _DAY_S), utc(at - _DAY_S)
    made = []
    for row in await queries.fetch("warning_newcomers", *since, low, _NEWCOMERS):
        flags = await graph.flags(queries, row["entity_id"])
        if flags:
            made.append(_borrowed(row, [flag.code for flag in flags]))
    return made


def _borrowed(row: Any, codes: list[str]) -> Alarm:
    same, gone = "same_file" in codes, "shares_with_revoked" in codes
    severity = 1 + int(same or gone) + int(same and gone)
    evidence = {"entity": row["entity_id"], "signs": {one: codes.count(one) for one in codes}}
    key = f"entity/{row['entity_id']}"
    who = (row["sender_id"], row["account_id"])
    return Alarm("borrowed", key, severity, float(len(codes)), evidence, *who)
