"""The rooms of admission together, as they are wired: one for applicants, the others for staff."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date

from assent.clock import Clock
from assent.flow.admission import Admission, Expiry
from assent.flow.admission_matters import AccountMatter, DocumentMatter, SenderMatter
from assent.flow.applications import Rooms
from assent.flow.catalogue import Catalogue
from assent.flow.desk import Desk
from assent.flow.documents import Documents, PaperLimits
from assent.flow.dossier import Dossiers
from assent.flow.letters import LetterMatter
from assent.flow.matters import TERM_DAYS
from assent.flow.needs import Store
from assent.flow.old_hand import Hand
from assent.flow.registers import Registers
from assent.flow.sights import Sights
from assent.flow.tidings import Tidings
from assent.flow.vault import Vault
from assent.registry.calendar import Calendar
from assent.registry.signed_pdf import Roots
from assent.registry.table import Table


@dataclass(frozen=True, slots=True)
class FrontSettings:
    """What an operator sets. `days`: working days that a decision may take; `holidays` and
    `worked` make the calendar. `roots`: certificates that electronic licences may lead to."""

    days: int = TERM_DAYS
    holidays: Collection[date] = ()
    worked: Collection[date] = ()
    limits: PaperLimits = field(default_factory=PaperLimits)
    roots: Roots = field(default_factory=Roots)


class Front:
    """Every room of admission. Rooms beside these plug their kinds of items into `desk`. `tidings`:
    how people are told of it; None: they look."""

    def __init__(
        self,
        store: Store,
        clock: Clock,
        vault: Vault,
        catalogue: Catalogue,
        table: Table,
        settings: FrontSettings | None = None,
        tidings: Tidings | None = None,
    ) -> None:
        settings = settings or FrontSettings()
        calendar = Calendar(frozenset(settings.holidays), frozenset(settings.worked))
        self.desk = Desk(store, clock, catalogue, calendar, settings.days, tidings)
        self.rooms = Rooms(store, clock, vault, table, self.desk, Hand(table, self.desk))
        self.admission = Admission(self.rooms, catalogue)
        self.documents = Documents(self.rooms, catalogue, settings.limits)
        self.roots = settings.roots
        self.sights = Sights(self.rooms, catalogue, self.documents, settings.roots)
        self.registers = Registers(store, clock, vault, catalogue)
        self.dossiers = Dossiers(self.rooms, catalogue)
        self.expiry = Expiry(store, clock, table, tidings)
        for matter in (
            AccountMatter(self.rooms),
            SenderMatter(self.rooms),
            DocumentMatter(self.rooms),
            LetterMatter(self.rooms),
        ):
            self.desk.plug(matter)
