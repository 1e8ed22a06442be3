"""A case as it stands in the tables: its steps, what of them is in force, and how more is written.

Steps are rows that are never changed. What became of one stands in later rows that name it: agreed,
declined, done, lifted, appealed, upheld, reversed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from assent.clock import Clock
from assent.errors import Conflict, NotFound
from assent.flow.catalogue import Catalogue
from assent.flow.columns import pack_object
from assent.flow.needs import Queries, Store, Transaction, utc
from assent.flow.requests import Caller
from assent.flow.staff import keep_act, same_person
from assent.flow.tidings import Tidings
from assent.flow.vault import Vault
from assent.policy.ladder import STEPS, Ladder
from assent.registry.calendar import Calendar

WHOM: Final = ("sender_id", "account_id", "port_id")


def word_owner(step: int) -> str:
    """Return what the sealed words of a step belong to."""
    return f"case_word/{step}"


@dataclass(frozen=True, slots=True)
class Step:
    """A row of a case. `who`: key and person of the staff, None for the platform itself or a
    customer."""

    id: int
    action: str
    state: str
    of: int | None
    rule: str
    details: dict[str, Any]
    until: datetime | None
    at: datetime
    who: tuple[int, int | None] | None
    account_id: int | None
    actor: str | None
    sealed: bytes | None

    @classmethod
    def read(cls, row: Any) -> Step:
        """Return the step of a row."""
        staff = row["key_id"] is not None and row["account_kind"] == "operator"
        return cls(
            row["id"],
            row["action"],
            row["state"],
            row["of_step"],
            row["rule"],
            json.loads(row["details"]),
            row["until"],
            row["at"],
            (row["key_id"], row["actor_id"]) if staff else None,
            row["account_id"],
            row["actor"] if staff else None,
            None if row["sealed"] is None else bytes(row["sealed"]),
        )


@dataclass(slots=True)
class Case:
    """A case with its steps, oldest first."""

    row: Any
    steps: list[Step] = field(default_factory=list)

    @property
    def id(self) -> int:
        """Its number."""
        return int(self.row["id"])

    def named(self, word: str) -> Step:
        """Return a step by its number as somebody wrote it. Raises NotFound `no_case_step`."""
        return self.step(int(word) if word.isascii() and word.isdigit() else 0)

    def step(self, number: int) -> Step:
        """Return a step. Raises NotFound `no_case_step`."""
        for one in self.steps:
            if one.id == number:
                return one
        raise NotFound(
            "no_case_step", "the case has no such step", field="step", rule="cases: steps",
            mend="see GET /v1/cases/ID",
        )  # fmt: skip

    def of(self, step: Step, *states: str) -> list[Step]:
        """Return what followed from a step, in some states."""
        return [one for one in self.steps if one.of == step.id and one.state in states]

    def taken(self) -> Iterator[Step]:
        """Yield the steps of the ladder that were done and not reversed."""
        for one in self.steps:
            if one.action in STEPS and one.state == "done" and not self.of(one, "reversed"):
                yield one

    def lifted(self, step: Step) -> Step | None:
        """Return the row that ended a step before its time."""
        return next((one for one in self.of(step, "done") if one.action == "lift"), None)

    def in_force(self) -> list[Step]:
        """Return the steps of the ladder that stand: not lifted, not reversed."""
        return [one for one in self.taken() if self.lifted(one) is None]

    def proposals(self) -> list[Step]:
        """Return what waits for a second person."""
        return [
            one for one in self.steps
            if one.state == "proposed" and not self.of(one, "done", "declined")
        ]  # fmt: skip

    def appeal(self, step: Step) -> Step | None:
        """Return the customer's appeal against a step."""
        return next(iter(self.of(step, "appealed")), None)

    def verdict(self, step: Step) -> Step | None:
        """Return what was decided about a step."""
        return next(iter(self.of(step, "upheld", "reversed")), None)

    def followed(self, step: Step) -> bool:
        """Tell whether something was done or proposed because the days of a step were over."""
        return any(one.details.get("after") == step.id for one in self.steps)

    def answered(self, since: Step) -> bool:
        """Tell whether the customer wrote since a step."""
        return any(one.action == "answer" and one.id > since.id for one in self.steps)

    @property
    def told(self) -> bool:
        """Whether the customer knows of it: a step of the ladder, or a letter."""
        return any(one.state == "done" and one.action in (*STEPS, "message") for one in self.steps)


