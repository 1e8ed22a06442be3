"""Marks of numbers that were erased or given to a new holder.

A mark is a keyed digest of the number, used for nothing else; the key lies in the vault's file, so
that nobody who has the database and the ledger can test a number against the marks. Who meets a
marked number as a new person makes RECEIVER_ONLY that person's first entry, in the transaction that
makes the person: erasing, or a new contract with the carrier, is no way around a refusal.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal

from assent.consent.entry import Channel, Entry, Kind, Origin, Scope
from assent.errors import Unavailable
from assent.flow.ledger import AT_ONCE, append
from assent.flow.needs import Store, Transaction
from assent.flow.vault import Vault

Why = Literal["erased", "reassigned"]

_KIND: Final = "number mark"
"""What the digest is of: the same number has another digest everywhere else."""


class TooManyMet(Exception):
    """More marked numbers among new people than one transaction may append entries."""


class Marks:
    """The marks of an installation. Without a vault nobody can tell what is marked."""

    def __init__(self, vault: Vault | None = None) -> None:
        self._vault = vault
        self._any = False  # whether some were seen: before that no digest need be made

    def digest(self, msisdn: int) -> bytes:
        """Return the mark of a number. Raises Unavailable without the key."""
        if self._vault is None:
            raise Unavailable(
                "vault_key", "numbers are marked, and the key to the marks is missing",
                field="vault_key_file", mend="start the process with the vault's key file",
            )  # fmt: skip
        return self._vault.digest(str(msisdn), _KIND)

    async def put(self, tx: Transaction, msisdns: Sequence[int], why: Why, at: datetime) -> None:
        """Mark numbers."""
        await tx.execute("number_marks_put", [self.digest(one) for one in msisdns], why, at)

    async def drop(self, tx: Transaction, msisdn: int) -> None:
        """Take a number's mark away: its holder does not want it."""
        await tx.execute("number_mark_drop", self.digest(msisdn))

    async def make(
        self, store: Store, numbers: Sequence[int], secrets: Sequence[bytes], at: datetime
    ) -> bool:
        """Make people for numbers in one call; False, with nobody made, where a number is marked:
        :meth:`meet` is for that."""
        for _ in range(2):
            digests = [self.digest(one) for one in numbers] if self._any else None
            if await store.fetchval("people_make", numbers, secrets, at, digests):
                return True
            if digests is not None:
                break
            self._any = True  # there are marks by now; is one of these numbers among them?
        return False

    async def meet(self, tx: Transaction, made: Sequence[Any], at: datetime) -> None:
        """Look for the marks of people just made in this transaction (rows `id`, `msisdn`), and
        append what they mean. Raises TooManyMet, with more than 1,000 of them."""
        person_of = {self.digest(row["msisdn"]): row["id"] for row in made}
        found = await tx.fetch("number_marks_among", list(person_of))
        if len(found) > AT_ONCE:
            raise TooManyMet
        people = sorted(person_of[bytes(row["digest"])] for row in found)
        if people:
            await append(tx, [receiver_only(one, at) for one in people], at)


def receiver_only(person: int, at: datetime) -> Entry:
    """Return the entry by which only the receiver's own grants count for a person."""
    return Entry(
        at_ms=int(at.timestamp() * 1000),
        kind=Kind.RECEIVER_ONLY,
        person=person,
        scope=Scope.PLATFORM,
        channel=Channel.PLATFORM,
        origin=Origin.PLATFORM,
    )
