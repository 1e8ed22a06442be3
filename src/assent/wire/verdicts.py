"""What the result codes of SUBMITs mean: the dialect's table, and a carrier's own customs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from assent.errors import InvalidInput
from assent.wire import cmpp_tables, mm7_codes, sgip_tables, smgp_codes, smpp_codes


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What result codes mean: they ask for a pause (`throttled`), blame the link and not the
    message (`elsewhere`), leave open whether the message was taken (`unsure`). Every other code but
    0 refuses for good."""

    throttled: frozenset[int]
    elsewhere: frozenset[int]
    unsure: frozenset[int]
    again: frozenset[int]
    """`throttled` and `elsewhere`: the message may be offered again."""


_MEANINGS: Final[dict[str, dict[int, str]]] = {
    "cmpp": {code: row[1] for code, row in cmpp_tables.RESULTS.items()},
    "sgip": {code: row[1] for code, row in sgip_tables.RESULTS.items()},
    "smgp": {code: row[1] for code, row in smgp_codes.RESULTS.items()},
    "smpp": {code: row[2] for code, row in smpp_codes.STATUS.items()},
    "mm7": mm7_codes.MEANINGS,
}


def verdicts(dialect: str, own: Mapping[str, frozenset[int]]) -> Verdicts:
    """The sets of a kit: the dialect's table, where the carrier does not say otherwise. `own`: what
    it says, by "throttled", "elsewhere" and "refused".

    Raises InvalidInput naming the one that gives a code a second meaning."""
    meanings = _MEANINGS[dialect]
    said: set[int] = set()
    for name, codes in own.items():
        twice = said & codes
        if twice or 0 in codes:
            code = min(twice) if twice else 0
            raise InvalidInput(
                "bad_settings",
                f"code {code} has another meaning",
                field=name,
                mend="give each code one meaning",
            )
        said |= codes

    def found(verdict: str) -> frozenset[int]:
        usual = {code for code, meaning in meanings.items() if meaning == verdict} - said
        return frozenset(usual | own.get(verdict, frozenset()))

    throttled, elsewhere = found("throttled"), found("elsewhere")
    return Verdicts(throttled, elsewhere, found("unsure"), throttled | elsewhere)
