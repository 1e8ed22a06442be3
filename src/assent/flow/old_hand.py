"""What an old hand looks at before an application is taken: who arrives, from which house, what
registers say, with whom it shares people and papers. Signals decide nothing; a reviewer does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

import msgspec
import tldextract

from assent.errors import InvalidInput
from assent.flow import graph
from assent.flow.admission_requests import PersonFile
from assent.flow.desk import Desk
from assent.flow.graph import Tie, tie
from assent.flow.matters import Note
from assent.flow.needs import Queries, Transaction
from assent.flow.qualified import persons_needed
from assent.registry.calendar import day_of
from assent.registry.table import Table

PUBLIC_MAIL: Final = frozenset(
    ("qq.com", "163.com", "126.com", "sina.com", "sina.cn", "sohu.com", "139.com", "189.cn",
     "aliyun.com", "foxmail.com", "gmail.com", "outlook.com", "hotmail.com", "yahoo.com",
     "icloud.com", "yeah.net", "21cn.com", "wo.cn", "proton.me")
)  # fmt: skip
"""Hosts of mail for everybody: they tell nothing of an entity."""

_SIGNALS: Final[dict[str, tuple[str, str]]] = {
    "one_person": (
        "a financial house arrives as one person with a copy of a licence",
        "金融机构仅由一名人员持执照副本申请",
    ),
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
    "no_website": ("it names no website", "未填报网站"),
    "website_unregistered": (
        "the website is not the one that the register has for it", "网站与备案信息不一致",
    ),
    "mail_elsewhere": (
        "its mail comes from outside its own domain", "邮箱域名与主体域名不一致",
    ),
    "call_back_missing": (
        "nobody has called its publicly listed number yet", "尚未回拨公开登记电话",
    ),
    "younger_than_business": (
        "it was founded after the business that a paper claims", "成立日期晚于材料所载业务起始日期",
    ),
    "holder_differs": (
        "a paper is held in another name", "材料持有人名称与主体名称不一致",
    ),
    "number_elsewhere": (
        "another entity handed in a paper with the same number", "其他主体提交过同一编号的材料",
    ),
    "claims_differ": (
        "what is claimed differs from what is known of the entity", "填报信息与已登记信息不一致",
    ),
    "register_no": ("a register contradicts it", "登记机关信息与填报不符"),
    "register_unknown": (
        "no register that we have says anything of it", "现有登记数据中查无该主体",
    ),
    "register_ended": ("a register has it as closed or revoked", "登记机关显示已注销或吊销"),
    "entity_gone": ("the entity was suspended or revoked here", "该主体已被平台暂停或清退"),
    "other_account": ("another account applied with the same entity", "其他账户以同一主体申请"),
}  # fmt: skip

_EXTRACT: Final = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
ENDED: Final = re.compile(r"注销|吊销|撤销|revoked|closed|cancel|dissolved", re.IGNORECASE)


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
        entity_id = application["entity_id"]
        entity = await queries.fetchrow("entity_get", entity_id)
        people = await queries.fetch("people_about", entity_id, application["account_id"])
        papers = await queries.fetch("documents_about", entity_id)
        rows = await queries.fetch("register_rows_of", str(claims["credit_code"]), "")
        found = [
            *self._of_people(claims, people, papers),
            *_of_hosts(claims, rows),
            *_of_papers(claims, papers),
            *_of_entity(claims, entity),
            *_of_registers(claims, rows),
        ]
        for paper in papers:
            if paper["number"] and await queries.fetchval(
                "document_number_elsewhere", paper["kind"], paper["number"], entity_id
            ):
                found.append(note("number_elsewhere", document=str(paper["id"])))
        others = await queries.fetch("applications_about", entity_id)
        own = application["account_id"]
        if any(other["account_id"] != own for other in others):
            found.append(note("other_account"))
        return [*found, *await graph.flags(queries, entity_id)]

    def _of_people(
        self, claims: Mapping[str, Any], people: Sequence[Any], papers: Sequence[Any]
    ) -> Iterator[Note]:
        industry = self._table.industry(str(claims["industry"]))
        persons = {bytes(person["person"]) for person in people}
        answerable = [person for person in people if person["role"] in ("legal", "responsible")]
        called = any(paper["seen"] == "call_back" for paper in papers)
        if industry is not None and industry.finance and len(persons) < 2:
            yield note("one_person")
        if not answerable:
            yield note("nobody_named")
        if any(person["matched"] == "unknown" for person in answerable):
            yield note("person_not_matched")
        if any(person["matched"] == "no" for person in people):
            yield note("person_mismatch")
        if industry is not None and industry.finance and not called:
            yield note("call_back_missing")

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
    host = registered(str(facts.get("domain", "")))
    if host:
        yield tie("domain", host, "website")


def _of_hosts(claims: Mapping[str, Any], rows: Sequence[Any]) -> Iterator[Note]:
    website = registered(str(claims["website"]))
    mail = registered(str(claims["mail_domain"]))
    if not website:
        yield note("no_website")
    known = {registered(str(json.loads(row["facts"]).get("domain", ""))) for row in rows} - {""}
    if website and known and website not in known:
        yield note("website_unregistered", website=website, registered=sorted(known))
    if mail and (mail in PUBLIC_MAIL or (website and mail != website and mail not in known)):
        yield note("mail_elsewhere", mail=mail)


def _of_papers(claims: Mapping[str, Any], papers: Sequence[Any]) -> Iterator[Note]:
    name = plain(str(claims["legal_name"]))
    founded = claims.get("founded_on")
    for paper in papers:
        told = {"document": str(paper["id"]), "kind": paper["kind"]}
        if paper["holder"] and plain(paper["holder"]) != name:
            yield note("holder_differs", **told)
        began = paper["valid_from"]
        if founded and began is not None and began.isoformat() < str(founded):
            yield note("younger_than_business", founded_on=founded, began=began.isoformat(), **told)


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
    if newest["name"] and plain(newest["name"]) != plain(str(claims["legal_name"])):
        yield note("register_no", file=newest["file_id"], dated=newest["dated"].isoformat())
    if ENDED.search(str(facts.get("status", ""))):
        yield note("register_ended", file=newest["file_id"], dated=newest["dated"].isoformat())


def note(code: str, **more: Any) -> Note:
    """Return a signal by its code."""
    en, zh = _SIGNALS[code]
    return Note(code, en, zh, more or None)


def registered(host: str) -> str:
    """Return the registrable domain of a host or address, '' where there is none. No network."""
    return _EXTRACT(host.strip().lower()).top_domain_under_public_suffix


def hosts_of(claims: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield an entity's own hosts with how it has them; hosts of everybody's mail are none."""
    for word in ("website", "mail_domain"):
        host = registered(str(claims[word]))
        if host and host not in PUBLIC_MAIL:
            yield host, word


