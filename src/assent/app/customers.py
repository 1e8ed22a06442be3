"""The part of a node that serves customers' own links: taking in, judging, telling."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, Final

from assent.flow.judging import Judging
from assent.flow.reception import Reception

if TYPE_CHECKING:
    from assent.app.node import Node

TASKS: Final = ("reception", "judging")


class Customers:
    """Made in `Node._wire`; the node runs its tasks and stops it first of all."""

    def __init__(self, node: Node) -> None:
        self.judging = Judging(
            node.store,
            node.clock,
            node.epoch.id,
            node.catalogue,
            node.submit,
            node.dispatcher,
            node.settings.refusal_wording,
        )
        self.reception = Reception(
            node.store,
            node.clock,
            node.epoch.id,
            node.catalogue,
            node.directory,
            self.judging.add,
            self.judging.backlog,
        )
        self._clock = node.clock

    async def reload(self) -> None:
        """Read the logins anew. Raises AssentError."""
        await self.reception.reload()
        self.judging.know(self.reception.links)

    def run(self, start: Callable[[Coroutine[Any, Any, None], str], None]) -> None:
        """Start the tasks."""
        start(self.reception.run(), "reception")
        start(self.judging.run(), "judging")

    async def tidy(self) -> None:
        """Take over what ended processes left; give up what does not come. Raises AssentError."""
        await self.reception.adopt()
        self.judging.expire(self._clock.now())

    def stop(self) -> None:
        """Take no more in, end after what is being judged."""
        self.reception.stop()
        self.judging.stop()

    def errors(self) -> list[tuple[str, str]]:
        """Return what failed last, by part."""
        return [("reception", self.reception.last_error), ("judging", self.judging.last_error)]

    def report(self) -> dict[str, Any]:
        """Return figures; no personal data."""
        return {
            "submits_stored": self.reception.stored,
            "submits_waiting": self.reception.waiting,
            "judged": self.judging.judged,
            "rejected": self.judging.rejected,
            "incomplete": self.judging.incomplete,
        }
