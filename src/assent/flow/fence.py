"""The fence of an epoch, and what to do when the answer to a COMMIT is lost.

Whatever an epoch stores of its windows it stores under its fence, held shared. Recovery takes
the fence for itself before it settles what a dead epoch left (recover.py), so a transaction that
is still on its way in the server is waited for and never overlooked.

A lost answer leaves two pasts: stored or not. Going on with either guess would send, charge or
release twice, or never. So the writer takes its own fence for itself, which waits until the
server is through with the transaction in question, and then looks.
"""

from __future__ import annotations

import asyncio
from typing import Final

from assent.errors import Unavailable
from assent.flow.needs import Store, Transaction

FENCE_CLASS: Final = 3
COMMIT_UNKNOWN: Final = "commit_unknown"
_ASK_AGAIN_S: Final = 0.2

Mark = tuple[int, int]
"""(batch id, id) of any window, result or slot end that a transaction writes; (0, submission id)
for one that writes orders only."""


async def enter(tx: Transaction, epoch: int) -> None:
    """Hold the fence until the transaction ends; the first thing a transaction does.

    Raises Unavailable `epoch_ended` when this process was declared dead.
    """
    if not await tx.fetchval("epoch_enter", FENCE_CLASS, epoch):
        raise epoch_ended()


def epoch_ended() -> Unavailable:
    """Return the error for a process that was declared dead and may not commit any more."""
    return Unavailable("epoch_ended", "this process was declared dead", mend="restart it")


async def stored_after_all(
    store: Store, epoch: int, error: BaseException, mark: Mark | None
) -> bool:
    """Return whether a transaction that ended in `error` was committed all the same.

    `mark` is something that only this transaction writes, None when it had written nothing yet.
    Waits for as long as the store does not answer; the caller must do nothing in between that
    rests on either past.
    """
    if mark is None or not isinstance(error, Unavailable) or error.code != COMMIT_UNKNOWN:
        return False
    while True:
        try:
            async with store.transaction() as tx:
                await tx.fetch("lock_exclusive", FENCE_CLASS, [epoch])
                return bool(await tx.fetchval("was_stored", *mark))
        except Unavailable:
            await asyncio.sleep(_ASK_AGAIN_S)
