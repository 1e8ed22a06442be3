"""Who a text is from, as screening is told: the licences that a sender's papers give it today, and
the hosts that were filed for it.

A licence follows from a paper that a reviewer accepted, that was seen better than as a scan, and
that holds today; for public bodies from what the entity was admitted as. Who merely says that it
is a bank has none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from assent.flow.catalogue import Catalogue
from assent.flow.order import Sender, Template
from assent.registry.papers import Paper
from assent.screen.finding import Licence
from assent.screen.finding import Sender as Known

PAPERS: Final[Mapping[str, tuple[Licence, ...]]] = {
    "financial_licence": ("finance", "lending"),
    "insurance_licence": ("insurance",),
    "insurance_intermediary_licence": ("insurance",),
    "securities_licence": ("securities",),
    "fund_sales_licence": ("securities",),
    "fund_management_licence": ("securities",),
    "local_finance_approval": ("lending",),
    "school_licence": ("education",),
    "developer_grade_certificate": ("real_estate",),
    "sale_permit": ("real_estate",),
    "estate_agency_filing": ("real_estate",),
    "medical_licence": ("medical",),
    "drug_licence": ("medical",),
    "recruitment_licence": ("recruitment",),
    "express_licence": ("parcel",),
}
"""A kind of paper → what it lets its holder write about. No paper of the table makes a carrier, a
collector or a lottery: their texts go to a reviewer."""

PUBLIC: Final = frozenset({"government", "public_institution"})
"""Industries that write as public bodies."""


def licences_of(papers: Iterable[Paper]) -> frozenset[Licence]:
    """Return what papers in force let their holder write about."""
    return frozenset(licence for paper in papers for licence in PAPERS.get(paper.kind, ()))


class Senders:
    """Senders as of the catalogue's last load and the day; each is worked out once."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._version = -1
        self._known: dict[int, Known] = {}

    @property
    def templates(self) -> Mapping[int, Template]:
        """The templates there are."""
        return self._catalogue.templates

    def of(self, sender: Sender, now: float) -> Known:
        """Return who a sender is today."""
        version = self._catalogue.chain.as_of(now)
        if version != self._version:
            self._known, self._version = {}, version
        known = self._known.get(sender.id)
        if known is None:
            known = self._known[sender.id] = self._read(sender, now)
        return known

    def _read(self, sender: Sender, now: float) -> Known:
        chain = self._catalogue.chain
        licences = set(licences_of(chain.papers_in_force(sender.entity_id, now)))
        if chain.industry_of(sender) in PUBLIC:
            licences.add("government")
        hosts = self._catalogue.hosts.get(sender.id, frozenset())
        return Known(sender.legal_name, frozenset(licences), hosts)
