"""Samples written by hand for what no public set has: templates whose slots a seed fills.

They teach, too, what must never be mistaken: codes, bank notices, a lender's own reminders.
"""

from __future__ import annotations

import json
import random
import re
from importlib import resources
from typing import Any, Final

from assent.screen.categories import BY_CODE
from assent.screen.lessons import Example, Label, School

__all__ = ["WRITTEN", "renderings", "sample_document", "written_school"]

WRITTEN: Final = "written"
"""The name of the school that the samples teach."""

_PACKAGED: Final = "data/screen/samples-2026.1.json"
_SLOT = re.compile(r"\{(\w+)\}")


def sample_document() -> dict[str, Any]:
    """Return the packaged templates."""
    found: dict[str, Any] = json.loads(resources.files("assent").joinpath(_PACKAGED).read_bytes())
    return found


def written_school(document: dict[str, Any]) -> School:
    """Return the school whose labels are the categories themselves."""
    labels = {
        code: Label((code,), BY_CODE[code].nature != "service") for code in document["samples"]
    }
    return School(WRITTEN, labels, general=True)


def fill(template: str, slots: dict[str, list[str]], chance: random.Random) -> str:
    """Return a template with its slots and its digits (`#`) filled."""
    while "{" in template:
        template = _SLOT.sub(lambda found: chance.choice(slots[found[1]]), template)
    return re.sub("#", lambda _: str(chance.randrange(10)), template)


def renderings(document: dict[str, Any], seed: int, each: int) -> list[Example]:
    """Return `each` renderings of every template; those of one template are one cluster."""
    chance = random.Random(seed)
    slots: dict[str, list[str]] = document["slots"]
    return [
        Example(fill(template, slots, chance), WRITTEN, code, f"{WRITTEN}:{template}")
        for code, templates in document["samples"].items()
        for template in templates
        for _ in range(each if "{" in template or "#" in template else max(each // 4, 1))
    ]
