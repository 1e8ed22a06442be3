"""Customers' own keywords: "reply 1 to check, 2 to apply" beside refusals, on one number.

A keyword is never a word that any set reads as a refusal, HELP or unclear; and a reply is read for
those first, so that a set that learns a word later still wins. What is left and is a keyword goes
to the customer that filed it.
"""

from __future__ import annotations

from typing import Any, Final

from assent.clock import Clock
from assent.errors import InvalidInput
from assent.flow.catalogue import Catalogue
from assent.flow.door_requests import KeywordsRequest
from assent.flow.needs import Store, utc
from assent.flow.orders import account_of
from assent.flow.ports import no_port
from assent.flow.requests import Caller
from assent.flow.staff import sees_all
from assent.text.keyword_sets import ELSEWHERE, KeywordSets
from assent.text.keywords import Kind

MOST: Final = 100
LONGEST: Final = 20
_MEANS: Final = {
    Kind.REFUSE: "a refusal",
    Kind.REFUSE_ALL: "a refusal of everybody",
    Kind.HELP: "a call for help",
    Kind.UNCLEAR: "something that a person must read",
}


class PortKeywords:
    """Keywords of ports."""

    def __init__(self, store: Store, clock: Clock, catalogue: Catalogue, sets: KeywordSets) -> None:
        self._store = store
        self._clock = clock
        self._catalogue = catalogue
        self._sets = sets

    async def show(self, caller: Caller, number: str) -> dict[str, Any]:
        """Return a port's keywords, of each sender that the caller acts for; staff see all.

        Raises NotFound for a port that is not theirs.
        """
        senders = self._senders(caller, number)
        rows = await self._store.fetch("port_keywords_of", [number])
        return {
            "number": number,
            "items": [
                {"sender": row["credit_code"], "keyword": row["written"]}
                for row in rows
                if row["sender_id"] in senders
            ],
        }

    async def file(self, caller: Caller, number: str, request: KeywordsRequest) -> dict[str, Any]:
        """File the keywords of a sender on its port, in place of those before; none end them.

        Raises NotFound, NotAllowed, InvalidInput naming a word that cannot be a keyword; nothing is
        changed then.
        """
        account = account_of(self._catalogue, caller)
        sender = self._catalogue.sender_of(account, request.sender)
        if sender.id not in self._senders(caller, number):
            raise no_port()
        words = self._words(request.keywords)
        at = utc(self._clock.now())
        async with self._store.transaction() as tx:
            await tx.execute("port_keywords_drop", number, sender.id)
            await tx.execute(
                "port_keywords_put", number, sender.id, list(words), list(words.values()),
                account.id, at,
            )  # fmt: skip
        return await self.show(caller, number)

    def _senders(self, caller: Caller, number: str) -> set[int]:
        if sees_all(self._catalogue, caller):
            ports = self._catalogue.ports_at(number, "")
        else:
            account = account_of(self._catalogue, caller)
            ports = self._catalogue.ports_held(account.id, number)
        found = {
            port.sender_id for port in ports if port.number == number and port.sender_id is not None
        }
        if not found:
            raise no_port()
        return found

    def _words(self, keywords: list[str]) -> dict[str, str]:
        """Return keywords by what replies are compared with."""
        if len(keywords) > MOST:
            raise _wrong("too_many_keywords", f"a port has at most {MOST}", "leave some out")
        words: dict[str, str] = {}
        for place, written in enumerate(keywords):
            at = f"keywords[{place}]"
            word = self._sets[ELSEWHERE].compact(written)
            if not 1 <= len(word) <= LONGEST or len(written) > 2 * LONGEST:
                raise _wrong(
                    "bad_keyword", f"a keyword has 1 to {LONGEST} letters or digits",
                    "use a short word or a digit", at,
                )  # fmt: skip
            if word in words:
                raise _wrong("same_keyword", "two keywords are read alike", "leave one out", at)
            found = self._sets.reserved(written)
            if found is not None:
                name, intent = found
                raise _wrong(
                    "reserved_keyword",
                    f"receivers who write it mean {_MEANS[intent.kind]} (words {name})",
                    "use another word or a digit", at,
                )  # fmt: skip
            words[word] = written.strip()
        return words


def _wrong(code: str, words: str, mend: str, field: str = "keywords") -> InvalidInput:
    return InvalidInput(code, words, field=field, rule="refusals: keywords", mend=mend)
