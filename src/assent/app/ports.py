"""Whether the links of a carrier can write a port: dialects have room for fewer or more octets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from assent.app.links import kit_of
from assent.app.settings import Settings
from assent.errors import LocalProtocolError
from assent.flow.order import Port
from assent.text import LongText
from assent.wire.kit import Kit


class PortRoom:
    """What the fields of each carrier's links can hold, by the settings."""

    def __init__(self, settings: Settings) -> None:
        self._kits: dict[str, list[Kit]] = {
            carrier.name: [kit_of(carrier.name, link, carrier.abroad) for link in carrier.links]
            for carrier in settings.carriers
            if carrier.channel == "sms"  # MM7 has no fields of a fixed size
        }

    def fault(self, carrier: str, number: str, service_code: str) -> str | None:
        """Return why a link of a carrier cannot write a port, or None. Nothing is known of a
        carrier that the settings do not have, or that takes no texts."""
        for kit in self._kits.get(carrier, ()):
            if kit.sends:
                try:
                    kit.form(service_code, number, LongText.UDH)
                except LocalProtocolError as error:
                    return f"{kit.name} {error.field or ''}: {error.message}"
        return None

    def faults(self, ports: Iterable[Port]) -> Iterator[tuple[str, str, str]]:
        """Yield carrier, number and fault of each port in use that cannot be written."""
        for port in ports:
            fault = (
                self.fault(port.carrier, port.number, port.service_code) if port.active else None
            )
            if fault is not None:
                yield port.carrier, port.number, fault
