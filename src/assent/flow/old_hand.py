"""What an old hand looks at before an application is taken: who arrives, from which house, what
registers say, with whom it shares people and papers. Signals decide nothing; a reviewer does."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Final

import msgspec

from assent.errors import InvalidInput
from assent.flow import graph
from assent.flow.admission_requests import PersonFile
from assent.flow.desk import Desk
from assent.flow.graph import Tie, tie
from assent.flow.matters import Note
from assent.flow.needs import Queries, Transaction
from assent.flow.qualified import licence_kinds, persons_needed
from assent.registry import licences, signals
from assent.registry.calendar import day_of
from assent.registry.credit_code import read_credit_code
from assent.registry.findings import FINDINGS, Finding, Severity
from assent.registry.names import compare_names, same_name
from assent.registry.papers import Seen
from assent.registry.resident_id import read_resident_id
from assent.registry.table import Table

_SIGNALS: Final[dict[str, tuple[str, str]]] = {
    "nobody_named": (
        "nobody is named as legal or responsible person", "未填报法定代表人或责任人",
    ),
    "person_not_matched": (
        "a legal or responsible person was not matched by name, number and telephone",
        "法定代表人或责任人未通过实名核验",
    ),
    "person_mismatch": (
        "a real-name check contradicts a person", "人员实名核验不一致",
    ),
    "number_elsewhere": (
        "another entity handed in a paper with the same number", "其他主体提交过同一编号的材料",
    ),
    "claims_differ": (
        "what is claimed differs from what is known of the entity", "填报信息与已登记信息不一致",
    ),
    "register_name": (
        "the register has the entity under another name", "登记名称与填报名称不一致",
    ),
    "register_unknown": (
        "no register that we have says anything of it", "现有登记数据中查无该主体",
    ),
    "register_ended": ("a register has it as closed or revoked", "登记机关显示已注销或吊销"),
    "entity_gone": ("the entity was suspended or revoked here", "该主体已被平台暂停或清退"),
    "other_account": ("another account applied with the same entity", "其他账户以同一主体申请"),
}  # fmt: skip
"""What is seen here beside what registry/signals.py knows."""

_WRONG: Final = Severity.WRONG
ENDED: Final = re.compile(r"注销|吊销|撤销|revoked|closed|cancel|dissolved", re.IGNORECASE)
_APART: Final = re.compile(r"[/,;|，；、／｜\n]|[a-z#＃转分接或和及]+", re.IGNORECASE)
"""What stands between two numbers, or before an extension."""
_WHOLE_LINE: Final = 7
_UNSEEN: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
_ROLES: Final = {"legal": signals.many_companies, "responsible": signals.responsible_for_many}


class Hand:
    """Looks at applications and puts them on the desk with what it saw."""

    def __init__(self, table: Table, desk: Desk) -> None:
        self._table = table
        self._desk = desk

    async def put_up(self, tx: Transaction, application: int, at: float) -> int:
        """Put an application on the desk, with reasons, signals and as many reviewers as its
        industry asks for; return the item's id."""
        row = await tx.fetchrow("application_get", application)
        assert row is not None
        claims = json.loads(row["claims"])
        about = row["about"]
        reason = Note(
            f"new_{about}",
            "an account applies" if about == "account" else "an account wants to send in its name",
            "账户申请开通" if about == "account" else "申请以该主体名义发送",
        )
        return await self._desk.open(
            tx,
            about,
            application,
            account_id=row["account_id"],
            entity_id=row["entity_id"],
            reviewers=persons_needed(self._table, str(claims["industry"])),
            reasons=[reason],
            signals=await self.signals(tx, row, at),
            at=at,
        )

    async def signals(self, queries: Queries, application: Any, at: float) -> list[Note]:
        """Return what is to be looked at in an application, as things stand."""
        claims = json.loads(application["claims"])
        entity_id, own = application["entity_id"], application["account_id"]
        entity = await queries.fetchrow("entity_get", entity_id)
        people = await queries.fetch("people_about", entity_id, own)
        papers = await queries.fetch("documents_about", entity_id)
        rows = await queries.fetch("register_rows_of", str(claims["credit_code"]), "")
        sights = await queries.fetch("document_sights", [paper["id"] for paper in papers])
        found = [
            *_of_code(claims),
            *self._of_people(claims, people, papers),
            *_of_hosts(claims, rows),
            *_of_call_back(rows, sights),
            *_of_papers(claims, papers, at),
            *_of_entity(claims, entity),
            *_of_registers(claims, rows),
        ]
        for row in await queries.fetch("people_companies", entity_id, own):
            found += noted(_ROLES[row["role"]](row["companies"]))
        for paper in papers:
            if paper["number"] and await queries.fetchval(
                "document_number_elsewhere", paper["kind"], paper["number"], entity_id
            ):
                found.append(note("number_elsewhere", document=str(paper["id"])))
        others = await queries.fetch("applications_about", entity_id)
        if any(other["account_id"] != own for other in others):
            found.append(note("other_account"))
        return [*found, *await graph.flags(queries, entity_id)]

    def _of_people(
        self, claims: Mapping[str, Any], people: Sequence[Any], papers: Sequence[Any]
    ) -> Iterator[Note]:
        industry = self._table.industry(str(claims["industry"]))
        persons = {bytes(person["person"]) for person in people}
        answerable = [person for person in people if person["role"] in ("legal", "responsible")]
        kinds = licence_kinds(self._table, str(claims["industry"]))
        seen = [Seen[paper["seen"].upper()] for paper in papers if paper["kind"] in kinds]
        finance = industry is not None and industry.finance
        yield from noted(
            signals.one_person_bank(finance, len(persons), max(seen, default=Seen.NONE))
        )
        for person in people:
            yield from (noted_code(code, person["role"]) for code in person["findings"])
        if not answerable:
            yield note("nobody_named")
        if any(person["matched"] == "unknown" for person in answerable):
            yield note("person_not_matched")
        if any(person["matched"] == "no" for person in people):
            yield note("person_mismatch")

    async def tie_registers(
        self, tx: Transaction, entity: int, credit_code: str, at: float
    ) -> None:
        """Tie an entity to what imported registers say of it."""
        for row in await tx.fetch("register_rows_of", credit_code, ""):
            source = f"register {row['file_id']}"
            for one in register_ties(json.loads(row["facts"])):
                await graph.link(tx, entity, one, source, at)


