"""A sound message to some people, for tests to spoil one thing at a time."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from assent.message import Grade, Network, Purpose
from assent.policy.facts import PASSED, Content, Facts, People
from assent.policy.rulebook import Rulebook

RULEBOOK = Rulebook.load()
NOON = 1_798_776_000 // 86_400 * 86_400 + 4 * 3600
"""12:00 in China on some day."""

TEXTS = {
    Purpose.VERIFICATION: "【华联超市】您的验证码是123456，5分钟内有效，请勿告诉他人",
    Purpose.NOTIFICATION: "【华联超市】您的订单已发货，明天送达",
    Purpose.MARKETING: "【华联超市】周末全场八折，详询400-820-8820，拒收请回复R",
    Purpose.INTERNAL: "【华联超市】各位同事，周五下午停电",
    Purpose.SYSTEM: "【短信平台】已为您退订，回执AB12",
}


def people(n: int = 3, **changes: Any) -> People:
    columns = People(
        np.arange(1, n + 1, dtype=np.uint32),
        np.full(n, Network.MOBILE, np.uint8),
        np.full(n, 480, np.int16),
        np.zeros(n, np.uint8),
        np.zeros(n, np.bool_),
    )
    return replace(columns, **changes)


def content(purpose: Purpose = Purpose.MARKETING, n: int = 3, **changes: Any) -> Content:
    return replace(Content(purpose, TEXTS[purpose], np.ones(n, np.uint8)), **changes)


def facts(purpose: Purpose = Purpose.MARKETING, n: int = 3, **changes: Any) -> Facts:
    sound = Facts(
        now=NOON,
        port_purpose=purpose,
        port_active=True,
        port_free_to_reply=True,
        port_signature="华联超市",
        basis_filed=True,
        grade=np.full(n, Grade.RECEIVER, np.uint8),
        refused=np.zeros(n, np.bool_),
        paused=np.zeros(n, np.bool_),
        reachable=np.ones(n, np.bool_),
        price=np.full(n, 50_000, np.int64),
        balance=10_000_000_000,
        claims={cap.id: np.zeros(n, np.int32) for cap in RULEBOOK.caps_for(purpose)},
        expires_at=NOON + 3 * 86_400,
        screening=PASSED,
    )
    return replace(sound, **changes)
