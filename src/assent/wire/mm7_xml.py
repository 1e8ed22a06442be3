"""XML of MM7: read from strangers with nothing expanded and everything bounded, written by hand.

A document type declaration is refused before anything is parsed: what an entity could expand to
(CWE-776) or fetch (CWE-611) is declared there and nowhere else. The text is decoded here as UTF-8,
so that no other encoding can hide one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final
from xml.parsers import expat
from xml.sax.saxutils import escape as _escape

from assent.wire.frame import MalformedPdu

SIZE: Final = 256 * 1024
"""Octets of an envelope, at most."""

DEPTH: Final = 32
ELEMENTS: Final = 4096

_DECLARATION: Final = re.compile(r"\A\s*<\?xml[^>]*\?>")
_DOCTYPE: Final = re.compile(r"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
_FORBIDDEN: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(slots=True)
class Element:
    """An element: its name without namespace, attributes likewise, text, and what is in it."""

    name: str
    space: str
    attributes: dict[str, str]
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def child(self, *names: str) -> Element | None:
        """Return the first child of the first child … of these names."""
        found: Element | None = self
        for name in names:
            if found is None:
                return None
            found = next((one for one in found.children if one.name == name), None)
        return found

    def said(self, *names: str) -> str:
        """Return the text of such a child without blanks around it, '' where there is none."""
        found = self.child(*names)
        return "" if found is None else found.text.strip()

    def walk(self) -> Iterator[Element]:
        """Yield the element and all within, outer ones first."""
        waiting = [self]
        while waiting:
            one = waiting.pop()
            yield one
            waiting.extend(reversed(one.children))


def parse(data: bytes) -> Element:
    """Return the root of a document. Raises MalformedPdu for what is no XML in UTF-8, is larger,
    deeper or of more elements than the limits say, or declares a document type."""
    if len(data) > SIZE:
        raise MalformedPdu(f"the envelope is larger than {SIZE} octets", "length")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise MalformedPdu("the envelope is not UTF-8") from None
    text = _DECLARATION.sub("", text, count=1).lstrip()
    if _DOCTYPE.search(text):
        raise MalformedPdu("the envelope declares a document type or an entity")
    builder = _Builder()
    try:
        builder.parser.Parse(text, True)
    except expat.ExpatError as error:
        raise MalformedPdu(f"the envelope is no XML: {expat.ErrorString(error.code)}") from None
    except ValueError:  # a lone surrogate cannot come from UTF-8; a NUL can
        raise MalformedPdu("the envelope is no XML") from None
    if builder.root is None:
        raise MalformedPdu("the envelope is empty")
    return builder.root


class _Builder:
    def __init__(self) -> None:
        self.root: Element | None = None
        self._open: list[Element] = []
        self._count = 0
        self.parser = expat.ParserCreate("utf-8", namespace_separator="\x1f")
        self.parser.buffer_text = True
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._data
        self.parser.StartDoctypeDeclHandler = self._doctype

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > ELEMENTS or len(self._open) >= DEPTH:
            raise MalformedPdu("the envelope has too many elements, or too many in each other")
        space, _, local = name.rpartition("\x1f")
        own = {key.rpartition("\x1f")[2]: value for key, value in attributes.items()}
        element = Element(local, space, own)
        if self._open:
            self._open[-1].children.append(element)
        else:
            self.root = element
        self._open.append(element)

    def _end(self, name: str) -> None:
        self._open.pop()

    def _data(self, data: str) -> None:
        self._open[-1].text += data

    def _doctype(self, *_: object) -> None:
        raise MalformedPdu("the envelope declares a document type")


def escape(text: str) -> str:
    """Return text as it stands between tags or in an attribute; what XML 1.0 cannot hold is left
    out (2.2)."""
    return _escape(_FORBIDDEN.sub("", text), {'"': "&quot;"})
