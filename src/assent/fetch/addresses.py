"""Which addresses may be connected to: those of the public internet, and no other.

The ranges are those of the registries of special-purpose addresses (IANA, RFC 6890 and what came
after), taken whole: where a range has a public part, nobody's page stands there. Addresses that
carry another address inside (mapped, translated, tunnelled) are refused as ranges, so that no
reading of the inner one can be got around.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

__all__ = ["refused"]

_V4: Final = {
    "0.0.0.0/8": "this_network",
    "10.0.0.0/8": "private",
    "100.64.0.0/10": "carrier_nat",
    "127.0.0.0/8": "loopback",
    "169.254.0.0/16": "link_local",  # where clouds keep their metadata, too
    "172.16.0.0/12": "private",
    "192.0.0.0/24": "reserved",
    "192.0.2.0/24": "documentation",
    "192.31.196.0/24": "reserved",
    "192.52.193.0/24": "reserved",
    "192.88.99.0/24": "relay",
    "192.168.0.0/16": "private",
    "192.175.48.0/24": "reserved",
    "198.18.0.0/15": "benchmark",
    "198.51.100.0/24": "documentation",
    "203.0.113.0/24": "documentation",
    "224.0.0.0/4": "multicast",
    "240.0.0.0/4": "reserved",  # with the broadcast address
    # Metadata services that stand on addresses which are public by their range.
    "100.100.100.200/32": "metadata",
    "168.63.129.16/32": "metadata",
    "192.0.0.192/32": "metadata",
}
_V6: Final = {
    "64:ff9b::/96": "translated",
    "64:ff9b:1::/48": "translated",
    "2001::/23": "reserved",  # Teredo and the other protocol assignments
    "2001:db8::/32": "documentation",
    "2002::/16": "six_to_four",
    "2620:4f:8000::/48": "reserved",
    "3fff::/20": "documentation",
    "5f00::/16": "reserved",
}
_NETWORKS_4: Final = tuple((ip_network(one), why) for one, why in _V4.items())
_NETWORKS_6: Final = tuple((IPv6Network(one), why) for one, why in _V6.items())
_GLOBAL_6: Final = IPv6Network("2000::/3")
"""All that was ever given out for use across the internet; everything else is something else."""
_KINDS_6: Final = tuple(
    (IPv6Network(one), why)
    for one, why in {
        "::/128": "this_network",
        "::1/128": "loopback",
        "::ffff:0:0/96": "mapped",
        "::ffff:0:0:0/96": "translated",
        "::/96": "mapped",
        "fc00::/7": "private",
        "fe80::/10": "link_local",
        "fec0::/10": "private",
        "ff00::/8": "multicast",
    }.items()
)


def refused(address: str) -> str | None:
    """Return why an address may not be connected to, None for one that may. `address`: as the
    system tells it; what cannot be read is refused."""
    try:
        read = ip_address(address)
    except ValueError:
        return "not_an_address"
    if isinstance(read, IPv4Address):
        return next((why for network, why in _NETWORKS_4 if read in network), None)
    return _refused_6(read)


def _refused_6(read: IPv6Address) -> str | None:
    if read.scope_id is not None:
        return "link_local"
    for network, why in (*_KINDS_6, *_NETWORKS_6):
        if read in network:
            return why
    if read not in _GLOBAL_6:
        return "reserved"
    # An interface's last 64 bits may carry an IPv4 address (ISATAP): it is judged as well.
    if (int(read) >> 32) & 0xFDFFFFFF == 0x00005EFE:
        return refused(str(IPv4Address(int(read) & 0xFFFFFFFF))) or "tunnelled"
    return None
