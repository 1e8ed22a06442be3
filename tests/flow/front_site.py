"""A front door on a real store: applicants, reviewers, papers, registers, an authority."""

from __future__ import annotations

import asyncio
import io
import secrets
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from assent.clock import ManualClock
from assent.flow.admission_requests import (
    ApplicationRequest,
    DocumentRequest,
    LetterRequest,
    SenderRequest,
    SightRequest,
)
from assent.flow.catalogue import Catalogue
from assent.flow.front import Front, FrontSettings
from assent.flow.post import Carrier, Post
from assent.flow.registers import RegisterFile, columns_of
from assent.flow.requests import Caller, ReviewDecision
from assent.flow.setup import Register, file_register
from assent.flow.tidings import Tidings
from assent.flow.vault import Vault
from assent.registry.credit_code import check_character, subject_check_character
from assent.registry.resident_id import check_character as id_check
from assent.registry.signed_pdf import Roots
from assent.registry.table import Table
from assent.store import Store

SUNDAY = 1_795_320_000.0  # 2026-11-22 12:00 in China
TODAY = date(2026, 11, 22)
ACCOUNTS = ("bank", "shop", "agent", "second_agent", "stranger")
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8


def credit_code(number: int) -> str:
    """Return a valid code of a company in Shanghai."""
    head = f"91310106{number:08d}"
    subject = head[8:16] + subject_check_character(head[8:16])
    whole = head[:8] + subject
    return whole + check_character(whole)


def resident(number: int) -> str:
    """Return a valid identity number of a grown person."""
    head = f"31010119800101{number:03d}"
    return head + id_check(head)


BANK, SHOP, AGENT, SECOND, STRANGER = (credit_code(n) for n in range(11, 16))
NAMES = {
    BANK: "申城银行股份有限公司", SHOP: "春风百货有限公司", AGENT: "通达信息技术有限公司",
    SECOND: "畅联科技有限公司", STRANGER: "远山贸易有限公司",
}  # fmt: skip
LISTED = {BANK: "02161230000", SHOP: "02161230001", AGENT: "02161230002", SECOND: "02161230003"}
OPERATOR = credit_code(99)


def person(number: int, role: str, phone: str | None = None) -> dict[str, Any]:
    return {
        "role": role, "name": f"王{number}", "id_number": resident(number),
        "phone": phone or f"138000000{number:02d}",
    }  # fmt: skip


def application(code: str, industry: str, people: list[dict[str, Any]], **more: Any) -> Any:
    return {
        "credit_code": code, "legal_name": NAMES.get(code, code), "industry": industry,
        "founded_on": "2001-03-04", "website": f"www.e{code[12:16]}.com.cn",
        "mail_domain": f"e{code[12:16]}.com.cn", "address": f"上海市中山路{code[12:16]}号",
        "people": people, **more,
    }  # fmt: skip


