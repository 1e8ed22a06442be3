"""Electronic licences: PDF files whose signature leads to a configured root.

Checked from the octets and the roots alone: nothing is fetched, so revocation is not looked up here
(a register or a reviewer tells that a licence was taken back). A signature must cover the whole
file; whatever was added after it makes the file another one.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from assent.errors import InvalidInput

LARGEST: Final = 20_000_000
"""Octets of a PDF that is looked at."""


@dataclass(frozen=True, slots=True)
class Roots:
    """Root certificates, as PEM files hold them. None: no signature is good."""

    certificates: tuple[Any, ...] = ()

    @classmethod
    def load(cls, paths: Sequence[Path]) -> Roots:
        """Read certificates from PEM files. Raises InvalidInput naming the file."""
        from asn1crypto import pem, x509  # type: ignore[import-untyped]

        found = []
        for path in paths:
            try:
                octets = path.read_bytes()
                blocks = list(pem.unarmor(octets, multiple=True))
                read = [x509.Certificate.load(der) for kind, _, der in blocks
                        if kind == "CERTIFICATE"]  # fmt: skip
                for one in read:
                    one.native  # noqa: B018  # parsed lazily: a broken one shows itself here
            except (OSError, ValueError, TypeError) as error:
                raise _bad_root(path, type(error).__name__) from None
            if not read:
                raise _bad_root(path, "it holds no certificate")
            found += read
        return cls(tuple(found))


@dataclass(frozen=True, slots=True)
class Signature:
    """What a check came to. `why`: a stable word, '' when it is good. `names`: whom the certificate
    names, persons and organisations."""

    good: bool
    why: str
    signer: str = ""
    serial: str = ""
    signed_at: datetime | None = None
    names: tuple[str, ...] = ()

    def told(self) -> dict[str, Any]:
        """Return it as evidence. The signer is an authority's certificate, no person's."""
        at = None if self.signed_at is None else self.signed_at.isoformat()
        return {"why": self.why, "signer": self.signer, "serial": self.serial, "signed_at": at}


def check_signed(octets: bytes, roots: Roots, at: datetime) -> Signature:
    """Return whether a PDF carries a signature over the whole of it that leads to a root.

    Every signature in it has to be good. `why` otherwise: `no_roots`, `too_large`, `unreadable`,
    `unsigned`, `changed` (not intact, or something was added after signing), `not_trusted`.
    """
    if not roots.certificates:
        return Signature(False, "no_roots")
    if len(octets) > LARGEST:
        return Signature(False, "too_large")
    logging.getLogger("pyhanko").setLevel(logging.CRITICAL)
    logging.getLogger("pyhanko_certvalidator").setLevel(logging.CRITICAL)
    try:
        return _check(octets, roots, at)
    except RecursionError:
        return Signature(False, "unreadable")
    except Exception as error:  # a stranger's file: whatever its reading raises, it is no licence
        return Signature(False, "unreadable", signer=type(error).__name__)


def _check(octets: bytes, roots: Roots, at: datetime) -> Signature:
    from pyhanko.pdf_utils.reader import PdfFileReader

    reader = PdfFileReader(io.BytesIO(octets), strict=False)
    signatures = list(reader.embedded_regular_signatures)
    if not signatures:
        return Signature(False, "unsigned")
    found = [_check_one(one, roots, at) for one in signatures]
    return next((one for one in found if not one.good), found[-1])


def _check_one(embedded: Any, roots: Roots, at: datetime) -> Signature:
    from pyhanko.sign.validation import validate_pdf_signature
    from pyhanko.sign.validation.status import SignatureCoverageLevel
    from pyhanko_certvalidator import ValidationContext

    # No fetching, and revocation is not asked for: both would need the network.
    context = ValidationContext(
        trust_roots=list(roots.certificates), allow_fetching=False, moment=at,
        revocation_mode="soft-fail", best_signature_time=at,
    )  # fmt: skip
    status = validate_pdf_signature(embedded, signer_validation_context=context)
    signer = status.signing_cert
    told = {
        "signer": signer.subject.human_friendly,
        "serial": f"{signer.serial_number:x}",
        "signed_at": status.signer_reported_dt,
        "names": _names(signer),
    }
    whole = status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    if not (status.intact and status.valid and whole):
        return Signature(False, "changed", **told)
    if not status.trusted:
        return Signature(False, "not_trusted", **told)
    return Signature(True, "", **told)


def _names(certificate: Any) -> tuple[str, ...]:
    """Return what a certificate calls its holder: names and numbers, one each."""
    found = []
    for value in certificate.subject.native.values():
        found += value if isinstance(value, list) else [value]
    return tuple(str(one) for one in found)


def _bad_root(path: Path, why: str) -> InvalidInput:
    return InvalidInput(
        "bad_root", f"{path}: {why}", field="licence_roots", rule="settings: licence_roots",
        mend="name PEM files with certificates",
    )  # fmt: skip
