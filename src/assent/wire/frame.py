"""Frames and field tables, as data, for every protocol of this family.

A protocol describes its header with a `Framing` and its bodies with `Layout` tables; both are
compiled to `struct.Struct` once. The CMPP header is ">III"; SGIP's is ">IIIII" with an `unpack`
that makes one of its sequence's three parts; SMPP's (status) ">IIII": length comes first, the
command second and the sequence last in all of them, which is all that a `Framer` relies on. A new
kind of field (a C-string, a TLV tail) is a new `Step` beside the three here.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from assent.errors import LocalProtocolError, RemoteProtocolError

Frame = tuple[tuple[Any, ...], int, int]
"""(header fields, start, end): offsets into `Framer.buffer`, header included."""


class MalformedPdu(RemoteProtocolError):
    """A PDU's frame is right but its body is not. `reason` is "structure" or "length"; `at` the
    octet where it goes wrong, counted in the data that was read, if it can be told; `answer` the
    result code that says so, in dialects that have a closer one than for the reason."""

    def __init__(
        self,
        message: str,
        reason: str = "structure",
        *,
        at: int | None = None,
        answer: int | None = None,
    ) -> None:
        super().__init__("malformed_pdu", message)
        self.reason = reason
        self.at = at
        self.answer = answer


@dataclass(frozen=True, slots=True)
class Framing:
    """Header shape and limits. `header` unpacks (length, command, ..., sequence); `pack` makes a
    request or answer header with status 0 from (length, command, sequence). Lengths are octets
    of the whole PDU and count the header. `unpack` reads a header where a struct alone cannot
    give the sequence as one integer. `pack_status` makes a header from (length, command, status,
    sequence) where the header has a status."""

    header: struct.Struct
    pack: Callable[[int, int, int], bytes]
    maximum: int
    unpack: Callable[[bytes, int], tuple[Any, ...]] | None = None
    pack_status: Callable[[int, int, int, int], bytes] | None = None


class Framer:
    """Cuts a byte stream into PDUs; any split of the stream gives the same frames."""

    def __init__(self, framing: Framing) -> None:
        self._framing = framing
        self.buffer = b""
        self.fault: str | None = None
        self._rest = b""

    @property
    def partial(self) -> bytes:
        """The octets of a PDU that has not come whole yet."""
        return self._rest

    def split(self, data: bytes) -> list[Frame]:
        """Return the frames that `data` completes; their offsets point into `self.buffer`.

        On a length outside the limits `fault` is set, the rest is dropped, and every later call
        returns nothing: a stream that lost its framing cannot be read further."""
        if self.fault is not None:
            return []
        buffer = self._rest + data if self._rest else data
        self.buffer = buffer
        framing, header = self._framing, self._framing.header
        unpack = framing.unpack or header.unpack_from
        smallest, largest = header.size, framing.maximum
        frames: list[Frame] = []
        position, size = 0, len(buffer)
        while position + smallest <= size:
            head = unpack(buffer, position)
            length = head[0]
            if not smallest <= length <= largest:
                self.fault = f"length {length} is not within {smallest}..{largest}"
                self._rest = b""
                return frames
            end = position + length
            if end > size:
                break
            frames.append((head, position, end))
            position = end
        self._rest = buffer[position:]
        return frames


@dataclass(frozen=True, slots=True)
class Field:
    """One row of a layout.

    kind "U": unsigned integer of `width` octets. "OS": text, NUL-padded to `width`, read up to
    the first NUL as Latin-1 (so that no octet is ever lost). "RAW": `width` octets as they are.
    "LIST": as many OS of `width` as the integer field `by` says. "BYTES": as many octets as the
    integer field `by` says."""

    name: str
    kind: str
    width: int = 0
    by: str = ""

    @classmethod
    def parse(cls, name: str, spec: str) -> Field:
        """Read the notation of the tables: "U4", "OS21", "RAW16", "OS32*count", "BYTES:length"."""
        if spec.startswith("BYTES:"):
            return cls(name, "BYTES", by=spec[6:])
        if "*" in spec:
            spec, by = spec.split("*")
            kind = spec.rstrip("0123456789")
            width = int(spec[len(kind) :])
            return cls(name, "LIST" if kind == "OS" else kind, width, by)
        kind = spec.rstrip("0123456789")
        return cls(name, kind, int(spec[len(kind) :]))

    @property
    def format(self) -> str:
        """The struct code of a fixed field."""
        if self.kind == "U":
            return {1: "B", 2: "H", 4: "I", 8: "Q"}[self.width]
        return f"{self.width}s"


def text_of(octets: bytes) -> str:
    """An OS field as text: up to the first NUL."""
    return octets.partition(b"\0")[0].decode("latin-1")


def octets_of(name: str, value: str | bytes, width: int) -> bytes:
    """Text as an OS field; raises LocalProtocolError when it does not fit."""
    try:
        octets = value.encode("latin-1") if isinstance(value, str) else bytes(value)
    except UnicodeEncodeError:
        raise LocalProtocolError("field_alphabet", f"{name} is not Latin-1", field=name) from None
    if len(octets) > width:
        raise LocalProtocolError(
            "field_too_long", f"{name} has {len(octets)} octets, {width} fit", field=name
        )
    return octets.ljust(width, b"\0")


class Step(Protocol):
    """A piece of a layout: writes itself to `out`, reads itself from `data` into `values`."""

    def encode(self, values: Mapping[str, Any], out: list[bytes]) -> None: ...
    def decode(self, data: bytes, at: int, end: int, values: dict[str, Any]) -> int: ...


class _Fixed:
    """A run of fixed-width fields: one struct."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self.fields = tuple(fields)
        self.struct = struct.Struct(">" + "".join(f.format for f in fields))

    def encode(self, values: Mapping[str, Any], out: list[bytes]) -> None:
        row: list[int | bytes] = []
        for field in self.fields:
            if field.kind == "U":
                value = int(values.get(field.name, 0))
                if not 0 <= value < 1 << (8 * field.width):
                    raise LocalProtocolError(
                        "field_range", f"{field.name} does not fit U{field.width}", field=field.name
                    )
                row.append(value)
            else:
                row.append(octets_of(field.name, values.get(field.name, b""), field.width))
        out.append(self.struct.pack(*row))

    def decode(self, data: bytes, at: int, end: int, values: dict[str, Any]) -> int:
        after = at + self.struct.size
        if after > end:
            raise MalformedPdu("body ends inside its fixed fields", "length", at=end)
        for field, value in zip(self.fields, self.struct.unpack_from(data, at), strict=True):
            values[field.name] = text_of(value) if field.kind == "OS" else value
        return after


