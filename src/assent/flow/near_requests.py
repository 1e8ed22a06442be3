"""What callers hand in about fingerprints, as typed structures."""

from __future__ import annotations

from typing import Annotated

import msgspec

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class FingerprintExport(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """POST /v1/fingerprints/export: texts of the last `days` that at least so many accounts of
    different owners used, or that were turned down. `category`: only those."""

    days: Annotated[int, msgspec.Meta(ge=1, le=400)] = 90
    least: Annotated[int, msgspec.Meta(ge=3, le=1_000)] = 3
    category: Annotated[str, msgspec.Meta(max_length=40)] | None = None


class FingerprintImport(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """POST /v1/fingerprints/import: a file as it came from another platform."""

    file: Annotated[str, msgspec.Meta(min_length=1, max_length=8_000_000)]


class FingerprintPeer(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """POST /v1/fingerprints/peers: a platform whose files are taken, by its key NAME+ID+KEY."""

    key: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class FingerprintDistrust(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """POST /v1/fingerprints/peers/remove: a platform whose files are taken no more."""

    name: Annotated[str, msgspec.Meta(min_length=1, max_length=300)]


class FingerprintWithdrawal(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """POST /v1/fingerprints/sources/{id}/withdraw: why a file says nothing any more."""

    reason: Reason


STRUCTS = (
    FingerprintExport,
    FingerprintImport,
    FingerprintPeer,
    FingerprintDistrust,
    FingerprintWithdrawal,
)
