"""Templates: a text with typed variables, and whether values are what their types say. Pure.

`{name}` is a text; `{name:code}` a code, and so on (:data:`KINDS`); `{name:text(40)}` a text of at
most 40 characters. What a template fixes was looked at by a reviewer, what is put in was not: so a
value is only as free as its type, and a link leads to a host that was filed (CN-76).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final
from urllib.parse import urlsplit

from assent.errors import InvalidInput

LONGEST_BODY: Final = 500
MOST_VARIABLES: Final = 20
LONGEST_VALUE: Final = 200
"""Characters of a value whose type names no limit."""

_PLACE: Final = re.compile(r"\{([^{}]*)\}")
_NAME: Final = re.compile(r"[^\W\d]\w{0,31}|\d{1,3}")
_TYPED: Final = re.compile(r"([a-z]+)(?:\((\d{1,3})\))?")
_LINK: Final = re.compile(
    r"[a-z][a-z0-9+.-]{1,15}://|(?<![a-z0-9])www\.|[a-z0-9]\.(?:cn|com|net|org|cc|top|xyz|vip|me|io|ly"
    r"|co|link|site|info|biz|shop|online|club|tv|app|mobi|icu|fun)(?![a-z0-9])"
    r"|[a-z0-9][.。](?:[a-z]{2,24}|xn--[a-z0-9-]{1,59}|中国|中國|公司|网络|网址)(?:/|:\d)"
    r"|(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?:/|:\d)",
    re.IGNORECASE,
)
"""What reads like a link, as phones see it: the usual endings of hosts, any ending before a path or
a port, an address of figures."""
_BODY_LINK: Final = re.compile(r"https?://[^\s{}，。；、）)】\"'“”]*", re.IGNORECASE)
_HOST: Final = re.compile(r"(?=.{4,253}$)(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}")
_CONTROL: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]"
)
"""Controls, and marks that nobody sees or that turn a text around; not those that join emoji."""

_CODE: Final = re.compile(r"[0-9A-Za-z]{4,10}")
_AMOUNT: Final = re.compile(
    r"[+-]?[¥￥$€]?(?:\d{1,12}|\d{1,3}(?:,\d{3}){1,3})(?:\.\d{1,4})?元?", re.ASCII
)
_DATE: Final = re.compile(
    r"(?:(?P<year>\d{4})(?:[-/.]|年))?(?P<month>\d{1,2})(?:[-/.]|月)(?P<day>\d{1,2})(?:[日号])?"
    r"(?:[ T]?(?:[01]?\d|2[0-3])[:：][0-5]\d(?:[:：][0-5]\d)?)?",
    re.ASCII,
)
_TIME: Final = re.compile(r"(?:[01]?\d|2[0-3])[:：][0-5]\d(?:[:：][0-5]\d)?", re.ASCII)
_PERSON: Final = re.compile(r"[^\W\d_](?:[^\W\d_]|[ ·•'’-]|\.(?= |$)){0,29}")
_PATH: Final = re.compile(r"[!-~]*")


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable. `limit`: characters of a text."""

    name: str
    kind: str = "text"
    limit: int = LONGEST_VALUE


@dataclass(frozen=True, slots=True)
class Template:
    """A template as it is used: `body` with {name} where a variable goes, without types."""

    body: str
    variables: tuple[Variable, ...]
    hosts: tuple[str, ...] = ()  # that links in its fixed text lead to


@dataclass(frozen=True, slots=True)
class Fault:
    """A value that its variable cannot take."""

    row: int
    name: str
    code: str
    words: str