def digits_of(phone: str) -> str:
    """Return a telephone number's digits, without the country's prefix."""
    digits = re.sub(r"\D", "", phone)
    if digits.startswith("0086"):
        return digits[4:]
    return digits[2:] if digits.startswith("86") and len(digits) > 11 else digits


def clean_person(person: PersonFile, at: float) -> PersonFile:
    """Return a person with number and name as they are compared. Raises InvalidInput, which never
    repeats what was given."""
    number = re.sub(r"\s", "", person.id_number).upper()
    name = re.sub(r"\s", " ", person.name).strip()
    digits = digits_of(person.phone)
    if not name:
        raise _wrong("name", "the name is empty", "write the name as the identity paper has it")
    if not 5 <= len(digits) <= 15:
        raise _wrong("phone", "this is no telephone number", "write it with all its digits")
    if person.id_kind == "resident" and not _resident(number, at):
        raise _wrong(
            "id_number", "this is no resident identity number of a grown person",
            "compare it with the card; for other papers say id_kind other",
        )  # fmt: skip
    return msgspec.structs.replace(person, id_number=number, name=name, phone=digits)


_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def _resident(number: str, at: float) -> bool:
    if re.fullmatch(r"[1-9]\d{5}(18|19|20)\d{9}[\dX]", number) is None:
        return False
    total = sum(int(c) * w for c, w in zip(number, _WEIGHTS, strict=False))
    today = day_of(at)
    grown = f"{today.year - 18:04d}{today.month:02d}{today.day:02d}"
    return "10X98765432"[total % 11] == number[17] and number[6:14] <= grown


def plain(name: str) -> str:
    """Return a name as it is compared: brackets and blanks are written in several ways."""
    return re.sub(r"\s", "", name).translate(str.maketrans("（）", "()")).casefold()


def _wrong(field: str, words: str, mend: str) -> InvalidInput:
    return InvalidInput(
        f"person_{field}", words, field=f"people.{field}", rule="admission: people", mend=mend
    )
