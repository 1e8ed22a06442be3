"""Everything about the people who act, in one place: made once in a process that serves them."""

from __future__ import annotations

from collections.abc import Callable

from assent.clock import Clock
from assent.flow.audit import Audit
from assent.flow.catalogue import Catalogue
from assent.flow.entrance import Entrance
from assent.flow.keyring import Keyring
from assent.flow.keys import Keys
from assent.flow.needs import Store, utc
from assent.flow.passwords import Passwords
from assent.flow.post import Carrier, Post
from assent.flow.proofs import Proofs
from assent.flow.requests import Caller
from assent.flow.selves import Codes, Selves
from assent.flow.sessions import PREFIX, Lives, Sessions
from assent.flow.team import Team
from assent.flow.throttle import Throttle
from assent.flow.vault import Vault


class Callers:
    """Tells who calls: who holds an API key, or whose session a token is of."""

    def __init__(self, keys: Keys, sessions: Sessions) -> None:
        self._keys = keys
        self._sessions = sessions

    async def caller(self, secret: str) -> Caller:
        """Return who calls. Raises NotAllowed `bad_key`, `bad_session` (401)."""
        if secret.startswith(PREFIX):
            return (await self._sessions.seen(secret)).caller
        return await self._keys.caller(secret)


class Gate:
    """The parts. Run :attr:`post`'s `run` as a task, and :meth:`tidy` now and then."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        vault: Vault,
        random: Callable[[int], bytes],
        carrier: Carrier | None,
        codes: Codes,
        catalogue: Catalogue,
        lives: Lives | None = None,
        passwords: Passwords | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        throttle = Throttle(store, clock, vault)
        self.post = Post(store, clock, vault, random, carrier)
        self.sessions = Sessions(store, clock, random, lives or Lives())
        self.proofs = Proofs(store, clock, vault, random, throttle, passwords or Passwords())
        self.entrance = Entrance(store, clock, self.proofs, self.sessions, self.post, throttle)
        self.selves = Selves(
            store, clock, vault, random, self.proofs, self.sessions, self.post, throttle, codes
        )
        self.team = Team(store, clock, vault, self.proofs, self.sessions, self.post, throttle)
        self.keyring = Keyring(store, clock, random, self.sessions, self.post)
        self.audit = Audit(store, catalogue)
        self._throttle = throttle

    async def tidy(self) -> None:
        """Forget what is over. Raises AssentError."""
        await self._store.execute("tokens_forget", utc(self._clock.now()))
        await self._throttle.forget_old()
        await self.sessions.forget_old()
