"""Noticing that the ledger is not the one that was: restored from an old backup, or rewritten.

Who saw more than there is says so: a witness, or our own file beside the database that holds the
last checkpoint. From then on marketing is switched off for everybody, by an ordinary switch
(`class_stop`): only refusals, codes and notices go on. The refusals given since are brought back
(:mod:`assent.flow.bring_back`), and staff end the recovery, which is written down.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from assent.clock import Clock
from assent.consent.entry import purpose_mask
from assent.consent.note import Checkpoint, Note
from assent.errors import AssentError, Conflict, InvalidInput
from assent.flow.catalogue import CHANNEL, Catalogue
from assent.flow.needs import Queries, Store, utc
from assent.flow.requests import Caller
from assent.flow.sealing import Head, last, tree_for
from assent.flow.staff import check_staff, keep_act
from assent.flow.tidings import Tidings
from assent.message import Purpose

ROLLED_BACK: Final = "ledger_rolled_back"
FORKED: Final = "ledger_forked"
UNCHECKED: Final = "ledger_unchecked"
"""Nobody could say yet: our own file is not there, and no witness answered."""
OWN: Final = "head"
"""The source that our own file is."""
_STOPPED: Final = purpose_mask(Purpose.MARKETING, Purpose.INTERNAL)


@dataclass(frozen=True, slots=True)
class Difference:
    """The ledger is shorter than `source` saw it (`seen`, at `at` if known), or another."""

    code: str
    source: str
    seen: int
    size: int
    at: float | None = None


async def compare(store: Store, seen: Head) -> Difference | None:
    """Return how the ledger differs from a checkpoint of it that was kept elsewhere."""
    head = await last(store)
    if head.size < seen.size:
        return Difference(ROLLED_BACK, OWN, seen.size, head.size, seen.at)
    if not seen.size:
        return None
    tree = await tree_for(store, head.size, olds=[seen.size])
    try:
        same = tree.root_at(seen.size) == seen.root
    except ValueError:  # tiles are missing: it cannot be shown to be the same
        same = False
    return None if same else Difference(FORKED, OWN, seen.size, head.size, seen.at)


async def tell_staff(tx: Queries, tidings: Tidings, mail: tuple[str, str]) -> None:
    """Write a mail to the operator's administrators."""
    operator = await tx.fetchval("operator_account")
    if operator is not None:
        await tidings.tell(tx, operator, mail)


def head_of(note: str, at: float) -> Head:
    """Return the head that a signed checkpoint tells. Raises InvalidInput."""
    checkpoint = Checkpoint.parse(Note.parse(note).text)
    return Head(checkpoint.size, checkpoint.root, note, at)


