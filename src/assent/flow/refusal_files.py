"""Files of refusals: what 12321 or another authority passes on, and a carrier's blacklist.

The same flow as behind every door (refusals.py): entries in the ledger, with the file's digest as
their statement, and a confirmation to whoever could still be written to; only she undoes it. A
file is taken once, by its digest; one that broke off half-way is taken again from its beginning,
which changes nothing about what stands already.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

from assent.clock import Clock
from assent.consent.entry import Channel, Origin, purpose_mask
from assent.errors import Conflict, InvalidInput
from assent.flow.catalogue import Catalogue
from assent.flow.ends import EVERYONE
from assent.flow.ids import BatchIds
from assent.flow.needs import Queries, Store, utc
from assent.flow.people import Directory
from assent.flow.refusals import Asked, Outcome, RefusalWriter
from assent.flow.requests import Caller
from assent.flow.staff import check_staff, keep_act
from assent.flow.whom import Whom
from assent.message import Purpose
from assent.numbers import FAULT_WORDS, Fault, parse
from assent.registry.calendar import day_of

OriginWord = Literal["regulator", "carrier"]
COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "number": ("number", "phone", "msisdn", "手机号", "手机号码", "用户号码", "举报人号码"),
    "sender": ("sender", "credit_code", "统一社会信用代码", "企业名称", "被举报企业"),
    "port": ("port", "端口号", "接入号", "被举报号码", "被投诉号码"),
}
"""The names that a column may have; others are not looked at."""
MOST_ROWS: Final = 200_000
PURPOSES: Final = purpose_mask(Purpose.MARKETING, Purpose.INTERNAL)
_PORTION: Final = 400
_LISTED: Final = 1_000
_ORIGINS: Final = {"regulator": Origin.REGULATOR, "carrier": Origin.CARRIER}
_CHANNELS: Final = {"regulator": Channel.MAIL, "carrier": Channel.API}
_FAULTS: Final = {
    "no_scope": ("the row names neither sender nor port", "该行未注明企业或端口号"),
    "unknown_sender": ("there is no such sender, or several", "企业不存在或不唯一"),
    "unknown_port": ("nobody has or had such a port here", "端口号不存在"),
}


@dataclass(frozen=True, slots=True)
class RefusalFile:
    """A file to take. `source`: 12321, or the carrier's name. `rows`: (place in the file, cells by
    column). What a row refuses where it does not say: a `sender` (name or credit code), a `port`,
    or `everybody`."""

    origin: OriginWord
    source: str
    dated: date
    sha256: bytes
    rows: Sequence[tuple[int, Mapping[str, str]]]
    sender: str = ""
    port: str = ""
    everybody: bool = False

    @property
    def scope(self) -> str:
        """What its rows refuse where they do not say, in a word."""
        if self.everybody:
            return "all"
        return f"sender {self.sender}" if self.sender else f"port {self.port}" if self.port else ""


@dataclass(frozen=True, slots=True)
class _Row:
    place: int
    person: int
    groups: tuple[int, ...]


class RefusalFiles:
    """Takes files. `carriers`: those of this installation."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        catalogue: Catalogue,
        directory: Directory,
        ids: BatchIds,
        writer: RefusalWriter,
        carriers: Sequence[str],
    ) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._directory = directory
        self._ids = ids
        self._writer = writer
        self._carriers = carriers
        self._whom = Whom(store, clock, catalogue)

    def check(self, caller: Caller) -> None:
        """Raise NotAllowed for who is not of the operator's staff."""
        check_staff(self._catalogue, caller)

    async def take(self, caller: Caller, file: RefusalFile) -> dict[str, Any]:
        """Refuse for everybody in a file; return a report of the rows that could not be used.

        The same file again answers the same and changes nothing. Raises NotAllowed, InvalidInput
        for a file without a row that can be used, Conflict for one taken with other words.
        """
        self.check(caller)
        now = self._clock.now()
        self._check(file, now)
        rows, faults = await self._read(file, now)
        if not rows:
            raise InvalidInput(
                "refusal_file_empty", "no row of the file can be used", field="file",
                rule="refusals: files", mend="see `details` for what is wrong",
                details={"faults": faults[:_LISTED]},
            )  # fmt: skip
        made, new = await self._begin(caller, file, len(rows), faults, now)
        if not made["done"]:
            for start in range(0, len(rows), _PORTION):
                await self._write(file, rows[start : start + _PORTION], now)
            await self._store.execute("refusal_file_done", made["id"])
        return {
            "id": str(made["id"]),
            "new": new,
            "origin": file.origin,
            "source": file.source,
            "dated": file.dated,
            "sha256": file.sha256.hex(),
            "accepted": len(rows),
            "refused": len(faults),
            "faults": faults[:_LISTED],
        }

    async def listed(self, caller: Caller) -> dict[str, Any]:
        """Return the files that were taken, newest first."""
        check_staff(self._catalogue, caller)
        return {
            "items": [
                {
                    "id": str(row["id"]),
                    "sha256": row["sha256"].hex(),
                    **{name: row[name] for name in _SHOWN},
                    "refused": row["rows"] - row["accepted"],
                }
                for row in await self._store.fetch("refusal_files")
            ]
        }

    def _check(self, file: RefusalFile, now: float) -> None:
        if file.dated > day_of(now):
            raise _wrong("dated", "the file is of a day to come", "give the day that it is of")
        if file.origin == "carrier" and file.source not in self._carriers:
            mend = f"name one of {', '.join(self._carriers)}"
            raise _wrong("carrier", "there is no such carrier", mend)
        if bool(file.sender) + bool(file.port) + file.everybody > 1:
            raise _wrong(
                "scope", "a file refuses one sender, one port, or everybody", "say one of them"
            )

    async def _read(self, file: RefusalFile, now: float) -> tuple[list[_Row], list[dict[str, Any]]]:
        """Return what can be used of a file, and what is wrong with the rest."""
        parsed = parse([cells.get("number", "") for _, cells in file.rows])
        people = await self._directory.ids(
            self._store, parsed.msisdn, utc(now), remember=False
        )  # fmt: skip
        rows: list[_Row] = []
        faults: list[dict[str, Any]] = []
        for (place, cells), person, fault in zip(
            file.rows, people.tolist(), parsed.fault.tolist(), strict=True
        ):
            if fault:
                words = FAULT_WORDS[Fault(fault)]
                code = Fault(fault).name.lower()
                faults.append({"row": place, "code": code, "en": words.en, "zh": words.zh})
                continue
            found = await self._groups(file, cells, person)
            if isinstance(found, str):
                en, zh = _FAULTS[found]
                faults.append({"row": place, "code": found, "en": en, "zh": zh})
            else:
                rows.append(_Row(place, person, found))
        return rows, faults

    async def _groups(
        self, file: RefusalFile, cells: Mapping[str, str], person: int
    ) -> tuple[int, ...] | str:
        """Return whom a row refuses, or the code of what is wrong with it."""
        sender, port = cells.get("sender", "").strip(), cells.get("port", "").strip()
        if not sender and not port:
            if file.everybody:
                return (EVERYONE,)
            sender, port = file.sender, file.port
        if sender:
            wanted = _plain(sender)
            groups = {
                one.group_id
                for one in self._catalogue.senders.values()
                if wanted in (_plain(one.credit_code), _plain(one.legal_name))
            }
            return tuple(groups) if len(groups) == 1 else "unknown_sender"
        if not port:
            return "no_scope"
        carrier = file.source if file.origin == "carrier" else ""
        return await self._whom.groups(port, carrier, person) or "unknown_port"

    async def _begin(
        self,
        caller: Caller,
        file: RefusalFile,
        accepted: int,
        faults: list[dict[str, Any]],
        now: float,
    ) -> tuple[Any, bool]:
        """Note a file, or find it noted: its row, and whether it is new."""
        async with self._store.transaction() as tx:
            made = await tx.fetchrow(
                "refusal_file_put", file.origin, file.source, file.dated, file.sha256, file.scope,
                accepted + len(faults), accepted, json.dumps(faults, ensure_ascii=False), utc(now),
                caller.key_id or None, caller.actor_id,
            )  # fmt: skip
            if made is not None:
                told = {
                    "origin": file.origin, "source": file.source, "scope": file.scope,
                    "dated": file.dated.isoformat(), "sha256": file.sha256.hex(),
                    "accepted": accepted, "refused": len(faults),
                }  # fmt: skip
                subject = f"refusal_file/{made['id']}"
                await keep_act(tx, caller, now, "refusal.import", subject, {}, told)
                return made, True
            return await self._known(tx, file), False

    @staticmethod
    async def _known(tx: Queries, file: RefusalFile) -> Any:
        row = await tx.fetchrow("refusal_file_same", file.sha256)
        assert row is not None
        same = (file.origin, file.source, file.dated, file.scope)
        if (row["origin"], row["source"], row["dated"], row["scope"]) != same:
            raise Conflict(
                "refusal_file_known", "the same file was taken with another origin, day or scope",
                field="file", rule="refusals: files", mend="see GET /v1/desk/refusals",
            )  # fmt: skip
        return row

    async def _write(self, file: RefusalFile, rows: Sequence[_Row], now: float) -> Outcome:
        stands = await self._standing([row.person for row in rows])
        asked = {
            (row.person, row.groups): Asked(
                row.person,
                row.groups,
                PURPOSES,
                _CHANNELS[file.origin],
                _ORIGINS[file.origin],
                # Only who could be written to is told, as everywhere.
                confirm=bool(stands.get(row.person, set()) & set(row.groups))
                or (EVERYONE in row.groups and row.person in stands),
                statement=file.sha256,
            )
            for row in rows
        }
        return await self._writer.record(self._store, [*asked.values()], now)

    async def _standing(self, people: list[int]) -> dict[int, set[int]]:
        """Return the groups in whose programmes people stand."""
        found: dict[int, set[int]] = {}
        for row in await self._store.fetch("programmes_of_people", people):
            programme = self._catalogue.programmes.get(row["programme_id"])
            if programme is not None:
                group = self._catalogue.senders[programme.sender_id].group_id
                found.setdefault(row["person_id"], set()).add(group)
        return found


_SHOWN: Final = ("origin", "source", "dated", "scope", "rows", "accepted", "done", "at")


def columns_of(cells: Sequence[str]) -> dict[int, str]:
    """Return what each column of a file holds, by its place. Raises InvalidInput where none holds
    numbers."""
    known = {_plain(word): name for name, words in COLUMNS.items() for word in words}
    columns: dict[int, str] = {}
    for place, cell in enumerate(cells):
        name = known.get(_plain(cell))
        if name is not None and name not in columns.values():
            columns[place] = name
    if "number" not in columns.values():
        if len(cells) == 1 and not parse([cells[0]]).fault[0]:
            return {}  # a bare list of numbers
        raise InvalidInput(
            "refusal_columns", "no column of the file holds numbers", field="file",
            rule="refusals: files", mend=f"call it one of {', '.join(COLUMNS['number'])}",
        )  # fmt: skip
    return columns


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).strip().casefold()


def _wrong(field: str, words: str, mend: str) -> InvalidInput:
    return InvalidInput("refusal_file", words, field=field, rule="refusals: files", mend=mend)
