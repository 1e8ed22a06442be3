"""What the fetcher says of itself: as a phone in China, a desktop browser in English, a program.

A page that tells visitors apart (cloaking) is found by asking as different ones. No cookie is kept,
no script runs, nothing is told that would name the installation.
"""

from __future__ import annotations

from typing import Final

__all__ = ["HEADERS"]

_PAGE: Final = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def _browser(agent: str, language: str) -> list[tuple[str, str]]:
    return [
        ("User-Agent", agent),
        ("Accept", _PAGE),
        ("Accept-Language", language),
        ("Accept-Encoding", "gzip, deflate"),
        ("Upgrade-Insecure-Requests", "1"),
        ("Connection", "close"),
    ]


HEADERS: Final = {
    "phone": _browser(
        "Mozilla/5.0 (Linux; Android 13; PGT-AN10) AppleWebKit/537.36 (KHTML, like Gecko)"
        " Chrome/124.0.0.0 Mobile Safari/537.36",
        "zh-CN,zh;q=0.9",
    ),
    "desktop": _browser(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko)"
        " Chrome/124.0.0.0 Safari/537.36",
        "en-US,en;q=0.9",
    ),
    "plain": [
        ("User-Agent", "assent-fetcher/1 (checks links of text messages)"),
        ("Accept", "text/html"),
        ("Accept-Encoding", "gzip"),
        ("Connection", "close"),
    ],
}
"""Headers by the name of a profile (:data:`assent.screen.page_look.PROFILES`)."""
