"""Nothing leads to the inside: every range, in every notation, at every step."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assent.fetch.addresses import refused
from assent.fetch.urls import Unfit, read

INSIDE = [
    ("0.0.0.0/8", "this_network"),
    ("10.0.0.0/8", "private"),
    ("100.64.0.0/10", "carrier_nat"),
    ("127.0.0.0/8", "loopback"),
    ("169.254.0.0/16", "link_local"),
    ("172.16.0.0/12", "private"),
    ("192.0.0.0/24", "reserved"),
    ("192.0.2.0/24", "documentation"),
    ("192.88.99.0/24", "relay"),
    ("192.168.0.0/16", "private"),
    ("198.18.0.0/15", "benchmark"),
    ("198.51.100.0/24", "documentation"),
    ("203.0.113.0/24", "documentation"),
    ("224.0.0.0/4", "multicast"),
    ("240.0.0.0/4", "reserved"),
    ("168.63.129.16/32", "metadata"),
    ("100.100.100.200/32", "carrier_nat"),
    ("::/128", "this_network"),
    ("::1/128", "loopback"),
    ("::ffff:0:0/96", "mapped"),
    ("::ffff:0:0:0/96", "translated"),
    ("::/96", ""),
    ("64:ff9b::/96", "translated"),
    ("64:ff9b:1::/48", "translated"),
    ("100::/64", "reserved"),
    ("2001::/32", "reserved"),
    ("2001:10::/28", "reserved"),
    ("2001:20::/28", "reserved"),
    ("2001:db8::/32", "documentation"),
    ("2002::/16", "six_to_four"),
    ("3fff::/20", "documentation"),
    ("fc00::/7", "private"),
    ("fe80::/10", "link_local"),
    ("fec0::/10", "private"),
    ("ff00::/8", "multicast"),
    ("5f00::/16", "reserved"),
    ("4000::/2", "reserved"),
]


@pytest.mark.parametrize(("network", "why"), INSIDE)
def test_every_inside_range_is_refused_whole(network: str, why: str) -> None:
    read_ = ipaddress.ip_network(network)
    last = read_.num_addresses - 1
    for place in {0, 1, last // 3, last // 2, last - 1, last} - {-1}:
        address = str(read_[min(max(place, 0), last)])
        assert refused(address), address
        if why:
            assert refused(address) == why or place in (0, 1), address


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "1.1.1.1",
        "93.184.215.14",
        "114.114.114.114",
        "223.5.5.5",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "169.253.255.255",
        "172.15.255.255",
        "172.32.0.0",
        "192.167.255.255",
        "223.255.255.255",
        "2606:4700::1111",
        "2400:3200::1",
        "2a00:1450:4001::",
    ],
)
def test_public_ones_are_not(address: str) -> None:
    assert refused(address) is None


@given(st.ip_addresses(v=4))
def test_whatever_python_calls_not_global_is_refused(address: ipaddress.IPv4Address) -> None:
    if not address.is_global or address.is_multicast or address.is_reserved:
        assert refused(str(address))


@given(st.ip_addresses(v=6))
def test_so_it_is_of_long_ones(address: ipaddress.IPv6Address) -> None:
    if not address.is_global or address.is_multicast or address.ipv4_mapped or address.sixtofour:
        assert refused(str(address))


@given(st.ip_addresses(v=4))
def test_an_address_inside_of_another_is_refused(address: ipaddress.IPv4Address) -> None:
    number = int(address)
    for carrier in ("::ffff:0:0", "64:ff9b::", "::", "::ffff:0:0:0"):
        assert refused(str(ipaddress.IPv6Address(int(ipaddress.IPv6Address(carrier)) | number)))
    assert refused(str(ipaddress.IPv6Address((0x2002 << 112) | number << 80)))
    isatap = ipaddress.IPv6Address((0x2400_3200 << 96) | (0x5EFE << 32) | number)
    assert refused(str(isatap))


LOOPBACKS = [
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0177.0.0.1",
    "017700000001",
    "0x7F.0x0.0x0.0x1",
    "127.0.0.1.",
    "１２７.０.０.１",
    "127。0。0。1",
    "%31%32%37.0.0.1",
    "①②⑦.0.0.1",
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "[::127.0.0.1]",
    "0",
    "0.0.0.0",  # noqa: S104  # nobody listens there
    "[::]",
    "0x0",
    "00000177.1",
]


@pytest.mark.parametrize("host", LOOPBACKS)
def test_every_notation_means_what_it_means(host: str) -> None:
    assert refused(read(f"http://{host}/").address)


@pytest.mark.parametrize(
    ("link", "why"),
    [
        ("ftp://example.com/", "scheme"),
        ("file:///etc/passwd", "scheme"),
        ("javascript:1", "scheme"),
        ("gopher://example.com/", "scheme"),
        ("http://example.com:22/", "port"),
        ("http://example.com:8080/", "port"),
        ("http://user@example.com/", "user_in_link"),
        ("http://example.com@127.0.0.1/", "user_in_link"),
        ("http://localhost/", "no_domain"),
        ("http://intranet/", "no_domain"),
        ("http://[fe80::1%25eth0]/", "bad_host"),
        ("http://256.1.1.1/", "bad_host"),
        ("http://1.2.3.4.5/", "bad_host"),
        ("http://4294967296/", "bad_host"),
        ("http://09.1.1.1/", "bad_host"),
        ("http://a..b.com/", "bad_host"),
        ("http://-a.com/", "bad_host"),
        ("http:///", "bad_host"),
        ("http://exa mple.com/", "bad_host"),
        ("http://" + "a." * 140 + "com/", "bad_host"),
        ("http://example.com/" + "a" * 2_100, "link_too_long"),
        ("http://%00.com/", "bad_host"),
    ],
)
def test_links_that_are_not_followed(link: str, why: str) -> None:
    with pytest.raises(Unfit) as caught:
        read(link, "http://base.example.com/" if link.startswith("javascript") else "")
    assert caught.value.why == why


@pytest.mark.parametrize(
    ("link", "base", "means"),
    [
        ("example.com/a", "", "http://example.com/a"),
        ("HTTPS://EXAMPLE.com:443/a?b=c#d", "", "https://example.com/a?b=c"),
        ("http://example.com:443/", "", "http://example.com:443/"),
        ("//other.example/x", "https://a.example/", "https://other.example/x"),
        ("\\\\other.example\\x", "https://a.example/", "https://other.example/x"),
        ("/x y", "https://a.example/b", "https://a.example/x%20y"),
        ("http://例子.测试/路", "", "http://xn--fsqu00a.xn--0zwm56d/%E8%B7%AF"),
        ("http://ex\tample.com/\r\nHost: x", "", "http://example.com/Host:%20x"),
        ("?q=2", "https://a.example/b?q=1", "https://a.example/b?q=2"),
    ],
)
def test_links_are_read_as_browsers_read_them(link: str, base: str, means: str) -> None:
    assert read(link, base).url == means


@given(st.text(max_size=60))
def test_any_link_is_a_target_or_unfit(link: str) -> None:
    try:
        target = read(link, "https://a.example/")
    except Unfit:
        return
    assert target.url.isascii()
    assert target.port in (80, 443)
    assert not set("\r\n \t") & set(target.path + target.host)
