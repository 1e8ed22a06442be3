"""Imported registers: dated, sourced files, kept with their digest; and what they say of a paper.

Rows hold companies' public facts. Persons in them (legal persons, officers, shareholders) are kept
as keyed digests only, which is enough to find the same ones elsewhere.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from assent.clock import Clock
from assent.errors import Conflict, InvalidInput, NotAllowed
from assent.flow import graph
from assent.flow.admission_requests import RegisterKind
from assent.flow.catalogue import Catalogue
from assent.flow.needs import Queries, Store, Transaction, utc
from assent.flow.old_hand import ENDED, digits_of, register_ties
from assent.flow.requests import Caller
from assent.flow.staff import check_staff, keep_act
from assent.flow.vault import Vault
from assent.registry.calendar import day_of
from assent.registry.credit_code import plain_code
from assent.registry.names import same_name

COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "credit_code": ("credit_code", "统一社会信用代码", "社会信用代码", "信用代码"),
    "name": ("name", "企业名称", "名称", "持证单位", "主办单位名称", "注册人", "机构名称"),
    "number": ("number", "许可证号", "许可证编号", "备案号", "机构编码", "注册号", "证书编号"),
    "phone": ("phone", "联系电话", "电话", "企业联系电话"),
    "legal_person": ("legal_person", "法定代表人", "负责人"),
    "officers": ("officers", "高管", "主要人员", "董监高"),
    "former_officers": ("former_officers", "历史高管", "前任高管"),
    "shareholders": ("shareholders", "股东"),
    "address": ("address", "住所", "地址", "注册地址"),
    "domain": ("domain", "域名", "网站域名"),
    "status": ("status", "状态", "经营状态", "登记状态"),
    "founded_on": ("founded_on", "成立日期"),
    "valid_to": ("valid_to", "有效期至", "有效期"),
    "scope": ("scope", "业务范围", "业务种类"),
    "mark": ("mark", "商标", "商标名称"),
}
"""The names that a column may have."""

PEOPLE: Final = {
    "legal_person": "legal", "officers": "officer", "former_officers": "former_officer",
    "shareholders": "shareholder",
}  # fmt: skip
DATES: Final = ("founded_on", "valid_to")
KINDS_OF_PAPER: Final[dict[str, frozenset[str]]] = {
    "business": frozenset(
        ("business_licence", "institution_certificate", "organisation_certificate",
         "credit_code_certificate", "practice_licence")
    ),
    "telecom": frozenset(("telecom_licence", "number_certificate", "icp_licence")),
    "icp": frozenset(("icp_record", "app_record")),
    "finance": frozenset(
        ("financial_licence", "insurance_licence", "insurance_intermediary_licence",
         "securities_licence", "fund_sales_licence", "fund_management_licence", "payment_licence",
         "local_finance_approval")
    ),
    "trademark": frozenset(("trademark_certificate",)),
}  # fmt: skip
"""Which papers a kind of register tells of."""

_LISTED: Final = 100
_LONGEST: Final = 500


@dataclass(frozen=True, slots=True)
class Match:
    """What registers say of a paper: yes, no, or unknown where they have nothing."""

    result: str
    evidence: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RegisterFile:
    """A file to import. `rows`: (place in the file, cells by column name)."""

    kind: RegisterKind
    source: str
    dated: date
    sha256: bytes
    rows: Sequence[tuple[int, Mapping[str, str]]]


class Registers:
    """The registers of an installation."""

    def __init__(self, store: Store, clock: Clock, vault: Vault, catalogue: Catalogue) -> None:
        self._store = store
        self._clock = clock
        self._vault = vault
        self._catalogue = catalogue

    async def take(self, caller: Caller, file: RegisterFile) -> dict[str, Any]:
        """Keep a file's good rows in one transaction and tell of the wrong ones. The same file
        again changes nothing. Raises InvalidInput for a file without a good row."""
        self._check(caller)
        at = self._clock.now()
        if file.dated > day_of(at):
            raise _wrong("dated", "the register is of a day to come", "give the day of the file")
        good, faults = [], []
        for place, cells in file.rows:
            fault = fault_of(cells)
            if fault is None:
                good.append((place, *self._row(cells)))
            else:
                faults.append({"row": place, **fault})
        if not good:
            raise InvalidInput(
                "register_empty", "no row of the file can be used", field="file",
                rule="admission: registers", mend="see `details` for what is wrong",
                details={"faults": faults[:_LISTED]},
            )  # fmt: skip
        made = await self._store_file(caller, file, good, at)
        return {
            **made,
            "kind": file.kind,
            "source": file.source,
            "dated": file.dated,
            "sha256": file.sha256.hex(),
            "rows": len(good),
            "wrong": len(faults),
            "faults": faults[:_LISTED],
        }

    async def _store_file(
        self, caller: Caller, file: RegisterFile, good: list[tuple[Any, ...]], at: float
    ) -> dict[str, Any]:
        async with self._store.transaction() as tx:
            made = await tx.fetchval(
                "register_file_put", file.kind, file.source, file.dated, file.sha256, len(good),
                utc(at), caller.key_id, caller.actor_id,
            )  # fmt: skip
            if made is None:
                row = await tx.fetchrow("register_file_same", file.kind, file.sha256)
                assert row is not None
                if (row["source"], row["dated"]) != (file.source, file.dated):
                    raise Conflict(
                        "register_known", "the same file was imported with another source or day",
                        field="file", rule="admission: registers",
                        mend="see GET /v1/desk/registers",
                    )  # fmt: skip
                return {"id": str(row["id"]), "new": False}
            columns = ("file_id", "place", "credit_code", "number", "name", "phone", "facts")
            await tx.copy("register_row", columns, [(made, *row) for row in good])
            await self._ties(tx, made, at)
            told = {"kind": file.kind, "source": file.source, "dated": file.dated.isoformat(),
                    "sha256": file.sha256.hex(), "rows": len(good)}  # fmt: skip
            await keep_act(tx, caller, at, "register.import", f"register/{made}", {}, told)
        return {"id": str(made), "new": True}

    async def _ties(self, tx: Transaction, file: int, at: float) -> None:
        """Tie the entities that are known already to what the file says of them."""
        for row in await tx.fetch("register_entities", file):
            for one in register_ties(json.loads(row["facts"])):
                await graph.link(tx, row["entity_id"], one, f"register {file}", at)

    def _row(self, cells: Mapping[str, str]) -> tuple[str, str, str, str, str]:
        facts: dict[str, Any] = {
            name: cells[name].strip()
            for name in ("phone", "address", "domain", "status", "scope", "mark", *DATES)
            if cells.get(name, "").strip()
        }
        people = {
            relation: [*self._marks(cells[column])]
            for column, relation in PEOPLE.items()
            if cells.get(column, "").strip()
        }
        if people:
            facts["people"] = people
        return (
            plain_code(cells.get("credit_code", "")),
            cells.get("number", "").strip(),
            cells.get("name", "").strip(),
            digits_of(cells.get("phone", "")),
            json.dumps(facts, ensure_ascii=False, sort_keys=True),
        )

    def _marks(self, cell: str) -> Iterator[tuple[str, str]]:
        """Yield the persons of a cell, `NAME` or `NAME/IDENTITY NUMBER`, as digests."""
        for one in re.split(r"[;；、|]", unicodedata.normalize("NFKC", cell)):
            name, _, number = (part.strip() for part in one.partition("/"))
            if name:
                yield "name", self._vault.digest(name, "name").hex()
            if number:
                yield "person", self._vault.digest(number.upper(), "person").hex()

    async def listed(self, caller: Caller) -> dict[str, Any]:
        """Return the files that were imported, newest first."""
        self._check(caller)
        rows = await self._store.fetch("register_files")
        return {"items": [_file_told(row) for row in rows]}

    async def look(self, caller: Caller, credit_code: str = "", number: str = "") -> dict[str, Any]:
        """Return what the newest files say of a credit code or a number. Nothing is `unknown`."""
        self._check(caller)
        code = plain_code(credit_code)
        if not code and not number.strip():
            raise _wrong("credit_code", "nothing is asked for", "give a credit code or a number")
        rows = await self._store.fetch("register_rows_of", code, number.strip())
        kinds = await self._store.fetch("register_kinds")
        found = [_row_told(row) for row in rows]
        return {
            "result": "found" if found else "unknown",
            "rows": found,
            "registers": [_file_told(row) for row in kinds],
        }

    def _check(self, caller: Caller) -> None:
        check_staff(self._catalogue, caller)
        if caller.scopes.isdisjoint(("review", "second_review")):
            raise NotAllowed(
                "missing_scope", "only reviewers may do this", field="Authorization",
                rule="http-api: keys", mend="use a key with the scope review",
            )  # fmt: skip


def columns_of(names: Iterable[str]) -> dict[int, str]:
    """Return which of our columns each column of a file is, by its place. Raises InvalidInput where
    none tells who a row is about."""
    known = {alias: name for name, aliases in COLUMNS.items() for alias in aliases}
    found = {
        place: known[name.strip().lower()]
        for place, name in enumerate(names)
        if name.strip().lower() in known
    }
    if not {"credit_code", "number", "name"} & set(found.values()):
        raise _wrong(
            "file", "no column of the file is one of a register",
            f"name the columns {', '.join(COLUMNS)}",
        )  # fmt: skip
    return found


def fault_of(cells: Mapping[str, str]) -> dict[str, str] | None:
    """Return what is wrong with a row, None where nothing is."""
    if not any(cells.get(name, "").strip() for name in ("credit_code", "number")):
        return {"code": "row_nameless", "en": "it has neither a credit code nor a number",
                "zh": "既无统一社会信用代码也无编号"}  # fmt: skip
    for name in DATES:
        text = cells.get(name, "").strip()
        if text and _date(text) is None:
            return {"code": "row_date", "en": f"{name} is no date like 2026-11-22",
                    "zh": f"{name} 日期格式应为 2026-11-22"}  # fmt: skip
    if any(len(value) > _LONGEST for value in cells.values()):
        return {"code": "row_long", "en": f"a cell has more than {_LONGEST} characters",
                "zh": f"单元格超过 {_LONGEST} 字"}  # fmt: skip
    return None


async def compare(queries: Queries, vault: Vault, paper: Any) -> Match:
    """Return what the imported registers say of a paper (a row of `document_get`).

    yes: a row of the right kind of register names the same entity, and the same number where the
    paper has one, and does not say that it ended. no: it says otherwise. unknown: nothing there.
    """
    kind = next((k for k, papers in KINDS_OF_PAPER.items() if paper["kind"] in papers), None)
    if kind is None:
        return Match("unknown", {"why": "no_register", "kind": paper["kind"]})
    number = "" if kind == "business" else paper["number"]
    rows = await queries.fetch("register_rows_of", paper["credit_code"], number)
    rows = [row for row in rows if row["kind"] == kind]
    if not rows:
        return Match("unknown", {"why": "no_data", "register": kind})
    found = [_compared(row, paper, number) for row in rows]
    # One row that agrees is enough where several licences stand under one code; an ended one not.
    agreeing = next((row for row, why in found if not why), None)
    row, why = (agreeing, "") if agreeing is not None else found[0]
    if agreeing is not None and (kind == "business" or number):
        # What a file of the same day or later has as ended no older one keeps alive.
        ended = (r for r, why in found if why == "ended" and r["dated"] >= agreeing["dated"])
        row, why = next(((r, "ended") for r in ended), (row, why))
    evidence = {
        "register": kind, "file": row["file_id"], "row": row["place"], "source": row["source"],
        "dated": row["dated"].isoformat(), "sha256": bytes(row["sha256"]).hex(),
    }  # fmt: skip
    return Match("no" if why else "yes", evidence | ({"why": why} if why else {}))


def _compared(row: Any, paper: Any, number: str) -> tuple[Any, str]:
    facts = json.loads(row["facts"])
    names = {paper["legal_name"], paper["holder"]} - {""}
    until = _date(str(facts.get("valid_to", "")))
    if row["credit_code"] and row["credit_code"] != paper["credit_code"]:
        return row, "other_holder"
    if row["name"] and not all(same_name(name, row["name"]) for name in names):
        return row, "other_name"
    if not row["credit_code"] and not row["name"]:
        return row, "nameless"
    if number and row["number"] and row["number"] != number:
        return row, "other_number"
    if ENDED.search(str(facts.get("status", ""))):
        return row, "ended"
    if until is not None and paper["valid_to"] is not None and paper["valid_to"] > until:
        return row, "other_end"
    return row, ""


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text.strip().replace("/", "-")[:10])
    except ValueError:
        return None


def _file_told(row: Any) -> dict[str, Any]:
    return {
        "id": str(row["id"]),
        "kind": row["kind"],
        "source": row["source"],
        "dated": row["dated"],
        "sha256": bytes(row["sha256"]).hex(),
        "rows": row["rows"],
        "imported_at": row["imported_at"],
    }


def _row_told(row: Any) -> dict[str, Any]:
    facts = json.loads(row["facts"])
    facts.pop("people", None)
    return {
        "kind": row["kind"],
        "source": row["source"],
        "dated": row["dated"],
        "row": row["place"],
        "credit_code": row["credit_code"],
        "name": row["name"],
        "number": row["number"],
        "phone": row["phone"],
        **facts,
    }


def _wrong(field: str, words: str, mend: str) -> InvalidInput:
    return InvalidInput("register", words, field=field, rule="admission: registers", mend=mend)
