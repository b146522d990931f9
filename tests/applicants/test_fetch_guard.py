"""The guard: which URLs, names and addresses are refused, and that nothing else is dialled than what was checked."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path

import ada_url
import dns.rrset
import pytest
import requests
from hostile_dns import DnsServer, addresses, alias, failure, silence
from hostile_fixtures import crawl_settings
from hostile_wire import Farm, LocalServer, Names, article
from hypothesis import given
from hypothesis import strategies as st
from urllib3.util import parse_url

from screening.applicants.codes import Failure, FetchFailedError
from screening.applicants.crawl.addresses import AddressPolicy, special_purpose
from screening.applicants.crawl.crawler import open_crawler
from screening.applicants.crawl.guard import make_guard
from screening.applicants.crawl.resolve import DnsResolver, HostsFile, LookupFailedError
from screening.applicants.crawl.urls import UrlRefusedError, declared_target, read_target, site_of
from screening.errors import SettingsError
from screening.settings import load_settings

CASES = Path(__file__).parents[2].parent / "shared" / "data" / "screening" / "hostile_urls.json"

LOOPBACK = (
    "http://127.0.0.1/", "http://127.1/", "http://0/", "http://2130706433/", "http://0x7f.1/", "http://017700000001/",
    "http://localhost/", "http://LOCALHOST./", "http://ip6-localhost/", "http://①②⑦.⓪.⓪.①/", "http://127%2e0%2e0%2e1/",
    "http://127.0.0.1./", "http:127.0.0.1/", "http:///127.0.0.1/", "http:\\\\127.0.0.1/",
)  # fmt: skip
SPECIAL = (
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.255.255.254", "168.63.129.16",
    "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1", "192.31.196.1", "192.52.193.1",
    "192.88.99.1", "192.168.0.1", "192.175.48.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1",
    "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1",
    "64:ff9b:1::1", "100::1", "2001::1", "2001:0:7f00:1::1", "2001:2::1", "2001:10::1", "2001:20::1", "2001:db8::1",
    "2002:7f00:1::", "2620:4f:8000::1", "3fff::1", "4000::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1",
    "fec0::1",
    "ff02::1", "2a00::5efe:7f00:1", "2a00::200:5efe:7f00:1", "fe80::1%eth0",
)  # fmt: skip
PUBLIC = (
    "8.8.8.8",
    "1.1.1.1",
    "93.184.216.34",
    "172.15.0.1",
    "172.32.0.1",
    "100.128.0.1",
    "168.63.129.15",
    "223.255.255.1",
)
PUBLIC6 = ("2606:4700:4700::1111", "2a00:1450:4001:82a::200e", "2001:4860:4860::8888", "2400:cb00::1")


def verdict(text: str, names: Names, **changes: object) -> str:
    """Say what happens to a declared URL without dialling it: an error code, or the address that would be dialled."""
    settings = load_settings(
        None, {f"WINNOW__CRAWL__{key}": str(value) for key, value in changes.items()}
    ).settings.crawl
    guard = make_guard(settings, names)
    try:
        target = read_target(text)
        guard.check_target(target)
        return guard.addresses(target.host)[0]
    except FetchFailedError as refused:
        return refused.code.value


def dns_of_the_cases() -> Names:
    names = Names()
    names.addresses_of = {
        "www.nip.io-like.10.0.0.1.nip.io": ("10.0.0.1",),
        "mixed.com": ("8.8.8.8", "10.0.0.1"),
        "mapped.com": ("::ffff:10.0.0.1",),
        "manya.com": tuple(f"8.8.{number // 250}.{number % 250}" for number in range(500)),
        "fine.com": ("2606:4700:4700::1111", "8.8.8.8"),
    }
    return names


@pytest.mark.parametrize("url", LOOPBACK)
def test_every_spelling_of_loopback_is_refused(url):
    assert verdict(url, dns_of_the_cases()) in {"address_refused", "name_reserved"}


@pytest.mark.parametrize("address", SPECIAL)
def test_special_addresses_are_refused(address):
    assert AddressPolicy().refusal(address) is not None


@pytest.mark.parametrize("address", PUBLIC + PUBLIC6)
def test_public_addresses_are_allowed(address):
    assert AddressPolicy().refusal(address) is None


@given(st.ip_addresses(v=6))
def test_no_ipv6_address_outside_the_public_space_is_allowed(address):
    if AddressPolicy().refusal(str(address)) is None:
        assert address in ipaddress.ip_network("2000::/3")
        assert address.sixtofour is None
        assert address.teredo is None


@given(st.ip_addresses(v=4))
def test_what_is_allowed_is_never_private_in_any_reading(address):
    if special_purpose(address) is None:
        suspect = ("is_private", "is_loopback", "is_link_local", "is_multicast", "is_reserved", "is_unspecified")
        assert not [reading for reading in suspect if getattr(address, reading)]


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("file:///etc/passwd", "url_scheme"), ("gopher://a.com/", "url_scheme"), ("data:text/html,x", "url_scheme"),
        ("blob:http://a.com/x", "url_scheme"), ("about:blank", "url_scheme"), ("//a.com/", "url_invalid"),
        ("http://user@fine.com/", "url_userinfo"), ("http://:pw@fine.com/", "url_userinfo"),
        ("http://a.com%0d%0aHost:%20x/", "url_invalid"), ("http://[127.0.0.1]/", "url_invalid"),
        ("http://-a.com/", "url_invalid"), (f"http://{'a' * 64}.com/", "url_invalid"),
        (f"http://{'.'.join(['a' * 50] * 6)}/", "url_invalid"), ("http://a..com/", "url_invalid"),
        ("http://fine.com/" + "a" * 2048, "url_invalid"), ("https://\u202emoc.com/", "url_invalid"),
        ("http://a.com:99999/", "url_invalid"), ("http://a$b.com/", "url_invalid"),
        ("http://xn--0.com/", "url_invalid"),
        ("http://fine.com:22/", "url_port"), ("http://fine.com:6379/", "url_port"), ("http://fine.com:0/", "url_port"),
        ("http://internal/", "name_reserved"), ("http://kubernetes.default.svc/", "name_reserved"),
        ("http://x.local/", "name_reserved"), ("http://host.docker.internal/", "name_reserved"),
        ("http://x.onion/", "name_reserved"), ("http://x.home.arpa./", "name_reserved"),
        ("http://www.nip.io-like.10.0.0.1.nip.io/", "address_refused"), ("http://mixed.com/", "address_refused"),
        ("http://mapped.com/", "address_refused"), ("http://manya.com/", "dns_failed"),
        ("http://fine.com:8080/", "8.8.8.8"), ("  http://fine.com/  ", "8.8.8.8"),
        ("https://fine.com/../../etc", "8.8.8.8"),
        ("http://FINE.com./", "8.8.8.8"), ("http://8.8.8.8/", "8.8.8.8"),
    ],
)  # fmt: skip
def test_urls_are_read_once_and_refused_by_name(url, code):
    assert verdict(url, dns_of_the_cases()) == code


@given(st.text(alphabet=st.sampled_from("htps:/\\@#?.[]%&=-_0123456789abcxzü①。 \t"), max_size=60))
def test_what_is_checked_is_what_is_dialled(tail):
    """requests and urllib3 read our canonical URL as the same host and port that the guard checked."""
    try:
        target = read_target("http://" + tail)
    except UrlRefusedError:
        return
    prepared = requests.Request("GET", target.url).prepare()
    again = ada_url.URL(prepared.url)
    assert (again.hostname.strip("[]"), int(again.port or 80)) == (target.host, target.port)
    assert (parse_url(prepared.url).host or "").strip("[]") == target.host


def test_declared_domains_are_read_as_https():
    assert declared_target(" Example.org/shop ").url == "https://example.org/shop"
    assert declared_target("example.org:8443").url == "https://example.org:8443/"
    assert declared_target("//example.org").url == "https://example.org/"
    with pytest.raises(UrlRefusedError):
        declared_target("javascript:alert(1)")


def test_sites_are_registrable_domains():
    assert site_of("www.shop.co.uk") == "shop.co.uk"
    assert site_of("anna.blogspot.com") == "anna.blogspot.com"
    assert site_of("www.farm.test") == "farm.test"
    assert site_of("127.0.0.1") == "127.0.0.1"


def test_all_url_cases_of_the_shared_set():
    """The 67 shared cases, judged without dialling anything; .test names stand in a hosts file as far as they must."""
    if not CASES.exists():
        pytest.skip("the shared data are not here")
    names = dns_of_the_cases()
    for host in ("a.test", "b.test", "good.test", "x.test", "google.com"):
        names.addresses_of[host] = ("8.8.8.8",)
    for host in ("mixed.test", "manya.test", "cname-loop.test"):
        names.addresses_of[host] = names.addresses_of.get(
            host.replace("test", "com"), LookupFailedError(Failure.DNS_FAILED)
        )
    for case in json.loads(CASES.read_text()):
        got = verdict(case["input"], names)
        refused = got.startswith(("url_", "name_", "address_", "dns_"))
        if case["expect"] in {"block", "reject"}:
            assert refused, case
        elif case["expect"] == "reject or single-host":
            assert refused or got == "8.8.8.8", case


# --- names -----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def dns_server():
    server = DnsServer()
    server.answers |= {
        "both.com": addresses("8.8.8.8", "2606:4700::1"),
        "mixed.com": addresses("8.8.8.8", "10.0.0.1"),
        "six.com": addresses("fd00:ec2::254"),
        "alias.com": lambda query: _with_address(alias("real.com")(query), "real.com", "8.8.8.8"),
        "loop2.com": alias("loop.com", "loop2.com"),
        "loop.com": alias("loop2.com", "loop.com"),
        "manya.com": addresses(*(f"8.8.{number // 250}.{number % 250 + 1}" for number in range(500))),
        "broken.com": failure("SERVFAIL"),
        "slow.com": silence,
        "empty.com": addresses(),
    }
    yield server
    server.close()


def _with_address(answer, name, address):
    if answer.question[0].rdtype == 1:
        answer.answer.append(dns.rrset.from_text(name + ".", 60, "IN", "A", address))
    return answer


@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("both.com", "8.8.8.8"), ("alias.com", "8.8.8.8"), ("mixed.com", "address_refused"),
        ("six.com", "address_refused"),
        ("loop.com", "dns_failed"), ("manya.com", "dns_failed"), ("broken.com", "dns_failed"),
        ("slow.com", "dns_timeout"),
        ("empty.com", "dns_not_found"), ("nowhere.com", "dns_not_found"),
    ],
)  # fmt: skip
def test_names_are_asked_of_a_real_server(dns_server, name, outcome):
    resolver = DnsResolver(0.8, servers=(dns_server.endpoint,))
    got = verdict(f"http://{name}/", resolver)
    assert got == outcome


def test_names_are_absolute_and_never_completed(dns_server):
    dns_server.asked.clear()
    with pytest.raises(LookupFailedError):
        DnsResolver(0.5, servers=(dns_server.endpoint,)).addresses("nosuch.com")
    assert {name for name, _ in dns_server.asked} == {"nosuch.com"}


def test_a_name_that_changes_its_address_is_checked_at_every_connection(farm, trust):
    answers = iter([("127.80.0.200",), ("127.0.0.1",), ("127.0.0.1",), ("127.0.0.1",)])
    farm.names.addresses_of["rebind.net"] = lambda: next(answers)

    def close_each(exchange):
        exchange.respond(article(), length=None)

    server = LocalServer("127.80.0.200", farm.port, close_each)
    with open_crawler(crawl_settings(farm), resolver=farm.names, contexts=trust) as crawler:
        first = crawler.look_at(farm.url("rebind.net")).fetch
        second = crawler.look_at(farm.url("rebind.net")).fetch
    server.close()
    assert first.ok
    assert (second.error, second.flags) == ("address_refused", ("refused_address",))
    assert farm.forbidden.connections == 0


def test_other_addresses_are_tried_when_one_does_not_answer_but_not_many(farm, crawler):
    farm.add("second.net", lambda exchange: exchange.respond(article()))
    working = farm.names.addresses_of["second.net"][0]
    farm.names.addresses_of["second.net"] = ("127.80.250.1", "127.80.250.2", working)
    assert crawler.look_at(farm.url("second.net")).fetch.address == working
    farm.names.addresses_of["second.net"] = (*(f"127.80.250.{number}" for number in range(1, 5)), working)
    assert crawler.look_at(farm.url("second.net")).fetch.error == "connect_refused"


# --- settings that open the guard ------------------------------------------------------------------------------------


def test_openings_let_in_what_they_list_and_nothing_else(farm, trust):
    farm.add("open.net", lambda exchange: exchange.respond(article()))
    address = farm.names.addresses_of["open.net"][0]
    farm.names.addresses_of["closed.net"] = ("127.0.0.1",)
    settings = crawl_settings(farm, ALLOW_NETWORKS=f"[{address}/32]")
    with open_crawler(settings, resolver=farm.names, contexts=trust) as crawler:
        assert crawler.look_at(farm.url("open.net")).fetch.ok
        assert crawler.look_at(farm.url("closed.net")).fetch.error == "address_refused"
        assert crawler.look_at(f"http://open.net:{farm.port + 1}/").fetch.error == "url_port"
        assert any(address in opening for opening in crawler.openings)
    assert farm.forbidden.connections == 0


def test_a_hosts_file_names_sites_of_a_test_farm(tmp_path, trust):
    farm = Farm()
    farm.add("www.shop.test", lambda exchange: exchange.respond(article()))
    hosts = tmp_path / "hosts"
    hosts.write_text(f"# a farm\n{farm.names.addresses_of['www.shop.test'][0]} www.shop.test SHOP.test # both\n\n")
    with open_crawler(crawl_settings(farm, HOSTS=hosts), contexts=trust) as crawler:
        assert crawler.look_at(farm.url("shop.test")).fetch.ok
        assert crawler.look_at(farm.url("other.test")).fetch.error == "name_reserved"
        assert any("hosts" in opening for opening in crawler.openings)
    farm.close()
    assert HostsFile.read(hosts).names["shop.test"] == HostsFile.read(hosts).names["www.shop.test"]


def test_a_bad_hosts_file_is_named_with_its_line(tmp_path):
    hosts = tmp_path / "hosts"
    hosts.write_text("127.80.0.1 a.test\nnot-an-address b.test\n")
    with pytest.raises(SettingsError, match=r"hosts:2.*not-an-address"):
        HostsFile.read(hosts)
    with pytest.raises(SettingsError, match="cannot be read"):
        HostsFile.read(tmp_path / "missing")


def test_denied_networks_win(farm, trust):
    farm.add("denied.net", lambda exchange: exchange.respond(article()))
    with open_crawler(
        crawl_settings(farm, DENY_NETWORKS="[127.80.0.0/24]"), resolver=farm.names, contexts=trust
    ) as crawler:
        assert crawler.look_at(farm.url("denied.net")).fetch.error == "address_refused"


def test_without_openings_nothing_is_said_and_loopback_is_refused(farm):
    settings = load_settings(None, {}).settings.crawl
    with open_crawler(settings, resolver=farm.names) as crawler:
        assert crawler.openings == ()
        farm.names.addresses_of["plain.net"] = ("127.80.0.1",)
        assert crawler.look_at("http://plain.net/").fetch.error == "address_refused"


def test_hosts_that_are_never_fetched_are_not_even_by_redirect(farm, trust):
    farm.add("click.net", lambda exchange: exchange.respond(article()))
    farm.add("cloak.net", lambda exchange: exchange.redirect(farm.url("click.net", "/?id=7")))
    settings = crawl_settings(farm)
    with open_crawler(
        settings, resolver=farm.names, contexts=trust, never_fetch=lambda host: host == "click.net"
    ) as crawler:
        got = crawler.look_at(farm.url("cloak.net")).fetch
    assert got.error == "never_fetch"
    assert got.hops[-1].location == farm.url("click.net", "/?id=7")
    assert farm.servers["click.net"].connections == 0
