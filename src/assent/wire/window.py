"""What is on its way and not answered: our messages, our questions, the peer's requests."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Sequence

LATE_KEPT = 65_536
"""How many messages without an answer a connection remembers, should the answer still come."""


class Window:
    """Our unanswered messages of one connection: sequence number -> token.

    Times are kept per write, not per message, since a window is written at once."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.tokens: dict[int, int] = {}
        self._late: dict[int, int] = {}
        self._writes: deque[tuple[float, Sequence[int]]] = deque()
        self._answered_at: float | None = None  # newest write known answered, once forgotten

    @property
    def free(self) -> int:
        return max(self.size - len(self.tokens), 0)

    def add(self, sequences: Sequence[int], tokens: Iterable[int], now: float) -> None:
        """Note one write of messages, in the order of their octets."""
        self.tokens.update(zip(sequences, tokens, strict=True))
        writes = self._writes
        writes.append((now, sequences))
        most = 2 * self.size + 64
        if len(writes) > most:
            self.oldest_at()  # forgets those that are answered completely
        # One message that is never answered must not keep the history of all that follow it.
        if len(writes) > most:
            self._answered_at = self._newest_answered()
            pending = self.tokens
            self._writes = deque(w for w in writes if any(s in pending for s in w[1]))

    def settle(self, answers: Iterable[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
        """(sequence, result, id) -> (token, result, id). Answers to nothing of ours are dropped:
        no message of ours is changed by them. Late answers find their token once."""
        settled = []
        take = self.tokens.pop
        for sequence, result, message_id in answers:
            token = take(sequence, None)
            if token is None:
                token = self._late.pop(sequence, None)
                if token is None:
                    continue
            settled.append((token, result, message_id))
        return settled

    def token_of(self, sequence: int) -> int | None:
        """The token that an answer to this sequence number would settle."""
        return self.tokens.get(sequence, self._late.get(sequence))

    def oldest_at(self) -> float | None:
        """When the oldest unanswered message was written."""
        if not self.tokens:
            self._writes.clear()
            return None
        # Python keeps insertion order: the first key is the oldest, and writes before the one
        # that holds it are answered completely.
        oldest = next(iter(self.tokens))
        while oldest not in self._writes[0][1]:
            self._writes.popleft()
        return self._writes[0][0]

    def expire(self, before: float) -> tuple[list[int], bool]:
        """Take out messages written at or before `before`: (tokens, whether a later message of
        this connection was answered, so that their bytes are known to have left)."""
        expired: list[int] = []
        newest_answered = self._newest_answered()
        left = True
        at = self.oldest_at()
        while at is not None and at <= before:
            for sequence in self._writes[0][1]:
                token = self.tokens.pop(sequence, None)
                if token is not None:
                    self._late[sequence] = token
                    if len(self._late) > LATE_KEPT:
                        del self._late[next(iter(self._late))]
                    expired.append(token)
                    left = left and newest_answered is not None and at < newest_answered
            at = self.oldest_at()
        return expired, left

    def _newest_answered(self) -> float | None:
        """When the newest message that has its answer was written."""
        pending = self.tokens
        for at, sequences in reversed(self._writes):
            if any(s not in pending for s in sequences):
                return at
        return self._answered_at


class Retry:
    """A request that may be repeated (a bind or a heartbeat): the same bytes, N tries, T apart."""

    def __init__(self, data: bytes, sequence: int, now: float) -> None:
        self.data = data
        self.sequence = sequence
        self.sent_at = now
        self.tries = 1
