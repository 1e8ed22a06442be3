"""A model's card: what it is, what it learned from, what it can and cannot, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["card_of", "card_text"]

ADVICE = (
    "Retrain on your own labelled traffic: the public sets are old, small, partly mislabelled, and "
    "have hardly any verification codes or bank notices of today."
)


def card_of(about: Mapping[str, Any], digest: bytes, size: int) -> dict[str, Any]:
    """Return the card as JSON holds it."""
    return {
        "version": about["version"],
        "digest": digest.hex(),
        "octets": size,
        "format": about["format"],
        "seed": about["seed"],
        "texts": about["texts"],
        "threshold": about["threshold"],
        "sources": about.get("sources", []),
        "counts": about.get("counts", {}),
        "kind": "linear heads on hashed n-grams; holds no text",
        "use": "tells reviewers what a text is; never decides alone that one is refused",
        "advice": ADVICE,
    }


def card_text(card: Mapping[str, Any]) -> str:
    """Return the card in Markdown."""
    lines = [
        f"# Model card: {card['version']}",
        "",
        f"- What it is: {card['kind']}; {card['octets']:,} octets, SHA-256 `{card['digest']}`",
        f"- What it is for: {card['use']}",
        f"- Learned from {card['texts']:,} texts, seed {card['seed']}",
        f"- Default threshold of the spam probability: {card['threshold']}",
        f"- {card['advice']}",
        "",
        "| set | source | licence | texts |",
        "|---|---|---|---|",
    ]
    for source in card["sources"]:
        counts = card["counts"].get(source["name"], {})
        lines.append(
            f"| {source['name']} | {source['source']} | {source['licence']} "
            f"| {sum(counts.values()):,} |"
        )
    return "\n".join(lines) + "\n"