def pdf(words: str = "paper", octets: int = 4000) -> bytes:
    """Return a small PDF of its own."""
    from reportlab.pdfgen import canvas

    buffer = io.BytesIO()
    page = canvas.Canvas(buffer, invariant=True, pageCompression=0)
    page.drawString(72, 720, words)
    for line in range(octets // 80):
        page.drawString(72, 700 - line % 60 * 10, f"{words} {line} " * 3)
    page.save()
    return buffer.getvalue()


@dataclass
class Authority:
    """An authority of the test's own, with the certificate it signs licences with."""

    name: str = "测试登记机关"

    def __post_init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.root = self._certificate(self.name, self.key, None)
        self.signer_key = ec.generate_private_key(ec.SECP256R1())
        self.signer = self._certificate(f"{self.name} 签发", self.signer_key, self.root)

    def _certificate(self, name: str, key: Any, issuer: x509.Certificate | None) -> Any:
        begin = datetime(2025, 1, 1, tzinfo=UTC)
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        built = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if issuer is None else issuer.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + timedelta(days=3650))
            .add_extension(x509.BasicConstraints(issuer is None, None), critical=True)
            .add_extension(
                x509.KeyUsage(True, True, False, False, False, issuer is None, issuer is None,
                              False, False), critical=True,
            )
        )  # fmt: skip
        return built.sign(self.key, hashes.SHA256())

    def write_root(self, directory: Path) -> Path:
        path = directory / f"{secrets.token_hex(4)}.pem"
        path.write_bytes(self.root.public_bytes(serialization.Encoding.PEM))
        return path

    async def sign(self, octets: bytes) -> bytes:
        """Return a PDF with this authority's signature."""
        return await asyncio.to_thread(self._sign, octets)

    def _sign(self, octets: bytes) -> bytes:
        from asn1crypto import keys
        from asn1crypto import x509 as asn1
        from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
        from pyhanko.sign import signers
        from pyhanko_certvalidator.registry import SimpleCertificateStore

        der = serialization.Encoding.DER
        private = self.signer_key.private_bytes(
            der, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        store = SimpleCertificateStore()
        store.register(asn1.Certificate.load(self.root.public_bytes(der)))
        signer = signers.SimpleSigner(
            signing_cert=asn1.Certificate.load(self.signer.public_bytes(der)),
            signing_key=keys.PrivateKeyInfo.load(private),
            cert_registry=store,
        )
        output = io.BytesIO()
        signers.sign_pdf(
            IncrementalPdfFileWriter(io.BytesIO(octets)),
            signers.PdfSignatureMetadata(field_name="Signature"),
            signer=signer,
            output=output,
        )
        return output.getvalue()


class Site:
    """A front door, its people, and short ways to use it."""

    def __init__(
        self, store: Store, clock: ManualClock, catalogue: Catalogue, front: Front, post: Post
    ) -> None:
        self.store, self.clock, self.catalogue, self.front = store, clock, catalogue, front
        self.post = post
        by_name = {account.name: account.id for account in catalogue.accounts.values()}
        self.accounts = by_name
        self.callers = {
            name: Caller(by_name[name], frozenset({"admission"}), False, 50 + place)
            for place, name in enumerate(ACCOUNTS)
        }
        operator = by_name["operator"]
        self.one = Caller(operator, frozenset({"review"}), False, 1)
        self.two = Caller(operator, frozenset({"review", "second_review"}), False, 2)
        self.auditor = Caller(operator, frozenset({"audit"}), False, 3)

    # What applicants do ------------------------------------------------------------------------

    async def apply(self, name: str, code: str, industry: str, **more: Any) -> dict[str, Any]:
        people = more.pop("people", None)
        place = ACCOUNTS.index(name) * 10 + 1
        people = people if people is not None else [
            person(place, "legal"), person(place + 1, "responsible"), person(place + 2, "operator")
        ]  # fmt: skip
        request = msgspec.convert(application(code, industry, people, **more), ApplicationRequest)
        return await self.front.admission.apply(self.callers[name], request)

    async def register(self, name: str, code: str, industry: str, **more: Any) -> dict[str, Any]:
        words = application(code, industry, more.pop("people", []), **more)
        request = msgspec.convert(words, SenderRequest)
        return await self.front.admission.register(self.callers[name], request)

    async def paper(
        self, name: str, kind: str, file: bytes | None = None, **more: Any
    ) -> dict[str, Any]:
        if file is None and not more.get("in_process"):
            file = pdf(f"{name} {kind} {secrets.token_hex(4)}")
        request = msgspec.convert({"kind": kind, **more}, DocumentRequest)
        return await self.front.documents.add(self.callers[name], request, file)

    async def letter(self, name: str, **words: Any) -> dict[str, Any]:
        request = msgspec.convert(
            {"purposes": ["notification"], "valid_from": "2026-01-01", "valid_to": "2027-12-31",
             **words}, LetterRequest,
        )  # fmt: skip
        return await self.front.admission.add_letter(self.callers[name], request)

    async def show(self, name: str) -> dict[str, Any]:
        return await self.front.admission.show(self.callers[name])

    # What reviewers do -------------------------------------------------------------------------

    async def see(self, document: dict[str, Any] | str, way: str, **words: Any) -> dict[str, Any]:
        number = int(document if isinstance(document, str) else document["id"])
        if way == "paper":
            words = {"by": "李雷", "where": "上海柜台", **words}
        request = msgspec.convert({"way": way, **words}, SightRequest)
        return await self.front.sights.see(self.one, number, request)

    async def item(self, kind: str, about: str | None = None) -> dict[str, Any]:
        """Return the open item of a kind, about something."""
        items = (await self.front.desk.queue(self.one, kind))["items"]
        found = [one for one in items if about is None or one["about"] == about]
        assert len(found) == 1, [(one["kind"], one["about"]) for one in items]
        return found[0]

    async def decide(self, item: dict[str, Any], verdict: str = "approve", code: str = "") -> Any:
        """Decide as one person or, where two must agree, as two."""
        ground = code or {"approve": "in_order", "refuse": "incomplete"}[verdict]
        word = ReviewDecision(verdict=verdict, code=ground)  # type: ignore[arg-type]
        told = await self.front.desk.decide(self.one, int(item["id"]), word)
        if told["state"] == "second":
            told = await self.front.desk.decide(self.two, int(item["id"]), word)
        return told

    async def accepted(
        self, name: str, kind: str, way: str = "paper", **more: Any
    ) -> dict[str, Any]:
        """Hand in a paper, have it seen and taken."""
        words = more.pop("words", {})
        document = await self.paper(name, kind, **more)
        if way != "scan":
            look = await self.see(document, way, **words)
            assert look["result"] == "yes", look
        await self.decide(await self.item("document", document["id"]))
        return await self.front.documents.show(self.callers[name], int(document["id"]))

    async def base_papers(self, name: str, way: str = "paper", **licence: Any) -> None:
        """Hand in what every account needs, and have it taken."""
        await self.accepted(name, "business_licence", **{"way": way, **licence})
        for kind in ("legal_person_identity", "responsible_person_identity", "applicant_identity",
                     "commitment_letter"):  # fmt: skip
            await self.accepted(name, kind, way)

    async def opened(self, name: str, code: str, industry: str, **more: Any) -> None:
        """Take an account through the door."""
        await self.apply(name, code, industry, **more)
        await self.base_papers(name)
        await self.decide(await self.item("account"))

    async def import_rows(
        self, kind: str, rows: list[Mapping[str, str]], source: str = "公示系统",
        dated: date = TODAY,
    ) -> dict[str, Any]:  # fmt: skip
        listed = []
        for place, row in enumerate(rows, start=2):
            names = columns_of(row)
            values = list(row.values())
            listed.append((place, {name: values[i] for i, name in names.items()}))
        file = RegisterFile(kind, source, dated, secrets.token_bytes(32), listed)  # type: ignore[arg-type]
        return await self.front.registers.take(self.one, file)

    async def import_businesses(self) -> None:
        await self.import_rows(
            "business",
            [
                {"统一社会信用代码": code, "企业名称": NAMES[code], "联系电话": LISTED[code],
                 "法定代表人": f"王{place * 10 + 1}", "状态": "存续"}
                for place, code in enumerate(LISTED)
            ],
        )  # fmt: skip

    async def sql(self, query: str, *args: Any) -> list[Any]:
        connection = await self.store.connect()
        try:
            return list(await connection.fetch(query, *args))
        finally:
            await connection.close()

    async def value(self, query: str, *args: Any) -> Any:
        return (await self.sql(query, *args))[0][0]


async def open_site(
    store: Store, roots: Roots | None = None, mail: Carrier | None = None, **settings: Any
) -> Site:
    """Return a front door over a migrated store, with accounts that have not applied yet. `mail`:
    what takes mail away."""
    document = {
        "accounts": [
            *({"name": name, "price_micro": 50_000} for name in ACCOUNTS),
            {"name": "operator", "kind": "operator", "price_micro": 0},
        ]
    }
    await file_register(store, msgspec.convert(document, Register), SUNDAY, secrets.token_bytes)
    connection = await store.connect()
    await connection.execute("UPDATE account SET status = 'applied' WHERE kind <> 'operator'")
    await connection.close()
    catalogue = Catalogue()
    await catalogue.load(store)
    clock = ManualClock(SUNDAY)
    vault = Vault({1: bytes(range(32))}, secrets.token_bytes)
    front_settings = FrontSettings(roots=roots or Roots(), **settings)
    post = Post(store, clock, vault, secrets.token_bytes, mail)
    parts = (store, clock, vault, catalogue, Table.load(), front_settings)
    return Site(store, clock, catalogue, Front(*parts, Tidings(post)), post)


def bomb(octets: int, told: int | None = None) -> bytes:
    """Return a workbook whose one sheet unpacks to so many octets; its directory may say less."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        with archive.open("xl/worksheets/sheet1.xml", "w") as sheet:
            for begin in range(0, octets, 1 << 20):
                sheet.write(bytes(min(1 << 20, octets - begin)))
    data = buffer.getvalue()
    if told is not None:
        data = data.replace(octets.to_bytes(4, "little"), told.to_bytes(4, "little"))
    return data
