"""How mainland mobile numbers begin, and whose numbers those are.

Source: libphonenumber's carrier file for China and the beginnings it leaves out (141, 144, 146,
148 and 149 are data and machine cards, 1349 is China Mobile's). Resold beginnings: the numbering
plan's 162, 165, 167, 170 and 171.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from assent.message import Network

Numbers = NDArray[np.uint64]
"""E.164 with country code, as everywhere in the platform; 0 where there is no number."""


class Name(NamedTuple):
    """A name in Chinese and in English; an empty string where there is none."""

    zh: str
    en: str


SEGMENTS: Final[dict[Network, str]] = {
    Network.MOBILE: "134 135 136 137 138 139 144 147 148 150 151 152 157 158 159 165 1703 1705 "
    "1706 172 178 182 183 184 187 188 195 197 198",
    Network.UNICOM: "130 131 132 145 146 155 156 166 167 1704 1707 1708 1709 171 175 176 185 186 "
    "196",
    Network.TELECOM: "133 141 149 153 162 1700 1701 1702 173 174 177 180 181 189 190 191 193 199",
    Network.BROADNET: "1610 192",
}
"""How numbers of mainland networks begin, by the network that carries them."""

RESOLD: Final = "162 165 167 170 171"
"""Beginnings given to operators without a network of their own (移动通信转售)."""


def _mark(marks: NDArray[Any], beginnings: str, value: int) -> None:
    for beginning in beginnings.split():
        width = 10 ** (4 - len(beginning))
        first = int(beginning) * width - 1000
        marks[first : first + width] = value


def _segments() -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Return network and resold flag of every four-digit beginning 1000 to 1999."""
    network = np.zeros(1000, np.uint8)
    virtual = np.zeros(1000, np.bool_)
    for carrier, beginnings in SEGMENTS.items():
        _mark(network, beginnings, carrier)
    _mark(virtual, RESOLD, True)
    return network, virtual


SEGMENT_NETWORK, SEGMENT_VIRTUAL = _segments()