class Guard:
    """Switches marketing off when the ledger is not what it was, and staff on again.

    `kept`: the head that our own file holds, None where there is none. `keep`: writes it.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        kept: Callable[[], Head | None],
        keep: Callable[[Head], Awaitable[None]],
        tidings: Tidings | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._kept = kept
        self._keep = keep
        self._tidings = tidings
        self._held: set[tuple[str, int]] = set()  # sources that were looked at in this process
        self.last_error = ""

    async def check(self) -> Difference | None:
        """Compare the ledger with our own file; what differs is held. Raises InvalidInput for a
        file that cannot be read: to go on without it would be to forget what it says."""
        seen = self._kept()
        found = None if seen is None else await compare(self._store, seen)
        if found is not None:
            await self.notice(found)
        elif seen is None:
            await self._keep(await last(self._store))
        return found

    async def doubt(self) -> None:
        """Hold marketing until a witness answers: a ledger that is not new came without our file,
        as one does that is restored on another machine."""
        head = await last(self._store)
        if head.size:
            await self.notice(Difference(UNCHECKED, "witnesses", head.size, head.size))

    async def confirmed(self) -> None:
        """A witness cosigned: end the doubt, if there was one."""
        async with self._store.transaction() as tx:
            await tx.execute("recovery_hold")
            at = utc(self._clock.now())
            for row in await tx.fetch("recovery_end_of", UNCHECKED, at):
                await tx.fetchrow("class_stop_lift", row["stop_id"], at)
                await tx.execute("notify", CHANNEL, "")

    async def notice(self, found: Difference) -> bool:
        """Switch marketing off for what was found; return whether that was new."""
        if (found.source, found.seen) in self._held and found.source != OWN:
            return False
        now = utc(self._clock.now())
        at = None if found.at is None else utc(found.at)
        async with self._store.transaction() as tx:
            await tx.execute("recovery_hold")
            known = await tx.fetchval("recovery_known", found.source, found.seen, at)
            if not known:
                row = await tx.fetchrow(
                    "class_stop_insert", [], _STOPPED, False, found.code, now, None
                )
                assert row is not None, "an insert returns its row"
                await tx.execute(
                    "recovery_put", found.source, found.code, found.seen, found.size, row["id"],
                    now,
                )  # fmt: skip
                await tx.execute("notify", CHANNEL, "")
                if self._tidings is not None:
                    await tell_staff(tx, self._tidings, _mail(found))
        self._held.add((found.source, found.seen))
        return not known

    async def sealed(self, head: Head) -> None:
        """Remember a head that was just sealed, unless a recovery waits for staff."""
        try:
            rows = await self._store.fetch("recoveries")
            if not any(row["ended_at"] is None for row in rows):
                await self._keep(head)
            self.last_error = ""
        except (AssentError, OSError) as error:
            self.last_error = getattr(error, "code", "head_file")


class Recoveries:
    """What staff see of recoveries, and how they end them."""

    def __init__(self, store: Store, clock: Clock, catalogue: Catalogue) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue

    async def show(self) -> list[dict[str, Any]]:
        """Return them, newest first."""
        rows = await self._store.fetch("recoveries")
        return [
            {
                **{name: row[name] for name in ("source", "code", "seen", "size", "noticed_at",
                                                "recovered", "recovered_at", "ended_at")},
                "id": str(row["id"]),
            }
            for row in rows
        ]  # fmt: skip

    async def end(self, caller: Caller, reason: str) -> dict[str, Any]:
        """Say that what was missing is back: marketing goes on. Raises InvalidInput without a
        reason, Conflict where nothing is open."""
        check_staff(self._catalogue, caller)
        if not reason.strip():
            raise InvalidInput("reason", "it needs a reason", field="reason", mend="say why")
        at = self._clock.now()
        async with self._store.transaction() as tx:
            await tx.execute("recovery_hold")
            rows = await tx.fetch("recovery_end", utc(at))
            if not rows:
                raise Conflict(
                    "no_recovery", "the ledger is not held", field="ledger", mend="nothing"
                )
            for row in rows:
                await tx.fetchrow("class_stop_lift", row["stop_id"], utc(at))
                before = {name: row[name] for name in ("source", "code", "seen", "size")}
                after = {"recovered": row["recovered"], "reason": reason.strip()}
                await keep_act(tx, caller, at, "ledger.resume", row["source"], before, after)
            await tx.execute("notify", CHANNEL, "")
        return {"ended": len(rows), "recovered": sum(row["recovered"] for row in rows)}


def _mail(found: Difference) -> tuple[str, str]:
    return (
        "同意账本回退，营销已停止 / The consent ledger was rolled back: marketing is off",
        (
            f"账本现有 {found.size} 条记录，而 {found.source} 曾见过 {found.seen} 条"
            f"（{found.code}）。营销短信已全部停止；退订、验证码和通知照常。请用"
            " assent ledger recover 找回其后的退订，再用 assent ledger resume 恢复。\n\n"
            f"The ledger has {found.size} entries, and {found.source} saw {found.seen}"
            f" ({found.code}). Marketing is switched off; refusals, codes and notices go on. Bring"
            " the refusals back with assent ledger recover, then end it with assent ledger"
            " resume.\n"
        ),
    )