def parse(body: str) -> Template:
    """Read a template that is handed in. Raises InvalidInput (`template_…`)."""
    if not body.strip() or len(body) > LONGEST_BODY:
        raise _wrong("length", f"a template has 1 to {LONGEST_BODY} characters", "shorten it")
    if "【" in body or "】" in body:
        raise _wrong(
            "signature", "a template has no 【】", "leave the signature to the port", rule="CN-77"
        )
    if _CONTROL.search(body.replace("\n", "")):
        raise _wrong("characters", "the text has control characters", "remove them")
    fixed = _PLACE.sub("\0", body)
    if "{" in fixed or "}" in fixed:
        raise _wrong("brace", "a brace has no partner", "write variables like {name:code}")
    variables: dict[str, Variable] = {}
    for inside in _PLACE.findall(body):
        found = _variable(inside)
        if variables.setdefault(found.name, found) != found:
            raise _wrong(
                "variable", f"{{{found.name}}} has two types", "give it the same type everywhere"
            )
    if len(variables) > MOST_VARIABLES:
        raise _wrong("variable", f"more than {MOST_VARIABLES} variables", "use fewer")
    if not re.search(r"\w", fixed):
        raise _wrong("empty", "nothing but variables", "fix what the message says", rule="CN-76")
    if "\0\0" in fixed:
        raise _wrong(
            "variable", "two variables stand side by side", "put fixed words between them",
            rule="CN-76",
        )  # fmt: skip
    if "\0.\0" in fixed:
        raise _wrong(
            "variable", "two variables with nothing but a dot between them may make a link",
            "use a url variable for a link, or other words between them", rule="CN-76",
        )  # fmt: skip
    if ":/" in _BODY_LINK.sub("", fixed):
        raise _link("the text has a link that is no whole http or https one")
    hosts = tuple(dict.fromkeys(_host_in_body(link) for link in _BODY_LINK.findall(fixed)))
    return Template(plain(body), tuple(variables.values()), hosts)


def _host_in_body(link: str) -> str:
    """Return the host that a link in the fixed text leads to, whatever its variables become."""
    head, variable, _ = link.partition("\0")
    host = host_of(head)
    if host is None:
        raise _link("a link in the text names no host")
    if variable and not re.search(r"[/?#]", head.partition("://")[2]):
        raise _link("a variable would go on with the host of a link")
    return host


def _link(words: str) -> InvalidInput:
    return _wrong(
        "link", words, "write https://host/ in full, or use a url variable for the whole of it",
        rule="CN-76",
    )  # fmt: skip


def _variable(inside: str) -> Variable:
    name, colon, typed = inside.partition(":")
    if not _NAME.fullmatch(name):
        raise _wrong(
            "variable", "a variable's name is a word of letters, digits and _",
            "write it like {name} or {name:code}",
        )  # fmt: skip
    if not colon:
        return Variable(name)
    found = _TYPED.fullmatch(typed)
    kind = found.group(1) if found else ""
    if found is None or kind not in KINDS or (found.group(2) and kind != "text"):
        raise _wrong(
            "type", f"{{{name}}} has a type that there is not",
            f"use one of {', '.join(KINDS)}; a text may have a limit, as in text(40)",
        )  # fmt: skip
    limit = int(found.group(2) or LONGEST_VALUE)
    if not 1 <= limit <= LONGEST_VALUE:
        raise _wrong("type", f"a text has 1 to {LONGEST_VALUE} characters", "change its limit")
    return Variable(name, kind, limit)


def _wrong(code: str, words: str, mend: str, rule: str = "templates: text") -> InvalidInput:
    return InvalidInput(f"template_{code}", words, field="body", rule=rule, mend=mend)


def plain(body: str) -> str:
    """Return a body without its types: {code:code} as {code}."""
    return _PLACE.sub(lambda found: "{" + _bare(found.group(1)) + "}", body)


def _bare(inside: str) -> str:
    name, colon, typed = inside.partition(":")
    found = _TYPED.fullmatch(typed)
    return name if colon and found and found.group(1) in KINDS else inside


def stored(body: str) -> Template:
    """Read a body as it is stored. What was filed before there were types has variables whose
    names are anything: they are texts. Never raises."""
    variables: dict[str, Variable] = {}
    for inside in _PLACE.findall(body):
        name = _bare(inside)
        try:
            found = _variable(inside)
        except InvalidInput:
            found = Variable(name)
        variables.setdefault(name, found)
    return Template(plain(body), tuple(variables.values()))


# Values ------------------------------------------------------------------------------------


def looks_like_link(text: str) -> bool:
    """Tell whether something in a text reads like a link."""
    return _LINK.search(text) is not None


def host_of(link: str) -> str | None:
    """Return the host of a link, in small letters; None for what is no plain https or http link
    to a named host: an address, a user before it and an odd port are none."""
    try:
        parts = urlsplit(link)
        port = parts.port
    except ValueError:
        return None
    host = parts.hostname or ""
    usual = parts.scheme in ("http", "https") and port in (None, 80, 443)
    if not usual or "@" in parts.netloc or "\\" in link or not _HOST.fullmatch(host):
        return None
    return host


