"""Same texts and groups of a node: read beside the confirmations, told to staff."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import structlog

from assent.clock import pause
from assent.errors import AssentError
from assent.flow.fingerprints import Fingerprints
from assent.flow.groups import GroupMatter, Groups
from assent.flow.groups_shown import GroupsShown
from assent.flow.prints import Prints
from assent.flow.returned import Returned, SameTextMatter
from assent.screen.model import Model

if TYPE_CHECKING:
    from assent.app.node import Node

_EVERY_S: Final = 10.0
_GROUPS_S: Final = 60.0
_KEEP_S: Final = 180 * 86_400.0
_FORGET_S: Final = 86_400.0
_SAVE_S: Final = 3_600.0
_PORTIONS: Final = 20
log = structlog.get_logger("assent")


def _categories(texts: Sequence[str]) -> list[str]:
    """Return what texts are, as the packaged model tells it; it is read when first asked."""
    return Model.packaged().judge(texts).best()


class NearDesk:
    """The rooms. See :class:`assent.web.near_services.NearRooms`."""

    def __init__(self, node: Node) -> None:
        store, clock, catalogue, vault = node.store, node.clock, node.catalogue, node.vault
        desk = node.front.desk
        file = node.settings.near
        self.prints = Prints(store, clock, vault, _categories, file.files())
        self.finding = Groups(store, clock, desk, file.parties)
        self.groups = GroupsShown(store, catalogue)
        self.fingerprints = Fingerprints(
            store, clock, catalogue, vault, secrets.token_bytes, node.ledger.origin
        )
        self.returned = Returned(store, clock, desk)
        desk.plug(GroupMatter())
        desk.plug(SameTextMatter())
        self._clock = clock
        self._look = self._forget = self._save = 0.0
        self._new = True

    async def run(self) -> None:
        """Read on until cancelled, in one process of an installation. An index of millions takes a
        while to build, and nobody waits for it."""
        while True:
            try:
                await self.step(self._clock.now())
            except AssentError as error:
                log.warning("near_failed", code=error.code)
            await pause(self._clock, _EVERY_S)

    async def step(self, at: float) -> None:
        """Read what is new; look for groups if anything was and it is time to. Doing it again
        changes nothing. Raises AssentError."""
        for _ in range(_PORTIONS):
            if not await self.prints.step():
                break
            self._new = True
        await self.returned.look()
        if self._new and at >= self._look:
            await self.finding.look()
            self._new, self._look = False, at + _GROUPS_S
        if at >= self._forget:
            await self.prints.forget(at - _KEEP_S)
            self._forget = at + _FORGET_S
        if at >= self._save:
            self._save = at + _SAVE_S
            await self._keep()

    async def _keep(self) -> None:
        try:
            await self.prints.save()
        except OSError as error:
            log.warning("near_not_saved", why=error.strerror)
