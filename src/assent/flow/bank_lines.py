"""What banks tell of payments: camt.053 statements and CSV files, read into lines. No I/O.

Both are handed in by people and may be anything, so everything is bounded and a file that is not
understood whole is refused whole: half a bank statement is worse than none.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import Any, Final, Literal
from xml.parsers import expat

from assent.errors import InvalidInput, TooLarge

MOST_LINES: Final = 20_000
MOST_OCTETS: Final = 32 * 1024 * 1024
_DEEPEST: Final = 40
_AMOUNT: Final = re.compile(r"(\d{1,12})(?:\.(\d{1,6}))?")
_GROUPED: Final = re.compile(r"-?\d{1,3}(?:,\d{3})+(?:\.\d*)?")
_NOTHING: Final = re.compile(r"-?0*(?:\.0*)?")
_CURRENCY: Final = re.compile(r"[A-Z]{3}")
_LONGEST: Final = 1_000

Kind = Literal["credit", "return"]


@dataclass(frozen=True, slots=True)
class BankLine:
    """One payment that came in, or one that went back to who had paid. `amount` in micro-units;
    `originals`: names by which a return may call the line that it takes back."""

    kind: Kind
    external_id: str
    booked_on: date
    amount: int
    currency: str
    payer: str
    payer_account: str = ""
    text: str = ""
    originals: tuple[str, ...] = ()

    def digest(self) -> bytes:
        """Return 32 octets that are the same for the same line, however it is spaced and wide."""
        parts = (
            self.kind, self.external_id, self.booked_on.isoformat(), str(self.amount),
            self.currency, self.payer, self.payer_account, self.text,
        )  # fmt: skip
        plain = ("".join(unicodedata.normalize("NFKC", part).split()) for part in parts)
        return hashlib.sha256("\0".join(plain).encode()).digest()


@dataclass(slots=True)
class BankFile:
    """What a file held: its lines, and how many entries are none of ours (not booked yet, or money
    that we paid)."""

    lines: list[BankLine] = field(default_factory=list)
    skipped: Counter[str] = field(default_factory=Counter)


def bad_file(words: str, place: str, mend: str) -> InvalidInput:
    """Return the error for a file that cannot be read."""
    return InvalidInput("bank_file", words, field=place, rule="money: bank files", mend=mend)


def micro(text: str, place: str) -> int:
    """Return an amount in micro-units. Raises InvalidInput."""
    found = _AMOUNT.fullmatch(text.strip())
    if found is None:
        raise bad_file("not an amount", place, "write it like 1234.56")
    amount = int(found[1]) * 1_000_000 + int((found[2] or "").ljust(6, "0"))
    if amount == 0:
        raise bad_file("the amount is nothing", place, "leave the line out")
    return amount


def named(lines: Sequence[BankLine]) -> list[BankLine]:
    """Give lines that their bank did not name a name: what they say, and which of its like on that
    day it is. The same line of an overlapping file gets the same name."""
    seen: Counter[bytes] = Counter()
    found = []
    for line in lines:
        if not line.external_id:
            said = line.digest()
            seen[said] += 1
            line = replace(line, external_id=f"={said.hex()[:40]}.{seen[said]}")
        found.append(line)
    return found


# camt.053 ----------------------------------------------------------------------------------


@dataclass(slots=True)
class _Node:
    name: str
    attributes: dict[str, str]
    text: list[str] = field(default_factory=list)
    children: list[_Node] = field(default_factory=list)

    def all(self, *names: str) -> Iterator[_Node]:
        if not names:
            yield self
            return
        for one in self.children:
            if one.name == names[0]:
                yield from one.all(*names[1:])

    def said(self, *names: str) -> str:
        return next(("".join(one.text).strip() for one in self.all(*names)), "")[:_LONGEST]

    def first(self, *names: str) -> _Node | None:
        return next(self.all(*names), None)


def _tree(data: bytes) -> _Node:
    """Parse XML that declares nothing: no document type, so no entity to expand or fetch."""
    root = _Node("", {})
    open_: list[_Node] = [root]
    count = 0

    def begin(name: str, attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if len(open_) > _DEEPEST or count > 100 * MOST_LINES:
            raise bad_file("the XML is too deep or too large", "file", "split the file")
        node = _Node(name.rpartition(" ")[2], attributes)
        open_[-1].children.append(node)
        open_.append(node)

    def refuse(*_: Any) -> int:
        raise bad_file(
            "the XML declares a document type or entities", "file",
            "export the statement again: camt.053 has neither",
        )  # fmt: skip

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = begin
    parser.EndElementHandler = lambda _: open_.pop()
    parser.CharacterDataHandler = lambda text: open_[-1].text.append(text)
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    parser.ExternalEntityRefHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise bad_file(
            f"not well-formed XML (line {error.lineno})", "file", "hand in the bank's file as it is"
        ) from None
    return root


def read_camt053(data: bytes, own_account: str = "") -> BankFile:
    """Return the lines of a camt.053 statement. `own_account`: the IBAN or number whose statements
    are expected, '' for any. Raises InvalidInput, TooLarge."""
    _check_size(data)
    statements = list(_tree(data).all("Document", "BkToCstmrStmt", "Stmt"))
    if not statements:
        raise bad_file("there is no Document/BkToCstmrStmt/Stmt", "file", "hand in a camt.053 file")
    found = BankFile()
    for statement in statements:
        account = statement.said("Acct", "Id", "IBAN") or statement.said("Acct", "Id", "Othr", "Id")
        if own_account and account.replace(" ", "") != own_account.replace(" ", ""):
            raise bad_file(
                "the statement is of another account", "Stmt/Acct/Id",
                "hand it in at the payment port of that account",
            )  # fmt: skip
        for number, entry in enumerate(statement.all("Ntry"), start=1):
            _entry(entry, f"Ntry[{number}]", found)
    if len(found.lines) > MOST_LINES:
        raise TooLarge("bank_file", f"more than {MOST_LINES} lines", field="file", mend="split it")
    found.lines = named(found.lines)
    return found


def _entry(entry: _Node, place: str, found: BankFile) -> None:
    status = entry.said("Sts", "Cd") or entry.said("Sts")
    if status != "BOOK":
        found.skipped["not_booked"] += 1
        return
    reversal = entry.said("RvslInd").lower() == "true"
    details = list(entry.all("NtryDtls", "TxDtls")) or [_Node("TxDtls", {})]
    for number, detail in enumerate(details, start=1):
        # One entry may be what came in less what went out: each part says which it is.
        credit = (detail.said("CdtDbtInd") or entry.said("CdtDbtInd")) == "CRDT"
        came_back = reversal or detail.first("RtrInf") is not None
        if not credit and not came_back:
            found.skipped["paid_by_us"] += 1
        elif credit and came_back:
            found.skipped["our_payment_came_back"] += 1
        else:
            several = len(details) > 1
            line = _line(entry, detail, f"{place}/TxDtls[{number}]", several)
            found.lines.append(replace(line, kind="credit" if credit else "return"))


def _line(entry: _Node, detail: _Node, place: str, several: bool) -> BankLine:
    """Return a transaction; `several`: its entry has more, so that the entry's own name and amount
    are not its."""
    amount = (
        (None if several else entry.first("Amt"))  # what was booked, whatever was sent
        or detail.first("Amt")
        or detail.first("AmtDtls", "TxAmt", "Amt")
    )
    if amount is None:
        raise bad_file("a transaction has no amount", place, "ask the bank for details")
    currency = amount.attributes.get("Ccy", "")
    if not _CURRENCY.fullmatch(currency):
        raise bad_file("the amount has no currency", f"{place}/Amt", "Ccy is three letters")
    own = detail.said("Refs", "AcctSvcrRef") or ("" if several else entry.said("AcctSvcrRef"))
    texts = [node.text for node in detail.all("RmtInf", "Ustrd")]
    texts += [node.text for node in detail.all("RmtInf", "Strd", "CdtrRefInf", "Ref")]
    names = [detail.said("Refs", name) for name in ("TxId", "EndToEndId", "InstrId")]
    party = detail.first("RltdPties", "Dbtr", "Pty") or detail.first("RltdPties", "Dbtr")
    payer = "" if party is None else party.said("Nm")
    account = detail.said("RltdPties", "DbtrAcct", "Id", "IBAN") or detail.said(
        "RltdPties", "DbtrAcct", "Id", "Othr", "Id"
    )
    day = entry.said("BookgDt", "Dt") or entry.said("BookgDt", "DtTm")[:10]
    return BankLine(
        "credit", own, _day(day, "%Y-%m-%d", f"{place}/BookgDt"),
        micro("".join(amount.text), f"{place}/Amt"), currency, payer, account,
        " ".join("".join(text).strip() for text in texts)[:_LONGEST],
        tuple(name for name in names if name and name != "NOTPROVIDED"),
    )  # fmt: skip


def _day(text: str, form: str, place: str) -> date:
    try:
        return datetime.strptime(text.strip(), form).replace(tzinfo=UTC).date()
    except ValueError:
        raise bad_file("not a date", place, f"write it like {form}") from None


# CSV ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CsvForm:
    """How a bank's CSV is read. `columns`: what → the name of its column; needed are `booked_on`,
    `amount` and `payer`; `out` is a second amount of money that went out; `id`, `currency`,
    `payer_account`, `text`, `original`. A line with money out is a return if its text holds one of
    `return_words`, else a payment of ours."""

    columns: Mapping[str, str]
    currency: str = "CNY"
    date_format: str = "%Y-%m-%d"
    delimiter: str = ","
    encoding: str = "utf-8-sig"
    return_words: tuple[str, ...] = ("退汇", "退款", "RETURN")


CSV_COLUMNS: Final = frozenset(
    {"booked_on", "amount", "out", "payer", "id", "currency", "payer_account", "text", "original"}
)


def read_csv(data: bytes, form: CsvForm) -> BankFile:
    """Return the lines of a CSV file. Raises InvalidInput naming the row, TooLarge."""
    _check_size(data)
    try:
        text = data.decode(form.encoding)
    except UnicodeDecodeError:
        raise bad_file(
            f"the file is not {form.encoding}", "file", "set the payment port's encoding"
        ) from None
    if "\x00" in text:
        raise bad_file("the file holds NUL", "file", "hand in the bank's file as it is")
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=form.delimiter, strict=True)
    try:
        missing = [name for name in form.columns.values() if name not in (reader.fieldnames or ())]
        if missing:
            raise bad_file(
                "a column is missing",
                "header",
                f"the columns are {', '.join(form.columns.values())}",
            )
        found = BankFile()
        for number, row in enumerate(reader, start=2):
            _row(row, form, f"row {number}", found)
            if len(found.lines) > MOST_LINES:
                raise TooLarge(
                    "bank_file", f"more than {MOST_LINES} lines", field="file", mend="split it"
                )
    except csv.Error:
        raise bad_file("not a CSV file", "file", "hand in the bank's file as it is") from None
    found.lines = named(found.lines)
    return found


def _row(row: Mapping[str, Any], form: CsvForm, place: str, found: BankFile) -> None:
    def cell(what: str) -> str:
        name = form.columns.get(what)
        value = row.get(name) if name else None
        return str(value or "").strip().lstrip("\t'")[:_LONGEST]

    def money(what: str) -> str:
        # Only commas between thousands: 10,50 is not 1050, and who means 10.50 is not guessed.
        text = cell(what).replace("，", ",")
        return text.replace(",", "") if _GROUPED.fullmatch(text) else text

    came, went = money("amount"), money("out")
    if _NOTHING.fullmatch(went) and came.startswith("-"):
        came, went = "", came[1:]
    out, nothing_out = (_NOTHING.fullmatch(one) is not None for one in (came, went))
    text = cell("text")
    if not (out or nothing_out):
        raise bad_file("money came in and went out", place, "one of them has to be empty")
    if out and nothing_out:
        found.skipped["no_amount"] += 1
        return
    if out and not any(word.lower() in text.lower() for word in form.return_words):
        found.skipped["paid_by_us"] += 1
        return
    currency = cell("currency") or form.currency
    if not _CURRENCY.fullmatch(currency):
        raise bad_file("the currency is not three letters", place, "write it like CNY")
    original = cell("original")
    line = BankLine(
        "return" if out else "credit", cell("id"),
        _day(cell("booked_on"), form.date_format, place), micro(went if out else came, place),
        currency, cell("payer"), cell("payer_account"), text, (original,) if original else (),
    )  # fmt: skip
    found.lines.append(line)


def _check_size(data: bytes) -> None:
    if len(data) > MOST_OCTETS:
        raise TooLarge(
            "bank_file", f"more than {MOST_OCTETS} octets", field="file", mend="split it"
        )


Reader = Callable[[bytes], BankFile]
"""What a payment port is: octets of a file → its lines."""
