"""What processes count of codes to numbers in a row, added up (policy/probing.py).

Each process tells what it noted and learns what others did, once a second: what is counted are
sets of numbers, so adding up is a union, and telling twice changes nothing. An order waits for none
of this. Between two rounds processes may let through what each allows alone, no more.

Numbers stand in one table only, and not in this one: account and range are encrypted, with a key
made from the vault's, so that who has the database cannot tell what a bit stands for.
"""

from __future__ import annotations

import asyncio
import struct
from typing import Any, Final

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from assent.clock import Clock
from assent.errors import AssentError
from assent.flow.needs import Store, utc
from assent.flow.vault import Vault
from assent.policy.probing import Probes, Range

EVERY_S: Final = 1.0
_PLACE: Final = struct.Struct(">QQ")
_OVERLAP_S: Final = 30.0
"""Rows that were written, and not committed, when it was looked last; clocks that differ."""
_KEPT_S: Final = 3 * 86_400.0
_TIDY_S: Final = 3_600.0


class SharedProbes:
    """Run :meth:`run` as a task."""

    def __init__(self, store: Store, clock: Clock, probes: Probes, vault: Vault) -> None:
        key = vault.digest("places", "probing")
        # One block, never repeated for two places, and nothing to read in which are the same.
        self._cipher = Cipher(algorithms.AES(key), modes.ECB())  # noqa: S305  # as said above
        self._store = store
        self._clock = clock
        self._probes = probes
        self._seen_at = 0.0
        self._tidied_at = 0.0
        self._untold: dict[Range, int] = {}
        self.last_error = ""

    async def run(self) -> None:
        """Tell and learn for ever; what fails is told the next time."""
        while True:
            try:
                await self.step()
                self.last_error = ""
            except AssentError as error:
                self.last_error = error.code
            await asyncio.sleep(EVERY_S)

    async def step(self) -> None:
        """Tell what was noted since the last time, and learn what others noted."""
        now = self._clock.now()
        for where, bits in self._probes.news().items():
            self._untold[where] = self._untold.get(where, 0) | bits
        if self._untold:
            placed = [(one.rule, self._place(one), one.window, one) for one in self._untold]
            placed.sort(key=lambda row: row[:3])
            await self._store.execute(
                "probes_tell",
                [rule for rule, _, _, _ in placed],
                [place for _, place, _, _ in placed],
                [window for _, _, window, _ in placed],
                [self._bits(one) for _, _, _, one in placed],
                utc(now),
            )
            self._untold = {}
        since = self._seen_at - _OVERLAP_S if self._seen_at else now - _KEPT_S
        rows = await self._store.fetch("probes_since", utc(since))
        self._probes.learn({self._range(row): int(row["bits"], 2) for row in rows}, now)
        self._seen_at = now
        if now - self._tidied_at > _TIDY_S:
            await self._store.execute("probes_forget", utc(now - _KEPT_S))
            self._tidied_at = now

    def _bits(self, one: Range) -> str:
        return f"{self._untold[one]:0{self._probes.size_of(one.rule)}b}"

    def _place(self, one: Range) -> bytes:
        made = self._cipher.encryptor()
        return made.update(_PLACE.pack(one.account, one.prefix)) + made.finalize()

    def _range(self, row: Any) -> Range:
        opened = self._cipher.decryptor()
        account, prefix = _PLACE.unpack(opened.update(bytes(row["place"])) + opened.finalize())
        return Range(row["rule"], account, prefix, row["window_no"])
