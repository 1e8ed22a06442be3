"""What a text that came over a customer's link is: from which sender, for what, by which template.

Over a link there is a port and a text, nothing else. The port says sender and purpose; where a
number is shared by several senders the 【signature】 says whose it is. A text that one of the
sender's templates makes is that template with its variables: so codes and notices have their basis,
and a thousand texts of one template are one order.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from assent.errors import NotAllowed
from assent.flow.catalogue import Catalogue
from assent.flow.order import Port, Sender, Template
from assent.flow.requests import PurposeWord, SendRequest
from assent.message import Purpose
from assent.registry.templates import first_faults
from assent.text import signature_mark

_PLACEHOLDER: Final = re.compile(r"\{([^{}]{1,64})\}")
_LONGEST_VALUE: Final = 200


@dataclass(frozen=True, slots=True)
class Matched:
    """What a text is. `template` None: it is free text, `content`. `values`: of the template."""

    sender: str
    purpose: PurposeWord
    template: str | None
    content: str
    values: dict[str, str]

    def request(self, port: str) -> SendRequest:
        """Return the order's frame, still without receivers."""
        return SendRequest(
            sender=self.sender,
            purpose=self.purpose,
            port=port,
            text=None if self.template else self.content,
            template=self.template,
            messages=[],
        )


def match(catalogue: Catalogue, account_id: int, number: str, text: str, refusal: str) -> Matched:
    """Return what a text from a port is. `refusal`: the wording that marketing texts end with,
    which templates leave to the platform.

    Raises NotAllowed where the account holds no such port, or several senders share it and the
    text does not say whose it is.
    """
    port = _port(catalogue.ports_held(account_id, number), text)
    sender = catalogue.senders[port.sender_id or 0]
    body = _body(text, port.signature)
    template, values = _template(catalogue, sender, port.purpose, body)
    if template is None and port.purpose is Purpose.MARKETING and refusal:
        bare = body.removesuffix(refusal).rstrip()
        template, values = _template(catalogue, sender, port.purpose, bare)
    word: PurposeWord = port.purpose.name.lower()  # type: ignore[assignment]  # never system
    name = template.name if template else None
    return Matched(sender.credit_code, word, name, "" if template else body, values)


def _port(ports: list[Port], text: str) -> Port:
    """Return the port that a text is from; all of one sender differ in their carrier only."""
    if not ports:
        raise NotAllowed(
            "port_not_held",
            "the account acts for no sender with this port",
            field="source",
            rule="CN-23",
            mend="name a port that was approved for a sender of the account",
        )
    senders = {port.sender_id for port in ports}
    if len(senders) == 1:
        return ports[0]
    for port in ports:
        mark = signature_mark(port.signature)
        if mark and (text.startswith(mark) or text.endswith(mark)):
            return port
    raise NotAllowed(
        "signature_unclear",
        "several senders share this port and the text does not say whose it is",
        field="text",
        rule="CN-70",
        mend="begin the text with the sender's signature",
    )


def _body(text: str, signature: str) -> str:
    """Return a text without its signature, wherever it stands: the platform puts it in front."""
    mark = signature_mark(signature)
    if mark and text.startswith(mark):
        return text[len(mark) :]
    if mark and text.endswith(mark):
        return text[: -len(mark)]
    return text


def _template(
    catalogue: Catalogue, sender: Sender, purpose: Purpose, body: str
) -> tuple[Template | None, dict[str, str]]:
    """Return the template that makes a text, the one that fixes most of it, and its values."""
    best: tuple[int, Template, dict[str, str]] | None = None
    for template in catalogue.templates_of(sender, purpose):
        pieces, names = _pieces(template.body)
        fixed = sum(len(piece) for piece in pieces)
        if best is None or fixed > best[0]:
            values = _values(body, pieces, names)
            if values is not None and _typed(catalogue, template, values):
                best = (fixed, template, values)
    return (None, {}) if best is None else (best[1], best[2])


def _values(text: str, pieces: tuple[str, ...], names: tuple[str, ...]) -> dict[str, str] | None:
    """Return what stands in a template's places, None when it does not make the text.

    Each fixed piece is looked for from the left, once: linear whatever the text, unlike a regular
    expression. A value that contains the piece after it is not found that way.
    """
    first, last = pieces[0], pieces[-1]
    if not names:
        return {} if text == first else None
    end = len(text) - len(last)
    if not text.startswith(first) or not text.endswith(last) or end <= len(first):
        return None
    values: dict[str, str] = {}
    at = len(first)
    for place, (name, piece) in enumerate(zip(names, pieces[1:], strict=True), 1):
        after = end if place == len(names) else text.find(piece, at + 1, end)
        if (not piece and place < len(names)) or not at < after <= at + _LONGEST_VALUE:
            return None
        value = text[at:after]
        if values.setdefault(name, value) != value:
            return None
        at = after + len(piece)
    return values


def _typed(catalogue: Catalogue, template: Template, values: dict[str, str]) -> bool:
    """Tell whether values are what the template's types say: a text with others is not its."""
    columns = {name: [value] for name, value in values.items()}
    hosts = catalogue.hosts.get(template.sender_id, frozenset())
    return not first_faults(template.variables, columns, hosts, 1)


@lru_cache(maxsize=4096)
def _pieces(body: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return a template's fixed pieces and, between each two of them, its variables."""
    parts = _PLACEHOLDER.split(body)
    return tuple(parts[::2]), tuple(parts[1::2])
