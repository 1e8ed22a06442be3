"""Files of complaints: what carriers' reporting numbers collected, and what 12321 passes on.

A file is taken once, by its digest; one that broke off half-way goes on from where it was. A
complaint is known again by the other side's number of it, else by person, time, number and text, so
that two files that overlap make one complaint of it. Rows that cannot be used are told one by one;
the others are taken.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from assent.consent.entry import Channel, Origin
from assent.errors import Conflict, InvalidInput
from assent.flow import complaint_mappings as mappings
from assent.flow.complaint_mappings import FAULTS, NOTES, Reported, read_row
from assent.flow.complaint_matching import NOTHING, Match, Matching, Sought
from assent.flow.complaints import Complaints, Intake, code_number, is_persons
from assent.flow.ids import BatchIds
from assent.flow.needs import Store, utc
from assent.flow.refusals import Asked, RefusalWriter
from assent.flow.requests import Caller
from assent.flow.staff import check_staff, keep_act
from assent.message import Network
from assent.numbers import FAULT_WORDS, Fault, parse

MOST_ROWS: Final = 50_000
LISTED: Final = 1_000
_PORTION: Final = 200
_RULE: Final = "complaints: files"
_SAME: Final = "complaint"
"""What the digest is of by which a complaint without a number is known again."""
_DOORS: Final = {
    "carrier": (Channel.API, Origin.CARRIER),
    "12321": (Channel.MAIL, Origin.REGULATOR),
}


@dataclass(frozen=True, slots=True)
class ComplaintFile:
    """A file to take. `rows`: (place in the file, cells by column). `carrier`: whose, where the
    mapping does not tell."""

    mapping: mappings.Mapping
    sha256: bytes
    rows: Sequence[tuple[int, Mapping[str, str]]]
    carrier: str = ""


@dataclass(frozen=True, slots=True)
class _Row:
    """A row with who complains: her number (0: not told), and her person where she is known."""

    told: Reported
    msisdn: int
    person: int
    carrier: str
    province: int
    port_type: bool


class ComplaintFiles:
    """Takes files. `carriers`: those of this installation."""

    def __init__(
        self,
        store: Store,
        complaints: Complaints,
        ids: BatchIds,
        writer: RefusalWriter,
        carriers: Sequence[str],
    ) -> None:
        self._store = store
        self._complaints = complaints
        self._ids = ids
        self._writer = writer
        self._carriers = carriers
        self._provinces = {
            name.casefold(): place
            for place, names in enumerate(complaints.places.table.provinces)
            for name in names
            if name
        }

    def check(self, caller: Caller) -> None:
        """Raise NotAllowed for who is not of the operator's staff."""
        check_staff(self._complaints.catalogue, caller)

    async def take(self, caller: Caller, file: ComplaintFile) -> dict[str, Any]:
        """Take all complaints of a file; return a report of the rows that could not be used.

        The same file again answers the same and changes nothing. Raises NotAllowed, InvalidInput
        for a file without a row that can be used, Conflict for one taken with another mapping.
        """
        self.check(caller)
        now = self._complaints.clock.now()
        carrier = self._carrier_of(file)
        rows, faults, notes = await self._read(file, now)
        if not rows:
            raise InvalidInput(
                "complaint_file_empty", "no row of the file can be used", field="file", rule=_RULE,
                mend="see `details` for what is wrong", details={"faults": faults[:LISTED]},
            )  # fmt: skip
        made, new = await self._begin(caller, file, carrier, len(rows), faults, now)
        if not made["done"]:
            matching = self._complaints.matching(self._store)
            for start in range(0, len(rows), _PORTION):
                portion = rows[start : start + _PORTION]
                await self._take_some(matching, file, made["id"], carrier, portion, now)
            await self._store.execute("complaint_file_done", made["id"])
        counts = await self._store.fetchrow("complaint_file_counts", made["id"])
        assert counts is not None
        return {
            "id": str(made["id"]),
            "new": new,
            "source": file.mapping.source,
            "carrier": carrier,
            "mapping": file.mapping.name,
            "sha256": file.sha256.hex(),
            "rows": len(file.rows),
            "accepted": len(rows),
            "complaints": counts["new"],
            "matched": counts["matched"],
            "not_ours": counts["not_ours"],
            "refused": len(faults),
            "faults": faults[:LISTED],
            "notes": notes[:LISTED],
        }

    async def listed(self, caller: Caller, cursor: int, limit: int) -> dict[str, Any]:
        """Return the files that were taken, newest first."""
        self.check(caller)
        rows = await self._store.fetch("complaint_files", cursor, limit)
        items = [
            {**row, "id": str(row["id"]), "sha256": row["sha256"].hex(),
             "refused": row["rows"] - row["accepted"]}
            for row in map(dict, rows)
        ]  # fmt: skip
        more = len(rows) == limit
        return {"items": items, "cursor": rows[-1]["id"] if more else 0, "more": more}

    def _carrier_of(self, file: ComplaintFile) -> str:
        """Return whose file it is; '' for 12321's. Raises InvalidInput."""
        if file.mapping.source != "carrier":
            return ""
        if file.carrier:
            if file.carrier not in self._carriers:
                raise InvalidInput(
                    "complaint_file", "there is no such carrier", field="carrier", rule=_RULE,
                    mend=f"name one of {', '.join(self._carriers)}",
                )  # fmt: skip
            return file.carrier
        if file.mapping.network is None:
            raise InvalidInput(
                "complaint_file", "neither file nor mapping tells whose it is", field="carrier",
                rule=_RULE, mend=f"name one of {', '.join(self._carriers)}",
            )  # fmt: skip
        return self._complaints.places.carrier(Network[file.mapping.network.upper()])

    # Reading -------------------------------------------------------------------------------------

    async def _read(
        self, file: ComplaintFile, now: float
    ) -> tuple[list[_Row], list[dict[str, Any]], list[dict[str, Any]]]:
        """Return the rows that can be used, what is wrong with the others, and what is left out."""
        told: list[Reported] = []
        faults: list[dict[str, Any]] = []
        for place, cells in file.rows:
            read = read_row(file.mapping, place, cells, self._provinces, now)
            if isinstance(read, str):
                faults.append(_said(place, read, FAULTS[read]))
            else:
                told.append(read)
        parsed = parse([one.complainant for one in told])
        known = await self._complaints.directory.known(self._store, parsed.msisdn)
        rows: list[_Row] = []
        for one, msisdn, fault, person in zip(
            told, parsed.msisdn.tolist(), parsed.fault.tolist(), known.tolist(), strict=True
        ):
            if fault and one.complainant:
                words = FAULT_WORDS[Fault(fault)]
                faults.append(_said(one.place, Fault(fault).name.lower(), (words.en, words.zh)))
                continue
            rows.append(self._row(one, int(msisdn), int(person)))
        notes = [
            _said(row.told.place, code, NOTES[code]) for row in rows for code in row.told.notes
        ]
        return rows, sorted(faults, key=lambda fault: int(fault["row"])), notes

    def _row(self, one: Reported, msisdn: int, person: int) -> _Row:
        places = self._complaints.places
        carrier, province = places.of(msisdn) if msisdn else ("", 0)
        if one.network is not None:
            carrier = places.carrier(one.network)
        port_type = one.port_type if one.port_type is not None else not is_persons(one.number)
        return _Row(one, msisdn, person, carrier, one.province or province, port_type)

    # Taking --------------------------------------------------------------------------------------

    async def _begin(
        self, caller: Caller, file: ComplaintFile, carrier: str, accepted: int,
        faults: list[dict[str, Any]], now: float,
    ) -> tuple[Any, bool]:  # fmt: skip
        """Note a file, or find it noted: its row, and whether it is new."""
        source, mapping = file.mapping.source, file.mapping.name
        async with self._store.transaction() as tx:
            made = await tx.fetchrow(
                "complaint_file_put", source, carrier, mapping, file.sha256, len(file.rows),
                accepted, json.dumps(faults[:LISTED], ensure_ascii=False), utc(now),
                caller.key_id or None, caller.actor_id,
            )  # fmt: skip
            if made is not None:
                told = {
                    "source": source, "carrier": carrier, "mapping": mapping,
                    "sha256": file.sha256.hex(), "accepted": accepted, "refused": len(faults),
                    "faults": dict(Counter(fault["code"] for fault in faults)),
                }  # fmt: skip
                subject = f"complaint_file/{made['id']}"
                await keep_act(tx, caller, now, "complaint.import", subject, {}, told)
                return made, True
            row = await tx.fetchrow("complaint_file_same", file.sha256)
        assert row is not None
        if (row["source"], row["carrier"], row["mapping"]) != (source, carrier, mapping):
            raise Conflict(
                "complaint_file_known", "the same file was taken as another's, or read otherwise",
                field="file", rule=_RULE, mend="see GET /v1/complaint-files",
            )  # fmt: skip
        return row, False

    async def _take_some(
        self, matching: Matching, file: ComplaintFile, number: int, carrier: str,
        rows: Sequence[_Row], now: float,
    ) -> None:  # fmt: skip
        """Take a portion of rows, in one transaction."""
        references = [self._reference(file, row) for row in rows]
        source = file.mapping.source
        known = {
            row["reference"]
            for row in await self._store.fetch("complaints_referenced", source, references)
        }
        intakes: dict[str, Intake] = {}
        for row, reference in zip(rows, references, strict=True):
            if reference not in known and reference not in intakes:
                # What a carrier's file says is of its own people, whatever their numbers say.
                intake = await self._intake(matching, row, source, now)
                intakes[reference] = replace(
                    intake, reference=reference, file=number, carrier=carrier or intake.carrier
                )
        wanted = await self._with_people(rows, list(intakes.values()), references, now)
        stands = await self._complaints.standing(self._store, [one.person for one in wanted])
        channel, origin = _DOORS[source]
        asked = [
            self._complaints.refusal(
                one, channel, origin, confirm=self._told(one, stands), statement=file.sha256
            )
            for one in wanted
        ]
        await self._put(wanted, asked, now)

    async def _put(
        self, wanted: Sequence[Intake], asked: Sequence[Asked | None], now: float
    ) -> None:
        await self._ids.reserve(self._store, max(len(wanted), 1))
        async with self._store.transaction() as tx:
            await self._writer.lock(tx, [one for one in asked if one is not None])
            taken = await self._complaints.put(tx, wanted, now)
            # What was known already was refused then; she may have agreed again since.
            new = [asked[one.place] for one in taken]
            once = {(one.person, one.groups): one for one in new if one is not None}
            await self._writer.write(tx, list(once.values()), now)

    async def _intake(self, matching: Matching, row: _Row, source: Any, now: float) -> Intake:
        told = row.told
        at = now if told.at is None else told.at
        match: Match = NOTHING
        ours = row.port_type and (not told.number or matching.is_ours(told.number))
        if ours:
            match = await matching.find(
                Sought(row.person, at, told.number, told.text, row.carrier)
            )  # fmt: skip
        number = told.number if matching.is_ours(told.number) else code_number(told.number)
        words = "\n".join(one for one in (told.text, told.words) if one)
        return Intake(
            source, row.person, at, words, match, number,
            row.port_type, None, None, row.carrier, row.province, told.category, told.brand, ours,
        )  # fmt: skip

    async def _with_people(
        self, rows: Sequence[_Row], intakes: list[Intake], references: Sequence[str], now: float
    ) -> list[Intake]:
        """Return complaints with who complains: whoever a sender of ours is refused by becomes a
        person here; of others' complaints nobody's number is kept."""
        numbers = {reference: row.msisdn for row, reference in zip(rows, references, strict=True)}
        new = [
            place for place, one in enumerate(intakes)
            if not one.person and one.match.sender and numbers[str(one.reference)]
        ]  # fmt: skip
        if new:
            wanted = np.array([numbers[str(intakes[one].reference)] for one in new], np.uint64)
            people = await self._complaints.directory.ids(self._store, wanted, utc(now))
            for place, person in zip(new, people.tolist(), strict=True):
                intakes[place] = replace(intakes[place], person=int(person))
        return intakes

    def _told(self, one: Intake, stands: Mapping[int, set[int]]) -> bool:
        sender = self._complaints.catalogue.senders.get(one.match.sender or 0)
        return sender is not None and sender.group_id in stands.get(one.person, set())

    def _reference(self, file: ComplaintFile, row: _Row) -> str:
        """Return by what a complaint is known again."""
        told = row.told
        if told.reference:
            # Some number a complaint by the phone that it came from.
            if not is_persons(told.reference):
                return told.reference
            return f"same:{self._complaints.vault.digest(told.reference, _SAME).hex()}"
        if row.msisdn and told.at is not None:
            said = f"{row.msisdn}\n{int(told.at)}\n{told.number}\n{told.text}"
            return f"same:{self._complaints.vault.digest(said, _SAME).hex()}"
        return f"file:{file.sha256.hex()}:{told.place}"


def _said(place: int, code: str, words: tuple[str, str]) -> dict[str, Any]:
    return {"row": place, "code": code, "en": words[0], "zh": words[1]}