def register_ties(facts: Mapping[str, Any]) -> Iterator[Tie]:
    """Yield what a row of a register says that an entity has."""
    for relation, marks in facts.get("people", {}).items():
        for kind, mark in marks:
            yield Tie(kind, bytes.fromhex(mark), relation)
    address = "".join(str(facts.get("address", "")).split())
    if address:
        yield tie("address", address, "address")
    host = signals.website_domain(str(facts.get("domain", "")))
    if host:
        yield tie("domain", host, "website")


def _of_code(claims: Mapping[str, Any]) -> Iterator[Note]:
    if claims["kind"] != "foreign":
        for one in read_credit_code(str(claims["credit_code"])).findings:
            yield from noted(one)


def _of_hosts(claims: Mapping[str, Any], rows: Sequence[Any]) -> Iterator[Note]:
    domains = [json.loads(row["facts"]).get("domain", "") for row in rows if row["kind"] == "icp"]
    known = [domain for domain in domains if domain]
    yield from noted(signals.website(str(claims["website"]), known or None))
    own = [*known, str(claims["website"])]
    if claims["mail_domain"]:
        # The address itself is a person's; its domain says what there is to say.
        yield from noted(signals.mail(f"x@{claims['mail_domain']}", own))


def _of_call_back(rows: Sequence[Any], sights: Sequence[Any]) -> Iterator[Note]:
    listed = [row["phone"] for row in rows if row["phone"]]
    calls = [json.loads(one["evidence"]) for one in sights if one["way"] == "call_back"]
    called = str(calls[-1]["number"]) if calls else None
    yield from noted(signals.call_back(called, listed))


def _of_papers(claims: Mapping[str, Any], papers: Sequence[Any], at: float) -> Iterator[Note]:
    today = day_of(at)
    for paper in papers:
        told = {"document": str(paper["id"]), "kind": paper["kind"]}
        names = (paper["holder"], str(claims["legal_name"]))
        odd = compare_names(*names) if paper["holder"] else ()
        if paper["number"] and paper["kind"] in licences.KINDS:
            odd = (*odd, *licences.read_licence(paper["number"], today, paper["kind"]).findings)
        for one in odd:
            yield from noted(one, **told)
    if claims.get("founded_on"):
        days = [paper["valid_from"] for paper in papers if paper["valid_from"] is not None]
        founded = date.fromisoformat(str(claims["founded_on"]))
        for one in signals.age(founded, today, None, min(days, default=None)):
            yield from noted(one)


def _of_entity(claims: Mapping[str, Any], entity: Any) -> Iterator[Note]:
    if entity["status"] != "active":
        yield note("entity_gone", status=entity["status"])
    differing = sorted(
        name for name in ("legal_name", "kind", "industry", "website", "mail_domain")
        if entity[name] and str(claims[name]) != entity[name]
    )  # fmt: skip
    if differing:
        yield note("claims_differ", fields=differing)


def _of_registers(claims: Mapping[str, Any], rows: Sequence[Any]) -> Iterator[Note]:
    business = [row for row in rows if row["kind"] == "business"]
    if not business:
        yield note("register_unknown")
        return
    newest = max(business, key=lambda row: (row["dated"], row["file_id"]))
    facts = json.loads(newest["facts"])
    if newest["name"] and not same_name(newest["name"], str(claims["legal_name"])):
        yield note("register_name", file=newest["file_id"], dated=newest["dated"].isoformat())
    if ENDED.search(str(facts.get("status", ""))):
        yield note("register_ended", file=newest["file_id"], dated=newest["dated"].isoformat())


