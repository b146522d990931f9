"""Settings of the crawl of applicants' sites: what it may reach, how much it spends, what it keeps."""

from __future__ import annotations

from pydantic import IPvAnyNetwork, field_validator

from screening.settings.section import Section, setting

_MIB = 1024 * 1024


class FetchSettings(Section):
    """Budgets of one fetch, redirects included."""

    connect_seconds: float = setting("longest wait for one connection attempt", unit="s", ge=0.05, le=60)
    silence_seconds: float = setting(
        "longest silence of a server before and inside its answer", unit="s", ge=0.05, le=60
    )
    total_seconds: float = setting(
        "longest fetch by the clock on the wall, whatever the server does", unit="s", ge=0.1, le=120
    )
    lookup_seconds: float = setting("longest wait for a name to be resolved", unit="s", ge=0.05, le=30)
    page_bytes: int = setting("most bytes of a page, decoded; the rest is cut", unit="bytes", ge=1024, le=64 * _MIB)
    redirects: int = setting("most redirects that one fetch follows", unit="hops", ge=0, le=20)
    encodings: int = setting("most content encodings laid over each other", unit="layers", ge=1, le=5)
    answers: int = setting(
        "most addresses that a name may have; a name with more is refused", unit="addresses", ge=1, le=4096
    )
    attempts: int = setting("most addresses of a name that are tried", unit="addresses", ge=1, le=16)


class SiteSettings(Section):
    """Budgets and manners of the crawl of one site."""

    seconds: float = setting("most time spent on a site", unit="s", ge=1, le=3600)
    pages: int = setting("most pages fetched from a site", unit="pages", ge=1, le=500)
    total_bytes: int = setting("most decoded bytes kept from a site", unit="bytes", ge=1024, le=256 * _MIB)
    hosts: int = setting("most host names of a site that are visited", unit="hosts", ge=1, le=50)
    depth: int = setting("most links between the home page and a page", unit="links", ge=0, le=20)
    random_pages: int = setting(
        "pages of no special kind that are drawn at random, the same ones every time", unit="pages", ge=0, le=100
    )
    delay_seconds: float = setting("pause between two fetches from a site", unit="s", ge=0, le=60)
    delay_seconds_max: float = setting(
        "longest Crawl-delay obeyed; above it only the home page is fetched", unit="s", ge=0, le=600
    )
    compare_views: bool = setting(
        "fetch the declared page also with a browser's user agent, a referrer and cookies, to find cloaking; the "
        "programme's terms must tell applicants so",
        unit="switch",
    )


class TrapSettings(Section):
    """What makes a link look like a trap for crawlers."""

    url_length: int = setting("longest URL that is followed", unit="characters", ge=32, le=2048)
    path_segments: int = setting("most path segments of a followed URL", unit="segments", ge=1, le=64)
    segment_repeats: int = setting("times that a path segment may occur in a URL", unit="times", ge=1, le=16)
    query_parameters: int = setting("most query parameters of a followed URL", unit="parameters", ge=0, le=64)
    pages_per_shape: int = setting(
        "most pages whose URLs differ in numbers, dates and hexadecimal ids only", unit="pages", ge=1, le=100
    )
    near_copies: int = setting("successive near copies of a page that end the crawl", unit="pages", ge=1, le=100)
    hard_pages: int = setting("pages that stop the fast parser and then end the crawl", unit="pages", ge=1, le=100)
    sitemap_urls: int = setting("most URLs read from a site's sitemaps", unit="URLs", ge=0, le=50_000)
    sitemap_levels: int = setting("most levels of sitemap indexes", unit="levels", ge=1, le=5)
    sitemaps: int = setting("most sitemap files fetched from a site", unit="files", ge=0, le=50)


class RobotsSettings(Section):
    """How much of a robots.txt is read."""

    read_bytes: int = setting(
        "bytes of robots.txt that are read (RFC 9309: at least 500 KiB)", unit="bytes", ge=512_000, le=8 * _MIB
    )
    cpu_seconds: float = setting(
        "most processor time for a site's robots.txt; above it the site counts as unreachable", unit="s", ge=0.05, le=60
    )


