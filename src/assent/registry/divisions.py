"""Provinces, as the first two digits of division codes (GB/T 2260) and as one character."""

from __future__ import annotations

from typing import Final

PROVINCES: Final = {
    "11": "京", "12": "津", "13": "冀", "14": "晋", "15": "蒙",
    "21": "辽", "22": "吉", "23": "黑",
    "31": "沪", "32": "苏", "33": "浙", "34": "皖", "35": "闽", "36": "赣", "37": "鲁",
    "41": "豫", "42": "鄂", "43": "湘", "44": "粤", "45": "桂", "46": "琼",
    "50": "渝", "51": "川", "52": "贵", "53": "云", "54": "藏",
    "61": "陕", "62": "甘", "63": "青", "64": "宁", "65": "新",
    "71": "台", "81": "港", "82": "澳",
}  # fmt: skip
"""Division code → the character that licences begin with."""

LICENSING: Final = "".join(name for name in PROVINCES.values() if name not in "台港澳")
"""Characters that licences of provincial offices on the mainland begin with."""

NATIONAL: Final = "100000"
"""The division of national offices."""
