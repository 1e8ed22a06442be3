"""Money over HTTP: who may ask what, and the parts of flow that answer."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from assent.app.settings import PaymentFile
from assent.errors import InvalidInput, NotAllowed, NotFound
from assent.flow import notices
from assent.flow.bank_lines import CSV_COLUMNS, BankFile, CsvForm, read_camt053, read_csv
from assent.flow.margin import DIMENSIONS, margin
from assent.flow.money_requests import NoticeRequest
from assent.flow.payments import Payments
from assent.flow.purses import Purses
from assent.flow.rebates import Rebates
from assent.flow.requests import Caller
from assent.flow.staff import check_staff
from assent.flow.statements import Statement, statement
from assent.flow.treasury import Treasury
from assent.flow.verify import verify

if TYPE_CHECKING:
    from assent.app.node import Node

_NOTICE = msgspec.json.Decoder(NoticeRequest)


class MoneyDesk:
    """Customers' money, and the treasury of those who run the platform."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.purses = Purses(node.store, node.clock)
        self.payments = Payments(node.store, node.clock, node.vault, secrets.token_bytes)
        self.treasury = Treasury(node.store, node.clock)
        self.rebates = Rebates(node.store, node.clock)
        self._ports = {port.name: port for port in node.settings.payments}

    def customer(self, caller: Caller) -> None:
        """Raise NotAllowed for a sandbox key: there is no money in the sandbox."""
        if caller.sandbox:
            raise NotAllowed(
                "not_in_sandbox", "the sandbox has no money of its own", field="Authorization",
                rule="http-api: keys", mend="use a key that is no sandbox key",
            )  # fmt: skip

    def staff(self, caller: Caller) -> None:
        """Raise NotAllowed unless the caller belongs to the operator."""
        check_staff(self._node.catalogue, caller)

    async def statement(self, caller: Caller, month: str) -> Statement:
        """Return an account's statement of a month."""
        self.customer(caller)
        return await statement(self._node.store, self._node.clock, caller.account_id, month)

    async def margin(
        self, caller: Caller, begin: date, end: date, by: Sequence[str]
    ) -> Mapping[str, Any]:
        """Return what is left of some days, both included."""
        self.staff(caller)
        wrong = [one for one in by if one not in DIMENSIONS]
        known = begin.year >= 2000 and end.year < 2100
        if wrong or not known or end < begin:
            raise InvalidInput(
                "bad_margin", f"days in order, grouped by some of {', '.join(DIMENSIONS)}",
                field="by" if wrong else "to", rule="money: margin", mend="correct it",
            )  # fmt: skip
        return await margin(self._node.store, begin, end + timedelta(days=1), by)

    async def verify(self, caller: Caller) -> Mapping[str, Any]:
        """Prove that the money is right."""
        self.staff(caller)
        return await verify(self._node.store)

    async def import_file(self, caller: Caller, port: str, data: bytes) -> Mapping[str, Any]:
        """Take a bank's file that was handed in at a payment port."""
        self.staff(caller)
        return await self.payments.take(caller, port, _read(self._port(port), data))

    async def notice(
        self, port: str, timestamp: str, nonce: str, signature: str, body: bytes
    ) -> Mapping[str, Any]:
        """Take a signed notice of a payment port."""
        secret = self._secret(port)
        notices.check(secret, timestamp, nonce, signature, body, self._node.clock.now())
        try:
            request = _NOTICE.decode(body)
        except msgspec.MsgspecError as error:
            raise InvalidInput(
                "bad_notice", str(error), field="body", rule="money: notices",
                mend="send what docs/money.md shows",
            ) from None  # fmt: skip
        return await self.payments.take(None, port, notices.lines_of(request), nonce)

    def _port(self, name: str) -> PaymentFile:
        if name not in self._ports:
            raise NotFound(
                "no_payment_port", "there is no such payment port", field="port",
                rule="settings: payments", mend="name one of the settings",
            )  # fmt: skip
        return self._ports[name]

    def _secret(self, name: str) -> bytes:
        """Return a port's secret. One that has none looks like one that is not there."""
        port = self._ports.get(name)
        if port is None or not port.secret_file:
            return secrets.token_bytes(32)
        return Path(port.secret_file).read_bytes().strip()


def _read(port: PaymentFile, data: bytes) -> BankFile:
    if port.format == "camt053":
        return read_camt053(data, port.account)
    return read_csv(data, csv_form(port))


def csv_form(port: PaymentFile) -> CsvForm:
    """Return how the port's files are read. Raises InvalidInput for columns that are none."""
    wrong = sorted(set(port.columns) - CSV_COLUMNS)
    missing = sorted({"booked_on", "amount", "payer"} - set(port.columns))
    if wrong or missing:
        raise InvalidInput(
            "setting", f"columns: {', '.join(wrong + missing)} unknown or missing",
            field=f"payments.{port.name}.columns", rule="settings: payments",
            mend=f"use {', '.join(sorted(CSV_COLUMNS))}",
        )  # fmt: skip
    return CsvForm(
        port.columns, port.currency, port.date_format, port.delimiter, port.encoding,
        tuple(port.return_words),
    )  # fmt: skip