class ParseSettings(Section):
    """Bounds of the processes that parse pages."""

    processes: int = setting("processes that parse", unit="processes", ge=1, le=64)
    cpu_seconds: int = setting("most processor time for one page in one parser", unit="s", ge=1, le=60)
    wall_seconds: float = setting("longest wait for one page in one parser", unit="s", ge=1, le=300)
    memory_bytes: int = setting("address space of a parsing process", unit="bytes", ge=256 * _MIB, le=16 * 1024 * _MIB)
    links: int = setting("most links kept from a page", unit="links", ge=1, le=100_000)
    text_characters: int = setting("most characters kept of a page's text", unit="characters", ge=1000, le=64 * _MIB)
    script_characters: int = setting(
        "most characters kept of all inline scripts of a page", unit="characters", ge=1000, le=64 * _MIB
    )
    jsonld_characters: int = setting(
        "most characters of a JSON-LD block that is read", unit="characters", ge=1000, le=8 * _MIB
    )
    jsonld_depth: int = setting("deepest JSON-LD that is read", unit="levels", ge=2, le=200)


class EvidenceSettings(Section):
    """What is kept of a crawl."""

    application_bytes: int = setting(
        "most bytes of page bodies archived for an application; later bodies are cut",
        unit="bytes",
        ge=1024,
        le=4096 * _MIB,
    )


class BrowserSettings(Section):
    """The optional pass with a real browser (extra `browser`), for escalated cases."""

    escalated: bool = setting(
        "watch the first site of each application that goes to a person, and keep a picture of it", unit="switch"
    )
    pages_max: int = setting("most pages watched in one screening", unit="pages", ge=1, le=10_000)
    program: str = setting("path of Chromium", unit="text")
    seconds: float = setting("how long a page is watched", unit="s", ge=1, le=120)
    requests: int = setting(
        "most requests that a page may make before the rest is refused", unit="requests", ge=1, le=10_000
    )
    total_bytes: int = setting("most bytes that a page may load", unit="bytes", ge=1024, le=1024 * _MIB)


class CrawlSettings(Section):
    """What the crawler may reach and how much it spends."""

    hosts: str = setting("hosts file consulted before DNS (lines of `address name...`); empty: none", unit="text")
    allow_networks: tuple[IPvAnyNetwork, ...] = setting(
        "networks allowed although the guard refuses them (intranets, test farms); every run says so", unit="networks"
    )
    deny_networks: tuple[IPvAnyNetwork, ...] = setting(
        "networks refused beside the special ones, such as your own public addresses", unit="networks"
    )
    allow_ports: tuple[int, ...] = setting(
        "ports allowed beside 80, 443, 8080 and 8443 (intranets, test farms); every run says so", unit="ports"
    )
    user_agent: str = setting(
        "how the crawler names itself; should hold a page or address to complain to",
        unit="text",
        pattern=r"^[ -~]{3,}$",
    )
    browser_agent: str = setting(
        "user agent of a common browser, for the cloaking comparison only", unit="text", pattern=r"^[ -~]{3,}$"
    )
    threads: int = setting("sites crawled at the same time", unit="threads", ge=1, le=1024)
    per_address: int = setting("most fetches from one address at the same time", unit="fetches", ge=1, le=64)
    application_sites: int = setting("most sites crawled for one application", unit="sites", ge=1, le=50)
    application_seconds: float = setting("most time spent on one application", unit="s", ge=1, le=7200)
    fetch: FetchSettings
    site: SiteSettings
    traps: TrapSettings
    robots: RobotsSettings
    parse: ParseSettings
    evidence: EvidenceSettings
    browser: BrowserSettings

    @field_validator("allow_ports")
    @classmethod
    def _ports_exist(cls, ports: tuple[int, ...]) -> tuple[int, ...]:
        if not all(1 <= port <= 65535 for port in ports):
            raise ValueError("a port is a number from 1 to 65535")
        return ports
