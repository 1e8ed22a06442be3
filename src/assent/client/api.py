"""Every method of the API, for both clients: arguments → :class:`Call`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, TypeVar
from urllib.parse import quote

import msgspec

from assent.client.actors import ActorApi
from assent.client.admission import AdmissionApi
from assent.client.asking import AskingApi
from assent.client.audiences import AudienceApi
from assent.client.calls import Call
from assent.client.cases import CaseApi
from assent.client.complaints import ComplaintApi
from assent.client.erasure import ErasureApi
from assent.client.evidence import EvidenceApi
from assent.client.frames import frames_of
from assent.client.imports import ImportsApi
from assent.client.money import MoneyApi
from assent.client.near import NearApi
from assent.client.pages import PagesApi
from assent.client.portions import numbered
from assent.client.ports import PortApi
from assent.client.refusals import RefusalApi
from assent.client.restrictions import RestrictionApi
from assent.client.rollups import RollupApi
from assent.client.statistics import StatisticsApi
from assent.client.texts import TextApi
from assent.client.warning import WarningApi

Result = TypeVar("Result")


def _body(**fields: Any) -> bytes:
    """Return a JSON object of the fields that are given."""
    return msgspec.json.encode({k: v for k, v in fields.items() if v is not None})


class Api(
    ActorApi[Result],
    AdmissionApi[Result],
    ErasureApi[Result],
    AudienceApi[Result],
    AskingApi[Result],
    CaseApi[Result],
    ComplaintApi[Result],
    EvidenceApi[Result],
    ImportsApi[Result],
    MoneyApi[Result],
    PagesApi[Result],
    NearApi[Result],
    PortApi[Result],
    RefusalApi[Result],
    RollupApi[Result],
    RestrictionApi[Result],
    StatisticsApi[Result],
    TextApi[Result],
    WarningApi[Result],
    ABC,
    Generic[Result],
):
    """Every method of the API. `Result` is an answer, or something to await for one.

    Times are `datetime` with a zone. `key` is the idempotency key; one is made if none is
    given. Every method raises the errors of :mod:`assent.errors`.
    """

    def __init__(self, new_key: Callable[[], str]) -> None:
        self._new_key = new_key

    @abstractmethod
    def _do(self, call: Call) -> Result:
        """Make one call."""

    @abstractmethod
    def _do_all(self, calls: Iterator[Call]) -> Result:
        """Make calls one after the other and fold their answers with :func:`summed`."""

    def _post(
        self, path: str, body: bytes, key: str | None, query: Mapping[str, str] | None = None,
        first_row: int = 0,
    ) -> Call:  # fmt: skip
        headers = {
            "content-type": "application/json",
            "idempotency-key": key if key is not None else self._new_key(),
        }
        return Call("POST", path, query or {}, headers, body, first_row=first_row)

    # Messages --------------------------------------------------------------------------------

    def send(
        self,
        *,
        sender: str,
        purpose: str,
        messages: Sequence[Mapping[str, Any]],
        text: str | None = None,
        template: str | None = None,
        video: str | None = None,
        port: str | None = None,
        programme: str | None = None,
        relation: str | None = None,
        not_before: datetime | None = None,
        expires_at: datetime | None = None,
        key: str | None = None,
    ) -> Result:
        """Send one text, template or video to 1 to 10,000 receivers, `{"to": …, "variables": {…}}`.

        `video`: id of a content. `relation`: how they stand to the sender: customers, members or
        cold.
        """
        body = _body(
            sender=sender, purpose=purpose, messages=messages, text=text, template=template,
            video=video, port=port, programme=programme, relation=relation,
            not_before=not_before, expires_at=expires_at,
        )  # fmt: skip
        return self._do(self._post("/v1/messages", body, key))

    def dry_run(
        self,
        *,
        sender: str,
        purpose: str,
        messages: Sequence[Mapping[str, Any]],
        text: str | None = None,
        template: str | None = None,
        video: str | None = None,
        port: str | None = None,
        programme: str | None = None,
        relation: str | None = None,
        not_before: datetime | None = None,
        expires_at: datetime | None = None,
        sample: int = 100,
    ) -> Result:
        """Return what :meth:`send` would do now; nothing is stored or charged."""
        body = _body(
            sender=sender, purpose=purpose, messages=messages, text=text, template=template,
            video=video, port=port, programme=programme, relation=relation,
            not_before=not_before, expires_at=expires_at,
        )  # fmt: skip
        return self._do(self._post("/v1/messages/dry-run", body, None, {"sample": str(sample)}))

    def message(self, message_id: str | int) -> Result:
        """Return where a message stands."""
        return self._do(Call("GET", f"/v1/messages/{message_id}"))

    def order(self, order_id: str | int) -> Result:
        """Return where the messages of an order stand."""
        return self._do(Call("GET", f"/v1/orders/{order_id}"))

    # Campaigns -----------------------------------------------------------------------------

    def create_campaign(
        self,
        *,
        name: str,
        audience: str,
        sender: str,
        purpose: str,
        text: str | None = None,
        template: str | None = None,
        video: str | None = None,
        port: str | None = None,
        programme: str | None = None,
        not_before: datetime | None = None,
        expires_at: datetime | None = None,
        on_behalf_of: str | None = None,
        instruction: str | None = None,
        key: str | None = None,
    ) -> Result:
        """Order a campaign over an audience; it begins at once, or at `not_before`. Staff say for
        whose account, and on which signed instruction."""
        body = _body(
            name=name, audience=audience, sender=sender, purpose=purpose, text=text,
            template=template, video=video, port=port, programme=programme,
            not_before=not_before, expires_at=expires_at, on_behalf_of=on_behalf_of,
            instruction=instruction,
        )  # fmt: skip
        return self._do(self._post("/v1/campaigns", body, key))

    def dry_run_campaign(
        self,
        *,
        name: str,
        audience: str,
        sender: str,
        purpose: str,
        text: str | None = None,
        template: str | None = None,
        video: str | None = None,
        port: str | None = None,
        programme: str | None = None,
        not_before: datetime | None = None,
        expires_at: datetime | None = None,
        on_behalf_of: str | None = None,
        instruction: str | None = None,
        sample: int = 10,
    ) -> Result:
        """Return counts, cost and a sample by reason of a campaign, without ordering it."""
        body = _body(
            name=name, audience=audience, sender=sender, purpose=purpose, text=text,
            template=template, video=video, port=port, programme=programme,
            not_before=not_before, expires_at=expires_at, on_behalf_of=on_behalf_of,
            instruction=instruction,
        )  # fmt: skip
        return self._do(self._post("/v1/campaigns/dry-run", body, None, {"sample": str(sample)}))

    def campaign(self, campaign_id: str | int) -> Result:
        """Return how far a campaign is."""
        return self._do(Call("GET", f"/v1/campaigns/{campaign_id}"))

    def pause_campaign(self, campaign_id: str | int) -> Result:
        """Stop judging and sending for the time being."""
        return self._do(Call("POST", f"/v1/campaigns/{campaign_id}/pause"))

    def resume_campaign(self, campaign_id: str | int) -> Result:
        """Go on after a pause."""
        return self._do(Call("POST", f"/v1/campaigns/{campaign_id}/resume"))

    def stop_campaign(self, campaign_id: str | int) -> Result:
        """End a campaign; what is queued is cancelled."""
        return self._do(Call("POST", f"/v1/campaigns/{campaign_id}/stop"))

    # Videos ----------------------------------------------------------------------------------

    def upload_video(
        self,
        frames: Sequence[tuple[str, bytes]] | str | Path,
        *,
        sender: str,
        purpose: str,
        subject: str,
        basis: str | None = None,
    ) -> Result:
        """Hand in the frames of a video message; return its id and where its review stands.

        `frames`: (name, octets) in their order, or a directory, whose files go in the order of
        their names (hidden ones are left out). The same content again is the same id.
        """
        if isinstance(frames, str | Path):
            frames = frames_of(Path(frames))
        fields = {"sender": sender, "purpose": purpose, "subject": subject}
        if basis:
            fields["basis"] = basis
        return self._do(Call("POST", "/v1/videos", fields=fields, frames=list(frames)))

    def video(self, video_id: str | int) -> Result:
        """Return where a content stands, frame by frame."""
        return self._do(Call("GET", f"/v1/videos/{video_id}"))

    def video_frame(self, video_id: str | int, place: int) -> Result:
        """Return a frame: its `type`, and its `octets` as they were handed in."""
        return self._do(Call("GET", f"/v1/videos/{video_id}/frames/{place}", raw=True))

    def videos_waiting(self, cursor: int = 0, limit: int = 100) -> Result:
        """Return contents that wait for review. For the operator's reviewers."""
        return self._do(Call("GET", "/v1/videos", {"cursor": str(cursor), "limit": str(limit)}))

    def review_frame(
        self, video_id: str | int, place: int, *, verdict: str, by: str, reason: str = ""
    ) -> Result:
        """Approve or reject a frame; `by` is the person who looked at it. For reviewers."""
        body = _body(verdict=verdict, by=by, reason=reason)
        path = f"/v1/videos/{video_id}/frames/{place}/review"
        headers = {"content-type": "application/json"}
        return self._do(Call("POST", path, {}, headers, body))

    # Consent ---------------------------------------------------------------------------------

    def import_consents(
        self,
        consents: Iterable[Mapping[str, Any]],
        *,
        sender: str,
        programme: str,
        grade: str,
        wording: str,
        source: str,
        until: datetime | None = None,
        evidence: str | None = None,
        key: str | None = None,
        progress: Callable[[int], None] | None = None,
        **facts: Any,
    ) -> Result:
        """Import consents, `{"to": …, "at": datetime with zone}`, of any number: 5,000 at a time,
        counts added up, rows numbered through. `progress` is called with the rows handed over so
        far. `evidence`: digest of a file (`keep_evidence`). `facts`: how, wording_text, kinds,
        frequency, period, purposes, declared. After an error, the same with the same `key`."""

        def calls() -> Iterator[Call]:
            for first, portion in numbered(consents, progress):
                body = _body(
                    sender=sender, programme=programme, grade=grade, wording=wording,
                    source=source, until=until, evidence=evidence, consents=portion, **facts,
                )  # fmt: skip
                part = None if key is None else f"{key}-{first}"
                yield self._post("/v1/consents", body, part, first_row=first)

        return self._do_all(calls())

    # What came back --------------------------------------------------------------------------

    def receipts(self, cursor: int = 0, limit: int = 1_000) -> Result:
        """Return receipts after a cursor, and the cursor to go on with."""
        return self._do(Call("GET", "/v1/receipts", {"cursor": str(cursor), "limit": str(limit)}))

    def replies(self, cursor: int = 0, limit: int = 1_000) -> Result:
        """Return replies after a cursor, and the cursor to go on with."""
        return self._do(Call("GET", "/v1/replies", {"cursor": str(cursor), "limit": str(limit)}))

    def balance(self) -> Result:
        """Return what may be spent and what is reserved, in micro-yuan."""
        return self._do(Call("GET", "/v1/balance"))

    def health(self) -> Result:
        """Return whether the server is ready. Raises Unavailable when it is not."""
        return self._do(Call("GET", "/readyz"))

    # For those who run the platform -----------------------------------------------------------

    def links(self) -> Result:
        """Return the links to carriers, what is ordered of them and how they are."""
        return self._do(Call("GET", "/v1/links"))

    def steer_link(self, name: str, action: str) -> Result:
        """Order `pause`, `resume` or `drain` of a link, or of all links of a carrier."""
        return self._do(Call("POST", f"/v1/links/{quote(name, safe='')}/{action}"))

    def reload_links(self) -> Result:
        """Put in force what the server's settings file says of carriers now."""
        return self._do(Call("POST", "/v1/links/reload"))

    def pdu_log_on(
        self, link: str, *, number: str | None = None, seconds: float = 600.0, most: int = 10_000
    ) -> Result:
        """Look for the PDUs of a link or a carrier (of one number only), for a while."""
        body = _body(link=link, number=number, seconds=seconds, most=most)
        return self._do(Call("POST", "/v1/pdulog", body=body))

    def pdu_log_off(self) -> Result:
        """Look for no PDUs any more."""
        return self._do(Call("POST", "/v1/pdulog/off"))

    def pdu_log(self, cursor: int = 0, limit: int = 100) -> Result:
        """Return the PDUs that were seen after a cursor, and the cursor to go on with."""
        return self._do(Call("GET", "/v1/pdulog", {"cursor": str(cursor), "limit": str(limit)}))