def check_host(host: str) -> str:
    """Return a host as it is filed. Raises InvalidInput."""
    told = host.strip().lower().rstrip(".")
    if not _HOST.fullmatch(told):
        raise InvalidInput(
            "bad_host", "this is no host's name", field="host", rule="CN-76",
            mend="write it like shop.example.cn (its ASCII form), without https:// and path",
        )  # fmt: skip
    return told


def _text(value: str, limit: int, hosts: Collection[str]) -> str | None:
    if len(value) > limit:
        return f"has more than {limit} characters"
    if _CONTROL.search(value) or "{" in value or "}" in value:
        return "has a control character or a brace"
    if _LINK.search(value if value.isascii() else unicodedata.normalize("NFKC", value)):
        return "has a link; a link needs a variable of the type url"
    return None


def _matching(pattern: re.Pattern[str], words: str) -> Callable[..., str | None]:
    return lambda value, limit, hosts: None if pattern.fullmatch(value) else words


def _day(value: str, limit: int, hosts: Collection[str]) -> str | None:
    if _TIME.fullmatch(value):
        return None
    found = _DATE.fullmatch(value)
    if found is None:
        return "is no date"
    try:  # a leap year where none is named: 2月29日 is one
        date(int(found["year"] or 2024), int(found["month"]), int(found["day"]))
    except ValueError:
        return "is no day of the calendar"
    return None


def _url(value: str, limit: int, hosts: Collection[str]) -> str | None:
    if len(value) > limit or not _PATH.fullmatch(value) or "{" in value or "}" in value:
        return "is no link of printable ASCII characters"
    host = host_of(value)
    if host is None:
        return "is no link to a named host"
    return None if host in hosts else "leads to a host that was not filed for the sender"


KINDS: Final[Mapping[str, Callable[[str, int, Collection[str]], str | None]]] = {
    "text": _text,
    "code": _matching(_CODE, "is no code of 4 to 10 letters and digits"),
    "amount": _matching(_AMOUNT, "is no amount"),
    "date": _day,
    "name": _matching(_PERSON, "is no name of at most 30 letters"),
    "url": _url,
}
"""Type → what is wrong with a value, given the limit of a text and the sender's filed hosts."""


def first_faults(
    variables: Sequence[Variable],
    columns: Mapping[str, Sequence[str]],
    hosts: Collection[str],
    most: int = 20,
) -> list[Fault]:
    """Return the first values that are not what their types say, by row.

    Each different value is looked at once: what ten thousand people get alike costs one look.
    """
    faults: list[Fault] = []
    for variable in variables:
        column = columns.get(variable.name)
        if column is None:
            continue
        check, limit = KINDS[variable.kind], variable.limit
        wrong = {}
        for value in set(column):
            words = check(value, limit, hosts)
            if words is not None:
                wrong[value] = words
        if not wrong:
            continue
        code = "host_not_filed" if variable.kind == "url" else "bad_variable"
        for row, value in enumerate(column):
            if value in wrong:
                words = wrong[value]
                told = code if "not filed" in words else "bad_variable"
                faults.append(Fault(row, variable.name, told, words))
                if len(faults) >= most * len(variables):
                    break
    return sorted(faults, key=lambda fault: fault.row)[:most]


def check_values(
    variables: Sequence[Variable],
    columns: Mapping[str, Sequence[str]],
    hosts: Collection[str],
    field: Callable[[int, str], str],
) -> None:
    """Raise InvalidInput for values that are not what their types say: the first as `field`, all
    that were looked at in `details`. No value is told."""
    faults = first_faults(variables, columns, hosts)
    if faults:
        first = faults[0]
        raise InvalidInput(
            first.code, f"a value for {{{first.name}}} {first.words}",
            field=field(first.row, first.name), rule="templates: types",
            mend="correct the value; docs/templates.md tells what each type takes",
            details={"rows": [
                {"field": field(one.row, one.name), "code": one.code, "reason": one.words}
                for one in faults
            ]},
        )  # fmt: skip
