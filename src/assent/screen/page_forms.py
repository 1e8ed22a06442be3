"""What the forms of a page ask a visitor for, by types, names and labels of their fields."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from selectolax.lexbor import LexborHTMLParser, LexborNode

GRAVE: Final = ("card", "password", "code", "id_number")
"""What is stolen with forms."""

_MOST_FORMS: Final = 16
MOST_FIELDS: Final = 500
_TYPES: Final = {"password": "password", "tel": "phone"}
_COMPLETE: Final = (
    ("cc-", "card"), ("current-password", "password"), ("new-password", "password"),
    ("one-time-code", "code"), ("tel", "phone"),
)  # fmt: skip
_WORDS: Final = (
    ("password", re.compile(
        r"密\s*码|口\s*令|passw(?:or)?d|passcode|\bpwd\b|(?:^|[_\W])pin(?:$|[_\W])|paypwd|mima"
    )),
    ("card", re.compile(
        r"卡\s*号|银行卡|信用卡|储蓄卡|借记卡|有效期|安全码|银行账[号户]|bank\s?_?-?card|card\s?_?-?(?:no|num|number)"
        r"|cardholder|(?:credit|debit)\s?_?-?card|\bcvv2?\b|\bcvc2?\b|\bcsc\b|expir|\bmm\s?/\s?yy|\biban\b"
        r"|account\s?(?:no|number)|yinhangka|kahao"
    )),
    ("code", re.compile(
        r"(?:短信|手机|动态|校验|确认|交易)\s*(?:验证)?码|(?<!图形)(?<!图片)验证码|\botp\b|one.?time|sms.?code"
        r"|verif(?:y|ication).?code|auth.?code|\b2fa\b|yzm"
    )),
    ("id_number", re.compile(
        r"身份证|证件号|护照号|社保[卡号]|id\s?_?-?card|identity.?(?:no|num|card)|id.?number|\bidno\b|\bssn\b"
        r"|social security|passport.?(?:no|num)|sfz|shenfen"
    )),
    ("phone", re.compile(r"手机|电话|mobile|phone|\btel\b")),
)  # fmt: skip
_PICTURE: Final = re.compile(r"图形|图片|captcha|imgcode|piccode")
_SILENT: Final = frozenset({"hidden", "submit", "button", "reset", "image", "checkbox", "radio"})


@dataclass(frozen=True, slots=True)
class Form:
    """A form. `to`: the host it posts to, '' for the page's own. `asks`: what it asks for, sorted.
    `fields`: how many a visitor fills in."""

    to: str
    asks: tuple[str, ...]
    fields: int


def forms_of(tree: LexborHTMLParser, other: Callable[[str], str]) -> tuple[Form, ...]:
    """Return a page's forms that have fields. Fields outside of any form make one together.
    `other`: the host that a link leads to, '' for the page's own."""
    labels = _labels(tree)
    found: dict[int, tuple[str, list[frozenset[str]]]] = {}
    for field in tree.css("input,select,textarea")[:MOST_FIELDS]:
        if str(field.attributes.get("type") or "").lower() in _SILENT:
            continue
        form = _form_around(field)
        key = 0 if form is None else form.mem_id
        to = "" if form is None else other(str(form.attributes.get("action") or ""))
        found.setdefault(key, (to, []))[1].append(_asks(field, labels))
    forms = {
        Form(to, tuple(sorted(frozenset[str]().union(*asked))), len(asked))
        for to, asked in found.values()
    }
    return tuple(sorted(forms, key=lambda form: (form.to, form.asks, form.fields)))[:_MOST_FORMS]


def _labels(tree: LexborHTMLParser) -> dict[str, str]:
    return {
        str(label.attributes["for"]): (label.text(deep=True) or "")[:60]
        for label in tree.css("label[for]")[:MOST_FIELDS]
    }


def _form_around(node: LexborNode) -> LexborNode | None:
    return next((one for one in _above(node, 200) if one.tag == "form"), None)


def _above(node: LexborNode, most: int) -> Iterable[LexborNode]:
    parent = node.parent
    while parent is not None and most:
        yield parent
        parent, most = parent.parent, most - 1


def _asks(field: LexborNode, labels: dict[str, str]) -> frozenset[str]:
    attributes = field.attributes
    asked = set()
    kind = str(attributes.get("type") or "").lower()
    if kind in _TYPES:
        asked.add(_TYPES[kind])
    complete = str(attributes.get("autocomplete") or "").lower()
    asked |= {what for word, what in _COMPLETE if any(w.startswith(word) for w in complete.split())}
    told = " | ".join(_told(field, labels)).lower()
    for what, pattern in _WORDS:
        if pattern.search(told) and not (what == "code" and _PICTURE.search(told)):
            asked.add(what)
            break  # the gravest first: one field asks for one thing
    return frozenset(asked)


def _told(field: LexborNode, labels: dict[str, str]) -> list[str]:
    """Return what a field is called: by its attributes, its label, the words before it."""
    attributes = field.attributes
    names = ("name", "id", "placeholder", "aria-label", "title", "data-label")
    told = [str(attributes.get(name) or "")[:60] for name in names]
    told.append(labels.get(str(attributes.get("id") or ""), ""))
    told += [(one.text(deep=True) or "")[:60] for one in _above(field, 3) if one.tag == "label"]
    before = field.prev
    for _ in range(3):
        if before is None:
            break
        told.append((before.text(deep=True) or before.text_content or "")[:40].strip())
        before = before.prev
    parent = field.parent
    cell = None if parent is None else parent.prev
    while cell is not None and cell.tag == "-text":
        cell = cell.prev
    if cell is not None and cell.tag in ("td", "th", "dt", "span", "label", "div"):
        told.append((cell.text(deep=True) or "")[:40].strip())
    return told
