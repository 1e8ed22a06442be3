"""What the HTTP API is handed. app.py fills this in; flow implements it, as does the sandbox.

Every method raises the errors of :mod:`assent.errors`. Ids are numbers here and strings in
JSON, because they need more than the 53 bits that a JavaScript number has.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from assent.clock import Clock
from assent.flow.answers import OrderAnswer
from assent.flow.call_centre import CallCentre
from assent.flow.front import Front
from assent.flow.gate import Gate
from assent.flow.ledger_requests import BillRequest
from assent.flow.receivers import Receivers
from assent.flow.requests import (
    Caller,
    CampaignRequest,
    ConsentImport,
    EvidenceRequest,
    FrameReview,
    PduLogRequest,
    RefusalRequest,
    SendRequest,
    VideoRequest,
)
from assent.flow.videos import VideoLimits
from assent.policy.filing import Relation
from assent.web.asking_services import AskingRooms
from assent.web.audience_services import AudienceDesk
from assent.web.case_services import CaseRooms
from assent.web.complaint_services import ComplaintRooms
from assent.web.door_services import Doors
from assent.web.erasure_services import Forgetting
from assent.web.import_services import Imports
from assent.web.money_services import Money
from assent.web.near_services import NearRooms
from assent.web.page_services import Pages
from assent.web.port_services import PortDesk
from assent.web.refusal_services import Telephone
from assent.web.restriction_services import RestrictionRooms
from assent.web.rollup_services import RollupRoom
from assent.web.statistics_services import Statistics
from assent.web.text_services import TextRooms
from assent.web.warning_services import WarningRooms

CampaignState = Literal["running", "paused", "stopped"]
Feed = Literal["receipts", "replies"]
LinkAction = Literal["pause", "resume", "drain"]


class Keys(Protocol):
    """API keys."""

    async def caller(self, secret: str) -> Caller:
        """Return who holds a key. Raises NotAllowed `bad_key`."""


class Sending(Protocol):
    """Orders of up to 10,000 receivers."""

    async def send(
        self, caller: Caller, request: SendRequest, *, key: str | None, sha: bytes
    ) -> bytes:
        """Judge and store an order; return the answer's JSON once it is durable."""

    async def dry_run(self, caller: Caller, request: SendRequest, sample: int) -> OrderAnswer:
        """Return what would become of an order."""


class Campaigns(Protocol):
    """Audiences, and orders over them."""

    async def create_audience(
        self,
        caller: Caller,
        name: str,
        statement: str,
        relation: Relation = Relation.UNSTATED,
    ) -> int:
        """Begin an audience; it is `loading` until it is finished or failed."""

    async def add_chunk(
        self,
        audience_id: int,
        number: int,
        rows: npt.NDArray[np.uint32],
        numbers: npt.NDArray[np.uint64],
        faults: npt.NDArray[np.uint8],
        variables: dict[str, list[str]] | None,
    ) -> None:
        """Store up to 8,192 rows, faulty ones (number 0) among them."""

    async def finish_audience(self, audience_id: int, columns: list[str]) -> None:
        """Make an audience `ready`."""

    async def fail_audience(self, audience_id: int) -> None:
        """Make an audience `failed`; no campaign can use it."""

    async def audience(self, caller: Caller, audience_id: int) -> dict[str, Any]:
        """Return an audience's state and counts."""

    async def faults(self, caller: Caller, audience_id: int, cursor: int) -> dict[str, Any]:
        """Return a page of wrong rows: `items` {row, code, reason}; `cursor` None at the end."""

    async def dry_run(
        self, caller: Caller, request: CampaignRequest, sample: int
    ) -> dict[str, Any]:
        """Return counts, cost and a sample by reason."""

    async def create(
        self, caller: Caller, request: CampaignRequest, *, key: str | None, sha: bytes
    ) -> bytes:
        """Order a campaign; return the answer's JSON."""

    async def progress(self, caller: Caller, campaign_id: int) -> dict[str, Any]:
        """Return how far a campaign is."""

    async def set_state(
        self, caller: Caller, campaign_id: int, state: CampaignState
    ) -> dict[str, Any]:
        """Pause, resume or stop a campaign."""


class Consents(Protocol):
    """Consents that senders hold."""

    async def import_rows(
        self, caller: Caller, request: ConsentImport, *, key: str | None, sha: bytes
    ) -> bytes:
        """Append consents to the ledger; return the answer's JSON."""


class Refusals(Protocol):
    """Refusals through other doors than a reply."""

    async def refuse(
        self, caller: Caller, request: RefusalRequest, *, key: str | None, sha: bytes
    ) -> bytes:
        """Append refusals to the ledger; return the answer's JSON."""


class Status(Protocol):
    """What became of what was handed in."""

    async def message(self, caller: Caller, message_id: int) -> Mapping[str, Any]:
        """Return where a message stands."""

    async def submission(self, caller: Caller, submission_id: int) -> Mapping[str, Any]:
        """Return where the messages of an order stand."""

    async def balance(self, caller: Caller) -> Mapping[str, Any]:
        """Return the account's money, in micro-yuan."""

    async def feed(self, caller: Caller, kind: Feed, cursor: int, limit: int) -> Mapping[str, Any]:
        """Return `items` after a cursor, the `cursor` to go on with, and whether `more` wait."""


