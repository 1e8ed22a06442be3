"""Which words replies are read with, where settings say more than a person's country."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from assent.app.links import wrong
from assent.text.keyword_sets import KeywordSets


class KeywordsFile(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Sets of words that stand in place of the country's: of a carrier, by its name; of a port, by
    its number or what that begins with."""

    carriers: dict[str, str] = msgspec.field(default_factory=dict)
    ports: dict[str, str] = msgspec.field(default_factory=dict)

    def sets(self, carriers: Collection[str]) -> KeywordSets:
        """Return the sets that replies are read with. Raises InvalidInput for a carrier, a port or
        a set that cannot be."""
        for name in self.carriers:
            if name not in carriers:
                mend = "name a carrier of this file"
                raise wrong(f"keywords.carriers.{name}", "there is no such carrier", mend)
        for number in self.ports:
            if not (number.isascii() and number.isdigit()):
                mend = "write digits"
                raise wrong(f"keywords.ports.{number}", "this is no beginning of a number", mend)
        return KeywordSets.load().chosen_by(self.carriers, self.ports)