class _List:
    """A repeated OS field, counted by an integer before it."""

    def __init__(self, field: Field) -> None:
        self.field = field

    def encode(self, values: Mapping[str, Any], out: list[bytes]) -> None:
        name, width = self.field.name, self.field.width
        out.extend(octets_of(name, value, width) for value in values.get(name, ()))

    def decode(self, data: bytes, at: int, end: int, values: dict[str, Any]) -> int:
        width, count = self.field.width, values[self.field.by]
        after: int = at + width * count
        if after > end:
            raise MalformedPdu(f"{self.field.by} does not fit the body", "length", at=at)
        values[self.field.name] = [text_of(data[i : i + width]) for i in range(at, after, width)]
        return after


class _Bytes:
    """Octets, counted by an integer before them."""

    def __init__(self, field: Field) -> None:
        self.field = field

    def encode(self, values: Mapping[str, Any], out: list[bytes]) -> None:
        out.append(bytes(values.get(self.field.name, b"")))

    def decode(self, data: bytes, at: int, end: int, values: dict[str, Any]) -> int:
        after = at + int(values[self.field.by])
        if after > end:
            raise MalformedPdu(f"{self.field.by} does not fit the body", "length", at=at)
        values[self.field.name] = data[at:after]
        return after


class Layout:
    """A body as a table of (name, notation) rows, compiled.

    >>> ping = Layout([("length", "U1"), ("content", "BYTES:length")])
    >>> ping.decode(ping.encode({"content": b"hi"}))
    {'length': 2, 'content': b'hi'}
    """

    def __init__(
        self,
        rows: Iterable[tuple[str, str]],
        steps: Mapping[str, Callable[[Field], Step]] | None = None,
    ) -> None:
        """`steps`: what a dialect reads and writes further kinds of field with, by kind."""
        steps = {"LIST": _List, "BYTES": _Bytes, **(steps or {})}
        self.fields = tuple(Field.parse(name, spec) for name, spec in rows)
        self._counts = {f.by: f for f in self.fields if f.by}
        self._steps: list[Step] = []
        run: list[Field] = []
        for field in self.fields:
            if field.kind in steps:
                if run:
                    self._steps.append(_Fixed(run))
                run = []
                self._steps.append(steps[field.kind](field))
            else:
                run.append(field)
        if run:
            self._steps.append(_Fixed(run))

    @property
    def fixed_size(self) -> int:
        """Octets of the body when its lists and contents are empty."""
        return sum(f.width for f in self.fields if not f.by)

    def encode(self, values: Mapping[str, Any]) -> bytes:
        """Return the body. Missing fields are zero or empty; counts and lengths are computed.

        Raises LocalProtocolError naming a field that does not fit or does not exist."""
        known = {f.name for f in self.fields}
        for name in values:
            if name not in known:
                raise LocalProtocolError("field_unknown", f"no field {name} here", field=name)
        filled = dict(values)
        for by, field in self._counts.items():
            filled[by] = len(values.get(field.name, ()))
        out: list[bytes] = []
        for step in self._steps:
            step.encode(filled, out)
        return b"".join(out)

    def decode(self, data: bytes, start: int = 0, end: int | None = None) -> dict[str, Any]:
        """Read a whole body; raises MalformedPdu when it is shorter or longer than its table."""
        stop = len(data) if end is None else end
        values: dict[str, Any] = {}
        at = start
        for step in self._steps:
            at = step.decode(data, at, stop, values)
        if at != stop:
            raise MalformedPdu(f"{stop - at} octets more than the table has", "length", at=at)
        return values

    def reader(self, names: Sequence[str], *, skip: int = 0, lists: int = 1) -> struct.Struct:
        """Compile one struct that picks the named fixed fields, in the table's order, after
        `skip` octets (the header), with every list taken as having `lists` members (a LIST may be
        picked when that is 1). Ends after the last named field."""
        parts = [">", f"{skip}x"]
        wanted = list(names)
        for field in self.fields:
            if not wanted:
                break
            width = field.width * (lists if field.kind == "LIST" else 1)
            if field.name == wanted[0]:
                parts.append(field.format)
                wanted.pop(0)
            else:
                parts.append(f"{width}x")
        if wanted:
            raise LookupError(f"not in this order in the table: {wanted}")
        return struct.Struct("".join(parts))

    def offset(self, name: str, *, lists: int = 1) -> int:
        """Octets before the named field, lists having `lists` members and contents none."""
        at = 0
        for field in self.fields:
            if field.name == name:
                return at
            at += field.width * (lists if field.kind == "LIST" else 1)
        raise LookupError(name)
