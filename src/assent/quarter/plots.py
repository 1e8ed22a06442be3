"""All villains by kind."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from assent.quarter.plot import Plot
from assent.quarter.plot_lists import CodeBomber, Forger, Group, ListBuyer
from assent.quarter.plot_ports import Bank, InternalPort, LoanAgent
from assent.quarter.villains import Strength

PLOTS: Final[dict[str, type[Plot]]] = {
    "bank_ignoring_refusals": Bank,
    "loan_agent": LoanAgent,
    "internal_port": InternalPort,
    "coordinated_group": Group,
    "list_buyer": ListBuyer,
    "consent_forger": Forger,
    "code_bomber": CodeBomber,
}

_ROOM: Final = 100
"""Places of senders that are kept for each villain."""


def plots(strengths: Sequence[Strength], first: int, seed: int) -> list[Plot]:
    """Return the villains of a quarter, with places from `first` on."""
    return [
        PLOTS[one.kind](one, first + _ROOM * place, seed) for place, one in enumerate(strengths)
    ]