class Videos(Protocol):
    """Contents of video messages, and their review."""

    @property
    def limits(self) -> VideoLimits:
        """What a content may be."""

    async def add(
        self, caller: Caller, request: VideoRequest, files: Sequence[tuple[str, bytes]]
    ) -> dict[str, Any]:
        """Keep ordered frames for review; return where the content stands."""

    async def get(self, caller: Caller, video: int) -> dict[str, Any]:
        """Return where a content stands."""

    async def frame(self, caller: Caller, video: int, place: int) -> tuple[str, bytes]:
        """Return media type and octets of a frame."""

    async def waiting(self, caller: Caller, cursor: int, limit: int) -> dict[str, Any]:
        """Return contents that wait for review."""

    async def review(
        self, caller: Caller, video: int, place: int, request: FrameReview
    ) -> dict[str, Any]:
        """Note what a person says of a frame."""


class Links(Protocol):
    """The links to carriers, for those who run the platform."""

    async def show(self, caller: Caller) -> Mapping[str, Any]:
        """Return every link with what is ordered of it and how its connections are."""

    async def steer(self, caller: Caller, name: str, action: LinkAction) -> Mapping[str, Any]:
        """Pause, resume or drain a link or all links of a carrier; return what is ordered."""

    async def reload(self, caller: Caller) -> Mapping[str, Any]:
        """Put in force what the settings file says of carriers now; return what that changes."""


class PduLog(Protocol):
    """What passes over links, decoded and masked, for those who run the platform."""

    async def on(self, caller: Caller, request: PduLogRequest) -> Mapping[str, Any]:
        """Look for PDUs for a while."""

    async def off(self, caller: Caller) -> Mapping[str, Any]:
        """Look no more."""

    async def show(self, caller: Caller, cursor: int, limit: int) -> Mapping[str, Any]:
        """Return what was seen after a cursor."""


class Bills(Protocol):
    """Carriers' bills beside what left."""

    async def take(self, caller: Caller, request: BillRequest) -> Mapping[str, Any]:
        """Compare a bill and keep the comparison."""

    async def show(self, caller: Caller, bill: int) -> Mapping[str, Any]:
        """Return a comparison with its lines."""

    async def list(self, caller: Caller, cursor: int, limit: int) -> Mapping[str, Any]:
        """Return comparisons, newest first."""


class Evidence(Protocol):
    """Evidence for auditors."""

    async def bundle(self, caller: Caller, request: EvidenceRequest) -> bytes:
        """Return an archive."""

    async def state(self, caller: Caller) -> Mapping[str, Any]:
        """Return where the ledger stands."""

    async def consistency(self, caller: Caller, old: int, new: int) -> Mapping[str, Any]:
        """Return a proof that the ledger at one size begins it at another."""

    async def resume(self, caller: Caller, reason: str) -> Mapping[str, Any]:
        """End a recovery: marketing goes on."""

    @property
    def bills(self) -> Bills:
        """Carriers' bills."""


class Rooms(Protocol):
    """The rooms that an order goes through: flow's real ones, or the sandbox's."""

    @property
    def sending(self) -> Sending:
        """Orders."""

    @property
    def campaigns(self) -> Campaigns:
        """Audiences and campaigns."""

    @property
    def consents(self) -> Consents:
        """Consents."""

    @property
    def refusals(self) -> Refusals:
        """Refusals."""

    @property
    def status(self) -> Status:
        """Status."""

    @property
    def videos(self) -> Videos:
        """Contents of video messages."""


@dataclass(frozen=True, slots=True)
class Services:
    """Everything the API needs.

    `health()` has the key `ready` (bool) and whatever explains it; `metrics_text()` is
    Prometheus' text format. `gate`: everything about the people
    who act. `sandbox` serves callers whose key is a sandbox key.
    """

    clock: Clock
    keys: Keys
    sending: Sending
    campaigns: Campaigns
    consents: Consents
    refusals: Refusals
    status: Status
    videos: Videos
    health: Callable[[], Awaitable[Mapping[str, Any]]]
    metrics_text: Callable[[], bytes]
    sandbox: Rooms
    links: Links
    pdulog: PduLog
    money: Money
    evidence: Evidence
    forgetting: Forgetting
    ports: PortDesk
    audiences: AudienceDesk
    consent_rooms: AskingRooms
    front: Front
    gate: Gate
    receivers: Receivers
    telephone: Telephone
    imports: Imports
    doors: Doors
    pages: Pages
    near: NearRooms
    rollups: RollupRoom
    complaints: ComplaintRooms
    warning: WarningRooms
    texts: TextRooms
    cases: CaseRooms
    calls: CallCentre
    statistics: Statistics
    restricting: RestrictionRooms