@dataclass(frozen=True, slots=True)
class Parts:
    """What every room of cases works with."""

    store: Store
    clock: Clock
    vault: Vault
    catalogue: Catalogue
    calendar: Calendar
    ladder: Ladder
    tidings: Tidings | None

    def working(self, days: int) -> datetime | None:
        """Return the end of so many working days from now, None for none."""
        return utc(self.calendar.after(self.clock.now(), days)) if days else None

    async def load(self, queries: Queries, number: int) -> Case:
        """Return a case. Raises NotFound `no_case`."""
        row = await queries.fetchrow("case_get", number)
        if row is None:
            raise no_case()
        return Case(row, [Step.read(one) for one in await queries.fetch("case_steps", number)])

    async def hold(self, tx: Transaction, number: int) -> Case:
        """Return a case, held until the transaction ends: first locked, then read."""
        await tx.fetchval("case_hold", number)
        return await self.load(tx, number)

    def words(self, step: Step) -> str:
        """Return what was written in a step."""
        if step.sealed is None:
            return ""
        return self.vault.open(step.sealed, word_owner(step.id)).decode()

    async def say(
        self,
        tx: Transaction,
        case: int,
        action: str,
        state: str = "done",
        *,
        caller: Caller | None = None,
        of: int | None = None,
        rule: str = "",
        details: Mapping[str, Any] | None = None,
        until: datetime | None = None,
        words: str = "",
    ) -> int:
        """Write a step; what the staff does also into the record of acts. Return its id."""
        at = self.clock.now()
        who: tuple[int | None, ...] = (None, None, None)
        if caller is not None:
            who = (caller.key_id, caller.actor_id, caller.account_id)
        told = json.dumps(dict(details or {}), ensure_ascii=False, sort_keys=True)
        step: int = await tx.fetchval(
            "case_step_insert", case, action, state, of, rule, told, until, utc(at), *who
        )
        if words:
            sealed = self.vault.seal(words.encode(), word_owner(step))
            await tx.execute("case_word_insert", step, sealed)
        if caller is not None and self.is_staff(caller):
            after = {"step": step, "state": state, "of": of, **(details or {})}
            await keep_act(tx, caller, at, f"case.{action}", f"case/{case}", {}, after)
        event = pack_object({"case": case, "kind": "case_file", "action": action, "state": state})
        await tx.execute("event_insert", utc(at), "case", None, case, event)
        return step

    def is_staff(self, caller: Caller) -> bool:
        """Tell whether somebody acts for the operator."""
        account = self.catalogue.accounts.get(caller.account_id)
        return account is not None and account.kind == "operator"

    async def settle(self, tx: Transaction, number: int, **change: Any) -> Case:
        """Bring the row of a case up to its steps: what stands, and when something is to be done
        next. `change`: of state, severity, owner_id, closed_at."""
        case = await self.load(tx, number)
        row = {name: case.row[name] for name in ("state", "severity", "owner_id", "closed_at")}
        row |= change
        standing = case.in_force()
        step = standing[-1].action if standing else ""
        due = min(next_dates(case), default=None) if row["state"] == "open" else None
        await tx.execute(
            "case_set", number, step, row["state"], row["severity"], row["owner_id"], due,
            row["closed_at"],
        )  # fmt: skip
        return case


def next_dates(case: Case) -> Iterator[datetime]:
    """Yield when something has to be done or is done by itself: the days of a step are over, a
    second person or an appeal was waited for long enough. Dates that were followed are past."""
    for one in case.in_force():
        waits = case.appeal(one) is not None and case.verdict(one) is None
        if one.until is not None and not case.followed(one) and not waits:
            yield one.until
    for one in [*case.proposals(), *appeals(case)]:
        if one.until is not None and not case.followed(one):
            yield one.until


def appeals(case: Case) -> list[Step]:
    """Return appeals that nobody decided yet."""
    return [
        one for one in case.steps
        if one.state == "appealed" and one.of is not None
        and case.verdict(case.step(one.of)) is None
    ]  # fmt: skip


def person(caller: Caller) -> tuple[int, int | None]:
    """Return who calls, as steps keep it."""
    return caller.key_id, caller.actor_id


def among(who: tuple[int, int | None], others: Sequence[Step]) -> bool:
    """Tell whether a person took one of some steps."""
    return any(one.who is not None and same_person(one.who, who) for one in others)


def check_open(case: Case, kind: str = "enforcement") -> None:
    """Raise Conflict unless a case is open and of a kind."""
    if case.row["kind"] != kind:
        raise Conflict(
            "case_kind", f"this case is one of {case.row['kind']}", field="id", rule="cases: kinds",
            mend="name a case of the other kind",
        )  # fmt: skip
    if case.row["state"] != "open":
        raise Conflict(
            "case_closed", f"the case is {case.row['state']}", field="id", rule="cases: states",
            mend="open a new one; the old one is shown beside it",
        )  # fmt: skip


def no_case() -> NotFound:
    """Return the error for a case that is not there for who asks."""
    return NotFound("no_case", "there is no such case", field="id", mend="see GET /v1/cases")
