"""The calls of audiences, of labels, and of customers' signed instructions."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Final, Generic, TypeVar

import msgspec

from assent.client.calls import Call, Upload

Result = TypeVar("Result")

LABELLED_A_CALL: Final = 5_000


class AudienceApi(ABC, Generic[Result]):
    """Audiences."""

    @abstractmethod
    def _do(self, call: Call) -> Result:
        """Make one call."""

    @abstractmethod
    def _do_all(self, calls: Iterator[Call]) -> Result:
        """Make calls one after the other and fold their answers."""

    def upload_audience(
        self,
        source: str | Path | bytes | BinaryIO,
        *,
        statement: str,
        relation: str | None = None,
        name: str | None = None,
        number_column: str | None = None,
        columns: Mapping[str, str] | None = None,
        filename: str | None = None,
        progress: Callable[[int, int], None] | None = None,
    ) -> Result:
        """Hand in a CSV, Parquet or XLSX file; return its id, counts and wrong rows.

        `source`: a path, the bytes themselves, or an open binary file. `statement` says where
        the numbers come from, `relation` how these people stand to the sender: customers, members
        or cold. `columns`: variable name → column. `progress(sent, total)` is
        called with octets while the file travels. Not repeated when its answer is lost.
        """
        path = Path(source) if isinstance(source, str | Path) else None
        filename = filename or (path.name if path else "audience")
        fields = {"name": name or filename, "statement": statement}
        if relation is not None:
            fields["relation"] = relation
        if number_column is not None:
            fields["number_column"] = number_column
        if columns is not None:
            fields["columns"] = msgspec.json.encode(dict(columns)).decode()
        content: Any = path if path is not None else source
        upload = Upload(content, filename, fields, progress)
        return self._do(Call("POST", "/v1/audiences", upload=upload, repeatable=False))

    def audience(self, audience_id: str | int) -> Result:
        """Return an audience's state and counts."""
        return self._do(Call("GET", f"/v1/audiences/{audience_id}"))

    def audience_faults(self, audience_id: str | int, cursor: int = 0) -> Result:
        """Return a page of an audience's wrong rows; `cursor` is None after the last."""
        query = {"cursor": str(cursor)}
        return self._do(Call("GET", f"/v1/audiences/{audience_id}/faults", query))

    def build_audience(
        self,
        *,
        sender: str,
        programme: str,
        name: str | None = None,
        relation: str | None = None,
        carrier: Sequence[str] = (),
        province: Sequence[str] = (),
        city: Sequence[str] = (),
        segment: Sequence[str] = (),
        label: Sequence[str] = (),
        without_label: Sequence[str] = (),
        count: bool = False,
    ) -> Result:
        """Make an audience of people who stand in a programme; with `count` only tell how many.

        Words of one argument are alternatives, all that are given must hold. `people` is rounded
        down to full tens and None for fewer than fifty. Not repeated when its answer is lost.
        """
        words = {
            "sender": sender, "programme": programme, "name": name, "relation": relation,
            "carrier": list(carrier), "province": list(province), "city": list(city),
            "segment": list(segment), "label": list(label), "without_label": list(without_label),
            "count": count,
        }  # fmt: skip
        return self._do(_post("/v1/audiences/build", words, repeatable=count))

    def put_label(
        self,
        name: str,
        to: Iterable[str],
        *,
        sender: str,
        programme: str,
        kind: str,
        origin: str,
        progress: Callable[[int], None] | None = None,
    ) -> Result:
        """Put any number of people under a label; 5,000 travel at a time. `kind`: the one of the
        programme's kinds that covers its use. `origin`: how these facts were obtained."""

        def calls() -> Iterator[Call]:
            numbers, first = iter(to), 0
            while portion := list(islice(numbers, LABELLED_A_CALL)):
                words = {
                    "name": name, "sender": sender, "programme": programme, "kind": kind,
                    "origin": origin, "to": portion,
                }  # fmt: skip
                yield _post("/v1/labels", words, first_row=first)
                first += len(portion)
                if progress is not None:
                    progress(first)

        return self._do_all(calls())

    def labels(self) -> Result:
        """Return the account's labels."""
        return self._do(Call("GET", "/v1/labels"))

    def drop_label(self, label_id: str | int) -> Result:
        """Delete a label with its people."""
        return self._do(Call("DELETE", f"/v1/labels/{label_id}"))

    def add_instruction(
        self, file: str | Path | bytes, *, account: str, words: str, signed_on: date | str,
        filename: str = "instruction",
    ) -> Result:  # fmt: skip
        """Hand in, as staff, what a customer signed so that a campaign is ordered for it."""
        octets = file if isinstance(file, bytes) else Path(file).read_bytes()
        if not isinstance(file, bytes):
            filename = Path(file).name
        fields = {"account": account, "words": words, "signed_on": str(signed_on)}
        frames = [(filename, octets)]
        return self._do(
            Call("POST", "/v1/instructions", fields=fields, frames=frames, repeatable=False)
        )

    def instruction(self, instruction_id: str | int) -> Result:
        """Return what an instruction orders, and which campaign it served."""
        return self._do(Call("GET", f"/v1/instructions/{instruction_id}"))

    def instruction_file(self, instruction_id: str | int) -> Result:
        """Return an instruction as it was handed in: `type` and `octets`."""
        return self._do(Call("GET", f"/v1/instructions/{instruction_id}/file", raw=True))


def _post(path: str, words: dict[str, Any], *, repeatable: bool = True, first_row: int = 0) -> Call:
    body = msgspec.json.encode({k: v for k, v in words.items() if v is not None})
    headers = {"content-type": "application/json"}
    return Call("POST", path, {}, headers, body, repeatable=repeatable, first_row=first_row)
