"""What an entity's papers open, read from the tables and told in words: what is missing, why, and
what would answer it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

from assent.flow.needs import Queries
from assent.message import Purpose
from assent.registry.papers import Lack, Opening, Paper, Qualified, Seen
from assent.registry.qualify import agent, base, last_day, operator, qualify, warning_due
from assent.registry.table import PURPOSES, Table, Terms

WHY: Final[dict[str, tuple[str, str, str]]] = {
    "missing": ("it was not handed in", "尚未提交", "hand it in: POST /v1/documents"),
    "not_accepted": (
        "it is in process, or nobody has accepted it yet", "办理中或尚未审核通过",
        "hand in the issued paper; once it is there, a reviewer decides",
    ),
    "undated": (
        "it does not say until when it holds", "未载明有效期", "hand it in with its dates",
    ),
    "expired": ("it has ended", "已过有效期", "hand in the renewed paper"),
    "not_yet_valid": ("it does not hold yet", "尚未生效", "wait for its first day"),
    "scope": ("it does not cover this business", "许可范围不含此业务", "hand in a wider one"),
    "provisional_over": (
        "it was seen as a scan only, and the days for that are over", "仅见扫描件且临时期限已过",
        "have the original or a register seen",
    ),
    "not_seen": (
        "it was seen as a scan only, or not well enough", "核验方式不足（仅见扫描件等）",
        "bring the original, have it signed electronically, or ask for a look into the register",
    ),
    "unknown_industry": (
        "the industry is none that we know", "行业未列入资质表", "apply with a known industry",
    ),
    "closed": ("this purpose is closed to the industry", "该行业不得用于此用途", ""),
}  # fmt: skip
"""Why a demand is not answered: English, Chinese, what mends it."""

SEEN: Final[dict[Seen, tuple[str, str]]] = {
    Seen.NONE: ("not at all", "未见"),
    Seen.SCAN: ("as a scan", "扫描件"),
    Seen.PAPER: ("on paper", "原件"),
    Seen.CALL_BACK: ("by a call to the public number", "回拨公开电话"),
    Seen.SIGNATURE: ("by its electronic signature", "电子签章"),
    Seen.REGISTER: ("in the register that issued it", "登记机关核对"),
}


def paper_of(row: Any) -> Paper:
    """Return a row of `document` as the checks see it."""
    return Paper(
        row["id"],
        row["kind"],
        Seen[row["seen"].upper()],
        row["state"] == "accepted",
        row["valid_from"],
        row["valid_to"],
        row["provisional_until"],
        frozenset(row["scope"]),
    )


async def papers_of(
    queries: Queries, entities: Sequence[int], account: int | None = None
) -> dict[int, list[Paper]]:
    """Return the papers of entities that were not refused or taken back; those only that an account
    handed in, if one is named."""
    found: dict[int, list[Paper]] = defaultdict(list)
    for row in await queries.fetch("papers_standing", list(entities)):
        if account in (None, row["account_id"]):
            found[row["entity_id"]].append(paper_of(row))
    return found


def admitted(account: Any) -> bool:
    """Return whether an account (a row with `entity_id` and `status`) was taken in as its entity's:
    only then what others handed in for the entity is for its eyes."""
    return account["entity_id"] is not None and account["status"] not in ("applied", "closed")


def purposes_of(
    table: Table, industry: str, papers: Sequence[Paper], today: date
) -> dict[Purpose, Qualified]:
    """Return what papers open for each purpose."""
    return {purpose: qualify(table, industry, purpose, papers, today) for purpose in PURPOSES}


def persons_needed(table: Table, industry: str) -> int:
    """Return how many persons decide about an industry's sender: as its strictest purpose asks;
    two where the table does not know the industry."""
    found = table.industry(industry)
    if found is None:
        return 2
    needed = [terms.reviewers for terms in found.terms.values() if terms.closed is None]
    return min(2, max(needed, default=2))


def licence_kinds(table: Table, industry: str) -> frozenset[str]:
    """Return the kinds of paper by which an industry is licensed."""
    found = table.industry(industry)
    if found is None or found.licence is None:
        return frozenset()
    return frozenset(found.licence.kinds)


async def industries_of(queries: Queries, entity: int) -> list[str]:
    """Return the industries that an entity is admitted for or that somebody claims of it: who named
    it first does not settle how strictly its papers are looked at."""
    return [row["industry"] for row in await queries.fetch("industries_of", entity)]


def finance_licence(table: Table, industries: Sequence[str], kind: str) -> bool:
    """Return whether a kind of paper is the licence of a financial industry among some."""
    known = ((name, table.industry(name)) for name in industries)
    return any(
        found is not None and found.finance and kind in licence_kinds(table, name)
        for name, found in known
    )


def told(table: Table, terms: Terms | None, result: Qualified) -> dict[str, Any]:
    """Return what papers open, for people and programs."""
    return {
        "opens": result.opening.name.lower(),
        "until": result.until,
        "reviewers": result.reviewers,
        "free_text": result.free_text,
        "lacks": [lack_told(table, terms, lack) for lack in result.lacks],
    }


def lack_told(table: Table, terms: Terms | None, lack: Lack) -> dict[str, Any]:
    """Return a lack in both languages: which papers would do, why none does, what mends it."""
    en, zh, mend = WHY[lack.why]
    demand = None
    if terms is not None:
        demand = next((one for one in terms.demands if one.kinds == lack.kinds), None)
    words = [table.kinds[kind].words for kind in lack.kinds]
    answer: dict[str, Any] = {
        "any_of": list(lack.kinds),
        "why": lack.why,
        "en": f"{' or '.join(one.en for one in words) or 'papers'}: {en}",
        "zh": f"{'或'.join(one.zh for one in words) or '材料'}：{zh}",
        "mend": mend,
    }
    if lack.document:
        answer["document"] = str(lack.document)
    if demand is not None:
        seen_en, seen_zh = SEEN[demand.seen]
        answer |= {
            "seen": demand.seen.name.lower(),
            "seen_en": f"it has to be seen {seen_en}, or better",
            "seen_zh": f"核验方式：{seen_zh}或更高",
            "scope": sorted(demand.scope),
        }
    return answer


def account_told(table: Table, papers: Sequence[Paper], today: date) -> dict[str, Any]:
    """Return what the base papers of an account's entity open."""
    return told(table, table.base, base(table, papers, today))


