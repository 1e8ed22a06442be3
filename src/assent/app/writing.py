"""How a carrier wants its texts, from the settings file: what all of its links must be able to
carry. docs/settings.md lists every setting."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from assent.app.links import wrong
from assent.text import Adds, Alphabet, Coding, LongText, Writing
from assent.wire.kit import Kit

CODINGS: Final = {coding.value: coding for coding in Coding} | {"auto": Coding.GSM7}
"""`auto` is another word for `gsm7`: what does not fit is UCS-2 with either."""

LONG_TEXTS: Final = {way.value: way for way in LongText}
ADDS: Final = {place.value: place for place in Adds}


def writing_of(
    carrier: str, coding: str, long_texts: str, adds_signature: str, kits: Sequence[Kit]
) -> Writing:
    """Return how texts for a carrier are written. `kits`: of its links that send.

    Raises InvalidInput, naming field and mend, for a word that is no choice and for what a link
    cannot carry: a message is counted before it is known which link is going to take it."""
    at = f"carriers.{carrier}"
    for name, word, words in (
        ("coding", coding, CODINGS),
        ("long_texts", long_texts, LONG_TEXTS),
        ("adds_signature", adds_signature, ADDS),
    ):
        if word not in words:
            raise wrong(f"{at}.{name}", f"{word} is no choice", f"use {' or '.join(words)}")
    alphabet = CODINGS[coding].alphabet
    for kit in kits:
        if alphabet not in kit.codings:
            message = f"a link speaks {kit.name}, which has no {coding}"
            had = [name for name, one in CODINGS.items() if one.alphabet in kit.codings]
            raise wrong(f"{at}.coding", message, f"use {' or '.join(had)}")
        if LONG_TEXTS[long_texts] not in kit.long_texts:
            message = f"a link speaks {kit.name}, which here has no {long_texts}"
            had = [way.value for way in LongText if way in kit.long_texts]
            raise wrong(f"{at}.long_texts", message, f"use {' or '.join(had)}")
    way = Writing(CODINGS[coding], LONG_TEXTS[long_texts], adds=ADDS[adds_signature])
    if alphabet is not Alphabet.GSM7 or not kits:
        return way
    meanings = {kit.seven_bit for kit in kits}
    if len(meanings) > 1:
        mend = "set the same seven_bit for all links, use one dialect, or use coding ucs2"
        message = "data_coding 0 is GSM 03.38 on one link and ASCII on another"
        raise wrong(f"{at}.links.seven_bit", message, mend)
    octets = min(kit.octets for kit in kits)
    return Writing(way.coding, way.long_text, meanings.pop(), octets, way.adds)
