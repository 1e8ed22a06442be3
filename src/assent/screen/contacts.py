"""Ways to answer that a text gives: numbers to call, ids to add, addresses, cards to pay to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

import phonenumbers

from assent.screen.finding import Finding, Severity, Span
from assent.screen.links import Reading

__all__ = ["KINDS", "Contact", "contact_findings", "find_contacts"]


@dataclass(frozen=True, slots=True)
class Contact:
    """One contact. `kind` is one of KINDS; `value` its canonical form: digits only for numbers in
    China, +… for foreign ones, small letters for ids and addresses."""

    kind: str
    value: str
    span: Span


# kind → (severity of one that was not filed, en, zh)
KINDS: Final = {
    "mobile": (Severity.HOLD, "a mobile number", "手机号码"),
    "landline": (Severity.NOTE, "a fixed line", "固定电话"),
    "service": (Severity.NOTE, "a 400 or 800 number", "400/800电话"),
    "hotline": (Severity.NOTE, "a short number", "短号码"),
    "port": (Severity.NOTE, "a port number", "短信端口号"),
    "foreign": (Severity.HOLD, "a foreign number", "境外电话"),
    "wechat": (Severity.HOLD, "a WeChat id", "微信号"),
    "qq": (Severity.HOLD, "a QQ number", "QQ号"),
    "email": (Severity.NOTE, "an e-mail address", "电子邮箱"),
    "card": (Severity.HOLD, "what may be a bank card", "疑似银行卡号"),
}

_MAYBE: Final = re.compile(r"\d{3}|@|微|薇|威信|扣扣|企鹅|[vw]x|wechat|weixin|qq", re.IGNORECASE)
# What must stand in a text for a kind to be looked for; numbers need a run of digits.
_RUN: Final = re.compile(r"\d[\d -]{3}\d")
_SIGNS: Final = {
    "email": ("@",),
    "wechat": ("微", "薇", "威", "v", "V", "wx", "WX", "Wx", "we", "We", "WE"),
    "qq": ("qq", "QQ", "Qq", "qQ", "扣", "企鹅"),
    "foreign": ("+",),
}
_EDGE: Final = r"(?<![\d.￥¥$*])"
_UNIT: Final = (
    r"(?![\d*])(?!\.\d)(?!\s?(?:元|块|万|千|人|分|点|平|米|公里|吨|积分|件|%|％|rmb|yuan))"
)
_ID: Final = r"[a-zA-Z][a-zA-Z0-9_-]{5,19}|(?<!\d)\d{6,12}(?!\d)"
_PATTERNS: Final = (
    ("email", re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[a-zA-Z0-9-]{1,63}\.)+[a-zA-Z]{2,24}",
                         re.ASCII)),
    ("wechat", re.compile(
        r"(?:微信|薇信|威信|微(?=[号:：])|weixin|wechat|[加+]\s?v(?:x|信)?|(?<![a-z])vx|(?<![a-z])wx)"
        rf"(?:号码?|id|号是|客服)?(?:[为是:：\s]|->|→){{0,3}}(?P<value>{_ID})", re.IGNORECASE)),
    ("qq", re.compile(r"(?:qq|扣扣|企鹅)(?:群|号|号码|群号|客服)?[为是:：\s]{0,3}"
                      r"(?P<value>[1-9]\d{4,10})(?!\d)", re.IGNORECASE)),
    ("foreign", re.compile(r"(?<![\w+])\+(?!86)[1-9]\d(?:[\s()-]?\d){6,13}(?!\d)")),
    ("card", re.compile(rf"{_EDGE}(?:\d{{4}}[ -]?){{3,4}}\d{{1,4}}(?!\d)")),
    ("port", re.compile(rf"{_EDGE}106\d{{5,17}}{_UNIT}")),
    ("mobile", re.compile(r"(?<![\d.])(?:\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}(?!\d)")),
    ("service", re.compile(r"(?<!\d)[48]00[- ]?\d{3,4}[- ]?\d{3,4}(?!\d)")),
    ("landline", re.compile(
        r"(?<!\d)(?:\+?86[- ]?)?[(（]?0(?:10|2\d|[3-9]\d{2})[)）]?[- ]?"
        r"[2-9]\d{2,3}[- ]?\d{4}(?!\d)")),
    ("hotline", re.compile(rf"{_EDGE}(?:95\d{{3,6}}|96\d{{3,4}}|100\d{{2}}|10086\d{{1,3}}"
                           rf"|12[03]\d{{2}}|1111[48]|1118\d|1010\d{{4}}){_UNIT}", re.IGNORECASE)),
)  # fmt: skip


def find_contacts(reading: Reading) -> tuple[Contact, ...]:
    """Return the contacts of a text in their order, none overlapping; codes are none."""
    text = reading.text
    if not _MAYBE.search(text):
        return ()
    found: list[Contact] = []
    taken: list[Span] = []
    many = bool(_RUN.search(text))
    for kind, pattern in _PATTERNS:
        sign = _SIGNS.get(kind)
        if not many if sign is None else not any(one in text for one in sign):
            continue
        for hit in pattern.finditer(text):
            if any(hit.start() < end and start < hit.end() for start, end in taken):
                continue
            value = _canonical(kind, hit)
            if value is not None:
                taken.append(hit.span())
                group = "value" if "value" in pattern.groupindex else 0
                found.append(Contact(kind, value, reading.span(*hit.span(group))))
    return tuple(sorted(found, key=lambda contact: contact.span))


def _canonical(kind: str, hit: re.Match[str]) -> str | None:
    """Return the canonical form of a hit, or None where it is no such contact."""
    shown = hit.groupdict().get("value") or hit.group()
    if kind in ("email", "wechat"):
        return shown.lower()
    digits = re.sub(r"\D", "", shown)
    if kind == "foreign":
        return _foreign("+" + digits)
    if kind == "card":
        return digits if 15 <= len(digits) <= 19 and _luhn(digits) else None
    if kind in ("mobile", "landline") and len(digits) > 11 and digits.startswith("86"):
        digits = digits[2:]
    if kind == "service" and len(digits) != 10:
        return None
    return digits


def _foreign(number: str) -> str | None:
    """Return a number in E.164 if it can be one."""
    try:
        parsed = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_possible_number(parsed):
        return None
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))


def _luhn(digits: str) -> bool:
    """Tell whether the last digit checks the others, as on cards."""
    if digits[0] not in "3456":
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def contact_findings(
    contacts: Iterable[Contact], filed: frozenset[str] = frozenset()
) -> tuple[Finding, ...]:
    """Return a finding for each contact that was not filed for the sender (canonical forms)."""
    return tuple(_findings(contacts, filed))


def _findings(contacts: Iterable[Contact], filed: frozenset[str]) -> Iterator[Finding]:
    for contact in contacts:
        if contact.value in filed:
            continue
        severity, en, zh = KINDS[contact.kind]
        yield Finding(
            f"contact_{contact.kind}", severity, f"{en} that is not filed for the sender",
            f"{zh}未为该发送方备案", (contact.span,), "contacts-2026.1",
        )  # fmt: skip
