"""Carriers' own lists of people who want nothing commercial, and of ports that may send nothing.

A carrier hands over its list as of a day; it takes the place of the one before. It binds marketing
over that carrier alone, so it is no refusal: nobody gets a confirmation, and what the carrier takes
off its list may be sent again where consent stands. A row with a port's number restricts that port.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np

from assent.clock import Clock
from assent.errors import Conflict, InvalidInput
from assent.flow.catalogue import Catalogue
from assent.flow.commit import GROUP_CLASS
from assent.flow.ends import EVERYONE
from assent.flow.needs import Store, Transaction, utc
from assent.flow.people import Directory
from assent.flow.requests import Caller
from assent.flow.restricted import BLOCKS, Scope
from assent.flow.restrictions import Restrictions
from assent.flow.staff import check_staff, keep_act
from assent.numbers import FAULT_WORDS, Fault, parse
from assent.registry.calendar import day_of

_RULE: Final = "ceilings: carriers' lists"
_LISTED: Final = 1_000
_WORDS: Final = {
    "en": "the carrier takes nothing from this port",
    "zh": "运营商已停止接收该端口号的短信",
}


@dataclass(frozen=True, slots=True)
class BlockFile:
    """A list to take. `rows`: (place in the file, what stands there). `more`: a further part of the
    list of the same day."""

    carrier: str
    dated: date
    sha256: bytes
    rows: Sequence[tuple[int, Mapping[str, str]]]
    more: bool = False


class CarrierBlocks:
    """Takes lists. `carriers`: those of this installation."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        catalogue: Catalogue,
        directory: Directory,
        carriers: Sequence[str],
    ) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._directory = directory
        self._carriers = carriers
        self._restrictions = Restrictions()

    def check(self, caller: Caller) -> None:
        """Raise NotAllowed for who is not of the operator's staff."""
        check_staff(self._catalogue, caller)

    async def take(self, caller: Caller, file: BlockFile) -> dict[str, Any]:
        """Put a carrier's list in the place of the one before; return a report of the rows that
        could not be used. The same file again changes nothing.

        Raises NotAllowed, InvalidInput, Conflict for a list that is older than the one in force.
        """
        self.check(caller)
        now = self._clock.now()
        self._check(file, now)
        people, ports, faults = await self._read(file, now)
        if not people and not ports:
            raise InvalidInput(
                "block_file_empty", "no row of the file can be used", field="file", rule=_RULE,
                mend="see `details` for what is wrong", details={"faults": faults[:_LISTED]},
            )  # fmt: skip
        accepted = len(file.rows) - len(faults)
        async with self._store.transaction() as tx:
            await tx.fetch("lock_exclusive", GROUP_CLASS, [EVERYONE])
            same = await tx.fetchrow("carrier_block_same", file.carrier, file.sha256)
            if same is None:
                id_ = await self._store_list(tx, caller, file, (people, ports, faults), now)
            else:
                id_, faults, accepted = same["id"], json.loads(same["faults"]), same["accepted"]
        return {
            "id": str(id_), "new": same is None, "carrier": file.carrier, "dated": file.dated,
            "sha256": file.sha256.hex(), "accepted": accepted, "refused": len(faults),
            "people": len(people), "ports": len(ports), "faults": faults[:_LISTED],
        }  # fmt: skip

    async def _store_list(
        self,
        tx: Transaction,
        caller: Caller,
        file: BlockFile,
        read: tuple[list[int], set[int], list[dict[str, Any]]],
        now: float,
    ) -> int:
        people, ports, faults = read
        last: date | None = await tx.fetchval("carrier_block_last", file.carrier)
        if last is not None and (file.dated < last or (file.more and file.dated != last)):
            raise Conflict(
                "block_file_old", f"the list in force is of {last}", field="dated", rule=_RULE,
                mend="take the carrier's newest list; its further parts are of the same day",
            )  # fmt: skip
        id_: int = await tx.fetchval(
            "carrier_block_file_insert", file.carrier, file.dated, file.sha256, len(file.rows),
            len(file.rows) - len(faults), json.dumps(faults), utc(now), caller.key_id,
            caller.actor_id,
        )  # fmt: skip
        if not file.more:
            await tx.execute("carrier_block_clear", file.carrier)
        await tx.execute("carrier_block_insert", file.carrier, id_, people)
        await self._bind_ports(tx, file, id_, ports, now)
        told = {
            "carrier": file.carrier, "dated": file.dated.isoformat(), "people": len(people),
            "ports": len(ports), "refused": len(faults), "more": file.more,
        }  # fmt: skip
        await keep_act(tx, caller, now, "restriction.import", file.carrier, {}, told)
        await tx.execute("notify", BLOCKS, "")
        return id_

    async def _bind_ports(
        self, tx: Transaction, file: BlockFile, id_: int, ports: set[int], now: float
    ) -> None:
        """Restrict the ports of a list, and lift what an earlier list restricted and this does
        not."""
        rows = await tx.fetch("carrier_restrictions", file.carrier)
        bound = {row["port_id"]: row["id"] for row in rows}
        for port in sorted(ports - bound.keys()):
            await self._restrictions.impose(
                tx, Scope(port_id=port, carrier=file.carrier), "reject", "carrier_block", _WORDS,
                "carrier", id_, now, None,
            )  # fmt: skip
        for port in sorted(bound.keys() - ports) if not file.more else ():
            await self._restrictions.lift(tx, bound[port], "carrier", now)

    async def listed(self, caller: Caller) -> dict[str, Any]:
        """Return the lists that were taken, newest first."""
        self.check(caller)
        return {
            "items": [
                {
                    "id": str(row["id"]),
                    "sha256": row["sha256"].hex(),
                    **{name: row[name] for name in ("carrier", "dated", "rows", "accepted", "at")},
                    "refused": row["rows"] - row["accepted"],
                }
                for row in await self._store.fetch("carrier_block_files")
            ]
        }

    def _check(self, file: BlockFile, now: float) -> None:
        def wrong(field: str, message: str, mend: str) -> InvalidInput:
            return InvalidInput("block_file", message, field=field, rule=_RULE, mend=mend)

        if file.carrier not in self._carriers:
            mend = f"name one of {', '.join(self._carriers)}"
            raise wrong("carrier", "there is no such carrier", mend)
        if file.dated > day_of(now):
            raise wrong("dated", "the list is of a day to come", "give the day that it is of")

    async def _read(
        self, file: BlockFile, now: float
    ) -> tuple[list[int], set[int], list[dict[str, Any]]]:
        """Return the people and ports of a list, and what is wrong with other rows."""
        ports_of = {
            port.number: port.id
            for port in self._catalogue.ports.values()
            if port.carrier == file.carrier and port.sender_id is not None
        }
        cells = [row.get("number", "").strip() for _, row in file.rows]
        parsed = parse(cells)
        numbers = np.where(parsed.fault == 0, parsed.msisdn, 0)
        people = await self._directory.ids(self._store, numbers, utc(now), remember=False)
        ports: set[int] = set()
        faults: list[dict[str, Any]] = []
        for (place, _), cell, fault in zip(file.rows, cells, parsed.fault.tolist(), strict=True):
            if cell in ports_of:
                ports.add(ports_of[cell])
            elif fault:
                words, code = FAULT_WORDS[Fault(fault)], Fault(fault).name.lower()
                faults.append({"row": place, "code": code, "en": words.en, "zh": words.zh})
        return np.unique(people[people > 0]).tolist(), ports, faults