def note(code: str, **more: Any) -> Note:
    """Return a signal by its code."""
    en, zh = _SIGNALS[code]
    return Note(code, en, zh, more or None)


def noted(found: Finding | None, **more: Any) -> list[Note]:
    """Return a finding of the pure checks as a signal; good news are none."""
    if found is None or found.severity is Severity.NOTE:
        return []
    about = {"about": found.about} if found.about else {}
    return [Note(found.code, found.en, found.zh, {**about, **more} or None)]


def noted_code(code: str, role: str) -> Note:
    """Return what is odd about a person's number, by its code."""
    known = FINDINGS[code]
    return Note(code, known.en, known.zh, {"role": role})


def hosts_of(claims: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield an entity's own hosts with how it has them; hosts of everybody's mail are none."""
    for word in ("website", "mail_domain"):
        host = signals.website_domain(str(claims[word]))
        if host and host not in signals.FREE_MAIL:
            yield host, word


def digits_of(phone: str) -> str:
    """Return a telephone number's digits as they are compared: without the country's code and the
    zero of a long-distance call, which people write or leave out."""
    digits = _decimals(phone)
    if len(digits) > 11:
        digits = digits.removeprefix("00").removeprefix("86")
    return digits.lstrip("0")


def same_line(given: str, digits: str) -> bool:
    """Return whether a telephone that somebody wrote (several perhaps, or with an extension)
    reaches the same line as `digits`, which are as :func:`digits_of` gives them."""
    for part in (given, *_APART.split(given)):
        plain = _decimals(part)
        for one in (digits_of(part), plain.removeprefix("00").removeprefix("86").lstrip("0")):
            short = min(len(one), len(digits)) < _WHOLE_LINE
            if one == digits or (
                not short and (digits in plain or one.startswith(digits) or digits.startswith(one))
            ):
                return True
    return False


def _decimals(text: str) -> str:
    """Return the digits of a text, those of full width and of other scripts as ours."""
    return "".join(str(unicodedata.decimal(one)) for one in text if one.isdecimal())


def one_line(text: str, field: str) -> str:
    """Return a text without blanks around it. Raises InvalidInput for one with marks that nobody
    sees: two names that look the same would be two."""
    told = text.strip()
    if any(unicodedata.category(one) in _UNSEEN for one in told):
        raise InvalidInput(
            "unseen_characters", "the text holds control or invisible characters", field=field,
            rule="admission: names", mend="write it anew, in one line, instead of copying it",
        )  # fmt: skip
    return told


def clean_person(person: PersonFile, at: float) -> PersonFile:
    """Return a person with number and name as they are compared. Raises InvalidInput, which never
    repeats what was given."""
    number = one_line(unicodedata.normalize("NFKC", person.id_number), "people.id_number")
    number = re.sub(r"\s", "", number).upper()
    name = one_line(unicodedata.normalize("NFKC", person.name), "people.name")
    digits = _decimals(person.phone)
    if not name:
        raise _wrong("name", "the name is empty", "write the name as the identity paper has it")
    if not 5 <= len(digits) <= 15:
        raise _wrong("phone", "this is no telephone number", "write it with all its digits")
    if person.id_kind == "resident":
        today = day_of(at)
        wrong = [f for f in read_resident_id(number, today).findings if f.severity is _WRONG]
        if wrong:
            raise _wrong(
                "id_number", f"the identity number cannot be so: {wrong[0].en} ({wrong[0].zh})",
                "compare it with the card; for other papers say id_kind other",
            )  # fmt: skip
    return msgspec.structs.replace(person, id_number=number, name=name, phone=digits)


def odd_of(person: PersonFile, at: float) -> list[str]:
    """Return what a reviewer has to know of a clean person's number, as codes."""
    if person.id_kind != "resident":
        return []
    return [one.code for one in read_resident_id(person.id_number, day_of(at)).findings]


def check_code(claims: Mapping[str, Any]) -> None:
    """Raise InvalidInput for what is no credit code at all. A check character that does not fit is
    for a reviewer."""
    if claims["kind"] == "foreign":
        return
    wrong = [
        one for one in read_credit_code(str(claims["credit_code"])).findings
        if one.severity is _WRONG
    ]  # fmt: skip
    if wrong:
        raise InvalidInput(
            wrong[0].code, f"{wrong[0].en}（{wrong[0].zh}）", field="credit_code", rule="CN-72",
            mend="copy it from the licence; entities from abroad say kind foreign",
        )  # fmt: skip


def _wrong(field: str, words: str, mend: str) -> InvalidInput:
    return InvalidInput(
        f"person_{field}", words, field=f"people.{field}", rule="admission: people", mend=mend
    )
