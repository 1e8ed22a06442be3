"""Which values put into a text have to be looked at in the text that comes of it.

Codes, amounts, dates and links are only what their types say (registry/templates.py). Names and
texts are not: loan bait in a name is the first thing that is tried. Most names say nothing by
themselves, and are passed by what is cheap to see.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

from assent.flow.order import Order, Template
from assent.flow.refusal_links import VARIABLE as REFUSE_URL

FREE: Final = frozenset({"text", "name"})
"""Types whose values may say anything."""
PLAIN: Final = 6
"""Characters of a message's free values together that are too few to say something."""
_FIGURES: Final = 10
_WORDS: Final = re.compile(
    r"[@/:：]|\.[a-z]{2}|[微薇威vV][信xX]|加[我微vVqQ]|[qQ][qQ]|[贷款息额券奖股彩赌]|借[钱款呗]"
    r"|回复?\d|点击|领取|发票|理财|投资|兼职|代办|套现|提额",
)
_SIGNS: Final = re.compile(rf"\d{{5}}|{_WORDS.pattern}")
SEPARATOR: Final = "\x1f"


def free_variables(order: Order, templates: Mapping[int, Template]) -> list[str]:
    """Return the variables of an order whose values may say anything."""
    return free_names(order.variables or (), templates.get(order.template_id))


def free_names(variables: Iterable[str], template: Template | None) -> list[str]:
    """Return which variables may say anything, by their names; of a free text all may."""
    names = [name for name in variables if name != REFUSE_URL]
    if template is None:
        return names
    typed = {one.name: one.kind for one in template.variables}
    return [name for name in names if typed.get(name, "text") in FREE]


def suspicious(values: Sequence[str]) -> Collection[str]:
    """Return the different values that have to be looked at. `values`: what is put into each
    message, several joined by U+001F."""
    if len(values) == 1:
        return values if _doubtful(values[0]) else ()
    return [one for one in dict.fromkeys(values) if _doubtful(one)]


def _doubtful(value: str) -> bool:
    """Tell whether what is put into one message may say something: one of its values, what they
    come to side by side, or many short ones together."""
    parts = value.split(SEPARATOR)
    if len(parts) == 1:
        return not _plain(value)
    if not all(map(_plain, parts)):
        return True
    together = "".join(parts)
    said = sum(len(part) for part in parts if not (part.isascii() and part.isalnum()))
    return said > 2 * PLAIN or _WORDS.search(together) is not None


def _plain(value: str) -> bool:
    if value.isascii() and value.isalnum():
        return len(value) <= _FIGURES
    return len(value) <= PLAIN and _SIGNS.search(value) is None


def offers(value: str) -> bool:
    """Tell whether a value holds a way to answer, a link or a word of a trade."""
    return _WORDS.search(value) is not None