def sender_told(
    table: Table, industry: str, papers: Sequence[Paper], today: date
) -> dict[str, Any]:
    """Return what papers open for each purpose, by its word."""
    return {
        purpose.name.lower(): told(table, table.terms(industry, purpose), result)
        for purpose, result in purposes_of(table, industry, papers, today).items()
    }


def operator_told(table: Table, papers: Sequence[Paper], today: date) -> dict[str, Any]:
    """Return what the operator's own papers open."""
    return told(table, table.operator, operator(table, papers, today))


def agent_told(table: Table, industry: str, papers: Sequence[Paper], today: date) -> dict[str, Any]:
    """Return whether papers let an agent act for senders of an industry, by purpose."""
    found = table.industry(industry)
    finance = found is not None and found.finance
    answer = {}
    for purpose in PURPOSES:
        special = finance and purpose is Purpose.MARKETING
        terms = table.agent_finance if special else table.agent
        result = agent(table, industry, purpose, papers, today)
        answer[purpose.name.lower()] = told(table, terms, result)
    return answer


def opens_any(table: Table, industry: str, papers: Sequence[Paper], today: date) -> bool:
    """Return whether papers open any purpose at all."""
    opened = purposes_of(table, industry, papers, today).values()
    return any(result.opening > Opening.NO for result in opened)


def end_told(table: Table, paper: Paper, today: date) -> dict[str, Any] | None:
    """Return the warning that is due before a paper ends, None when none is."""
    until = last_day(table, paper)
    if until == date.min:
        return None
    days = warning_due(table, until, today)
    if days is None or until is None:
        return None
    return {"what": "document", "id": str(paper.id), "until": until, "mark": days,
            "days_left": (until - today).days}  # fmt: skip
