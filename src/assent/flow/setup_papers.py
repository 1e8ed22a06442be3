"""Entities, papers and letters in the operator's document (setup.py), filed as the desk files them.

What is filed is what is there: a paper that was only seen as a copy is filed as one, and opens
what a copy opens. Nobody is taken at his word for having been reviewed: an accepted paper names who
looked at it, and where two persons must agree it names two.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any, Final, Literal

import msgspec

from assent.errors import InvalidInput
from assent.flow.needs import Transaction
from assent.message import Purpose
from assent.registry.papers import Seen
from assent.registry.table import Table

PurposeWord = Literal["verification", "notification", "marketing", "internal"]
SeenWord = Literal["none", "scan", "paper", "call_back", "signature", "register"]

_LOOKED: Final = frozenset({"scan", "paper", "call_back", "signature", "register"})


class PaperFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A paper. `kind`: a word of the table of qualifications; `scope`: what it allows; `seen`: how,
    and `evidence` what shows it; `seen_by`: who looked, where not who reviewed the entity.
    `provisional_until`: the last day on which a copy opens anything."""

    kind: str
    number: str = ""
    holder: str = ""
    scope: list[str] = msgspec.field(default_factory=list)
    seen: SeenWord = "none"
    seen_by: list[str] = msgspec.field(default_factory=list)
    evidence: dict[str, str] = msgspec.field(default_factory=dict)
    valid_from: date | None = None
    valid_to: date | None = None
    provisional_until: date | None = None


class EntityFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A legal entity and its papers. `industry`: a word of the table of qualifications.
    `reviewed_by`: who accepted the papers; two persons where the industry asks for two."""

    credit_code: str
    legal_name: str
    kind: Literal["company", "sole_trader", "public_body", "organisation", "foreign"] = "company"
    industry: str = ""
    founded_on: date | None = None
    website: str = ""
    mail_domain: str = ""
    reviewed_by: list[str] = msgspec.field(default_factory=list)
    papers: list[PaperFile] = msgspec.field(default_factory=list)


class LetterFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A letter by which one entity lets another send in its name, both by their credit codes.
    `through`: the agent whose own letter of the sender's it stands on. `signatures`: none for any
    of the sender's."""

    principal: str
    agent: str
    purposes: list[PurposeWord]
    valid_from: date
    valid_to: date
    through: str | None = None
    signatures: list[str] = msgspec.field(default_factory=list)


class PaperFiling:
    """Files entities, papers and letters in one transaction."""

    def __init__(self, tx: Transaction, at: datetime, table: Table) -> None:
        self._tx = tx
        self._at = at
        self._table = table
        self._entities: dict[str, int] = {}

    async def entity(self, file: EntityFile) -> None:
        """File an entity with its papers. Raises InvalidInput naming the field."""
        field = f"entities.{file.credit_code}"
        self._check(file, field)
        number = await self._tx.fetchval(
            "register_entity",
            file.credit_code,
            file.legal_name,
            file.kind,
            file.industry,
            file.founded_on,
            file.website,
            file.mail_domain,
            self._at,
        )
        self._entities[file.credit_code] = number
        for paper in file.papers:
            await self._paper(number, paper, file.reviewed_by)

    def _check(self, file: EntityFile, field: str) -> None:
        unknown = [paper.kind for paper in file.papers if paper.kind not in self._table.kinds]
        if unknown:
            raise InvalidInput(
                "unknown_paper",
                f"the table of qualifications has no paper {unknown[0]}",
                field=f"{field}.papers",
                mend="use a word of the table (docs/admission.md)",
            )
        industry = self._table.industry(file.industry)
        if file.industry and industry is None:
            raise InvalidInput(
                "unknown_industry",
                f"the table of qualifications has no industry {file.industry}",
                field=f"{field}.industry",
                mend=f"use one of {', '.join(self._table.industries)}",
            )
        terms = industry.terms.values() if industry is not None else ()
        needed = max((one.reviewers for one in terms), default=1)
        if file.papers and len({name for name in file.reviewed_by if name.strip()}) < needed:
            raise InvalidInput(
                "reviewers",
                f"papers of this industry are accepted by {needed} different persons",
                field=f"{field}.reviewed_by",
                rule="admission: two persons",
                mend="name who looked at the papers and accepted them",
            )

    async def _paper(self, entity: int, file: PaperFile, reviewed_by: list[str]) -> None:
        row = await self._tx.fetchrow("register_paper", entity, file.kind, file.number)
        seen = file.seen
        facts = (file.holder, file.scope, file.valid_from, file.valid_to)
        if row is None:
            id_ = await self._tx.fetchval(
                "register_paper_insert",
                entity,
                file.kind,
                file.number,
                *facts,
                seen,
                file.provisional_until,
                self._at,
            )
            if id_ is None:
                return  # somebody took it back
        else:
            id_ = row["id"]
            before = Seen[row["seen"].upper()]
            seen = seen if Seen[seen.upper()] > before else row["seen"]
            await self._tx.execute(
                "register_paper_change", id_, *facts, seen, file.provisional_until
            )
            if seen == row["seen"] and row["valid_to"] == file.valid_to:
                return  # filed again: nobody looked anew
        if file.seen in _LOOKED:
            who = ", ".join(file.seen_by or reviewed_by)
            evidence = json.dumps(file.evidence, ensure_ascii=False, sort_keys=True)
            await self._tx.execute("register_sight", id_, file.seen, self._at, who, evidence)

    async def of(self, code: str, field: str) -> int:
        """Return an entity by its credit code. Raises InvalidInput where there is none."""
        if code not in self._entities:
            found = await self._tx.fetchval("register_entity_id", code)
            if found is None:
                raise InvalidInput(
                    "no_entity",
                    f"there is no entity {code}",
                    field=field,
                    mend="file the entity first, under entities",
                )
            self._entities[code] = found
        return self._entities[code]

    async def sender(self, code: str, legal_name: str, industry: str) -> int:
        """Return the entity of a sender; one that nobody filed is there without any papers."""
        known = "" if self._table.industry(industry) is None else industry
        if code not in self._entities:
            found = await self._tx.fetchval("register_entity_id", code)
            if found is None:
                bare = EntityFile(credit_code=code, legal_name=legal_name, industry=known)
                await self.entity(bare)
            else:
                self._entities[code] = found
        return self._entities[code]

    async def letter(self, file: LetterFile) -> None:
        """File a letter. One that stands on another needs that one filed before it."""
        field = f"letters.{file.principal}.{file.agent}"
        principal = await self.of(file.principal, f"{field}.principal")
        agent = await self.of(file.agent, f"{field}.agent")
        via: Any = None
        if file.through is not None:
            middle = await self.of(file.through, f"{field}.through")
            via = await self._tx.fetchval("register_letter_id", principal, middle, None)
        if principal == agent or (file.through is not None and via is None):
            raise InvalidInput(
                "letter",
                "a letter is from one entity to another; a second link stands on a first one",
                field=field,
                mend="file the sender's letter to its own agent before this one",
            )
        mask = sum(1 << Purpose[word.upper()] for word in set(file.purposes))
        values = (mask, file.signatures, file.valid_from, file.valid_to)
        known = await self._tx.fetchval("register_letter_id", principal, agent, via)
        if known is None:
            await self._tx.execute(
                "register_letter_insert", principal, agent, via, *values, self._at
            )
        else:
            await self._tx.execute("register_letter_change", known, *values)
