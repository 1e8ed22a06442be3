"""Code numbers that the operator holds, and which of their extensions are free."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from assent.clock import Clock
from assent.errors import Conflict, InvalidInput, NotFound
from assent.flow.catalogue import CHANNEL, Catalogue
from assent.flow.needs import Queries, Store, Transaction, utc
from assent.flow.port_requests import CodeNumberFile
from assent.flow.requests import Caller
from assent.flow.scopes import scope_read
from assent.flow.staff import check_staff, keep_act
from assent.message import Purpose
from assent.registry.ports import Held, Range, check_number, clash, free_extension, ranges_of

OWN: Final = "-"


@dataclass(frozen=True, slots=True)
class CodeNumber:
    """A code number row."""

    id: int
    number: str
    carriers: tuple[str, ...]
    ranges: tuple[Range, ...]
    purposes: int
    open: bool


class CodeNumbers:
    """The operator's numbers. `carriers`: names of the carriers that there are."""

    def __init__(
        self, store: Store, clock: Clock, catalogue: Catalogue, carriers: Sequence[str]
    ) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._carriers = carriers

    async def enter(self, caller: Caller, file: CodeNumberFile) -> dict[str, Any]:
        """Enter a number, change what is given out of it, or close it. Ports that it gave stay.

        Raises InvalidInput naming the field, NotFound for closing what is not there.
        """
        check_staff(self._catalogue, caller)
        check_number(file.number)
        at = self._clock.now()
        async with self._store.transaction() as tx:
            before = await tx.fetch("code_numbers", file.number)
            if file.closed:
                if await tx.fetchval("code_number_close", file.number) is None:
                    raise _no_number()
            else:
                await self._put(tx, file, at)
            after = await tx.fetch("code_numbers", file.number)
            await keep_act(
                tx, caller, at, "number.close" if file.closed else "number.enter", file.number,
                _told(before[0]) if before else {}, _told(after[0]),
            )  # fmt: skip
            await tx.execute("notify", CHANNEL, "")
        return _told(after[0])

    async def _put(self, tx: Transaction, file: CodeNumberFile, at: float) -> None:
        ranges_of(file.ranges, file.number)
        unknown = [name for name in file.carriers if name not in self._carriers]
        if unknown or not file.carriers:
            raise InvalidInput(
                "no_carrier", f"there is no carrier {unknown[0]}" if unknown else "no carrier",
                field="carriers", mend=f"use some of {', '.join(self._carriers)}",
            )  # fmt: skip
        if not file.purposes:
            raise InvalidInput(
                "no_purpose", "its certificate allows nothing", field="purposes", rule="CN-23",
                mend="name the purposes that the certificate allows",
            )  # fmt: skip
        await tx.fetchval(
            "code_number_put",
            file.number,
            list(dict.fromkeys(file.carriers)),
            scope_read(file.scope),
            file.ranges,
            sum(1 << Purpose[word.upper()] for word in set(file.purposes)),
            file.free_to_reply,
            await self._certificate(tx, file.certificate),
            utc(at),
        )

    @staticmethod
    async def _certificate(tx: Transaction, word: str | None) -> int | None:
        if word is None:
            return None
        found = None
        if word.isascii() and word.isdecimal() and len(word) < 19:
            found = await tx.fetchval("document_of_operator", int(word))
        if found is None:
            raise InvalidInput(
                "no_document", "the operator has no such paper", field="certificate",
                rule="CN-60", mend="hand in the number's certificate as a paper of the operator's",
            )  # fmt: skip
        return int(found)

    async def show(self, caller: Caller) -> dict[str, Any]:
        """Return the numbers: all that is known of them for staff, else what may be applied for."""
        rows = await self._store.fetch("code_numbers", None)
        account = self._catalogue.accounts.get(caller.account_id)
        if account is not None and account.kind == "operator":
            return {"items": [_told(row) for row in rows]}
        shown = ("number", "carriers", "scope", "ranges", "purposes", "free_to_reply")
        told = (_told(row) for row in rows if row["status"] == "active")
        return {"items": [{name: one[name] for name in shown} for one in told]}


async def number_named(queries: Queries, number: str) -> CodeNumber:
    """Return a code number by its digits. Raises NotFound when nothing is given out of it."""
    rows = await queries.fetch("code_numbers", number)
    if not rows or rows[0]["status"] != "active":
        raise _no_number()
    row = rows[0]
    return CodeNumber(
        row["id"],
        row["number"],
        tuple(row["carriers"]),
        ranges_of(row["ranges"], row["number"]),
        row["purposes"],
        row["status"] == "active",
    )


async def choose(
    tx: Transaction, code: CodeNumber, sender: int, purpose: Purpose, extension: str | None
) -> str:
    """Return the whole number that a sender gets: with the extension it names, or the first that is
    free. The transaction holds the numbers from here on.

    Raises InvalidInput for an extension outside the ranges, Conflict for one that is taken.
    """
    await tx.execute("numbers_lock")
    rows = await tx.fetch("numbers_held", code.number)
    held = [Held(row["number"], row["sender_id"], row["purpose"]) for row in rows]
    if extension is None:
        extension = free_extension(code.number, code.ranges, sender, held)
        if extension is None:
            raise Conflict(
                "no_extension", "every extension of this number is taken", field="number",
                mend="apply for one of another number",
            )  # fmt: skip
    if not any(some.holds(extension) for some in code.ranges):
        raise InvalidInput(
            "extension_range", "the extension is outside the ranges of this number",
            field="extension", rule="CN-60",
            mend=f"choose one of {', '.join(f'{r.low}-{r.high}' for r in code.ranges)}",
        )  # fmt: skip
    number = code.number + extension
    other = clash(number, sender, held)
    if other is not None:
        raise _taken(number, sender, purpose, other)
    return number


def _taken(number: str, sender: int, purpose: Purpose, other: Held) -> Conflict:
    if other.number == number and other.sender_id == sender and other.purpose != purpose:
        return Conflict(
            "port_purpose", "the port was approved for another purpose", field="purpose",
            rule="CN-23", mend="a port keeps its purpose; apply for another extension",
        )  # fmt: skip
    if other.number == number:
        return Conflict(
            "extension_taken", "the extension is taken, or was until lately", field="extension",
            rule="CN-60", mend="choose another one, or leave it out",
        )  # fmt: skip
    return Conflict(
        "extension_overlaps",
        "the number begins another sender's, or begins with it: nobody could tell whose replies "
        "they are", field="extension", rule="CN-60",
        mend="choose another one, or leave it out",
    )  # fmt: skip


def _no_number() -> NotFound:
    return NotFound(
        "no_number", "nothing is given out of such a code number", field="number",
        mend="see GET /v1/numbers",
    )  # fmt: skip


def _told(row: Any) -> dict[str, Any]:
    return {
        "number": row["number"],
        "carriers": list(row["carriers"]),
        "scope": row["scope"],
        "ranges": list(row["ranges"]),
        "purposes": [p.name.lower() for p in Purpose if row["purposes"] >> p & 1],
        "free_to_reply": row["free_to_reply"],
        "status": row["status"],
        "given": row["given"],
        "certificate": None if row["document_id"] is None else str(row["document_id"]),
        "certificate_number": row["document_number"],
        "certificate_until": None if row["valid_to"] is None else row["valid_to"].isoformat(),
    }
