"""The codes in which a crawl says what went wrong, what to know, and why it ended.

A failure tells about the site or about us; none of them is good or bad news about an applicant by itself.
"""

from __future__ import annotations

from enum import StrEnum


class Failure(StrEnum):
    """Why a fetch has no good answer (`Fetch.error`) or a declared URL cannot be crawled (`Unusable.code`)."""

    URL_INVALID = "url_invalid"
    """No browser would read it as a URL, or it is too long or has characters that no host name has."""
    URL_SCHEME = "url_scheme"
    """Neither http nor https."""
    URL_USERINFO = "url_userinfo"
    """Carries a user name or password: a way to disguise the host."""
    URL_PORT = "url_port"
    """A port other than 80, 443, 8080 and 8443 that crawl.allow_ports does not list."""
    NAME_RESERVED = "name_reserved"
    """A single label, or a suffix for private use such as .local or .internal."""
    ADDRESS_REFUSED = "address_refused"
    """The name has an address that is not public, or is one."""
    SSRF_REDIRECT = "ssrf_redirect"
    """A redirect leads to a name, port or address that is refused."""
    REDIRECT_REJECTED = "redirect_rejected"
    """A redirect leads to something that is no http(s) URL, or to two places at once."""
    REDIRECT_LIMIT = "redirect_limit"
    """More redirects than allowed, or a loop."""
    DNS_NOT_FOUND = "dns_not_found"
    """The name does not exist, or has no address."""
    DNS_FAILED = "dns_failed"
    """The name's servers answer wrongly: failures, a loop of aliases, too many addresses."""
    DNS_TIMEOUT = "dns_timeout"
    """No answer about the name in time."""
    DNS_UNAVAILABLE = "dns_unavailable"
    """This machine has no name server: our failure, not the site's."""
    CONNECT_REFUSED = "connect_refused"
    CONNECT_TIMEOUT = "connect_timeout"
    CONNECT_FAILED = "connect_failed"
    """No connection for another reason, such as no route."""
    CONNECTION_RESET = "connection_reset"
    """The server ended the connection before its answer."""
    SILENCE = "silence"
    """Connected, then nothing was sent for too long."""
    DEADLINE = "deadline"
    """The whole fetch took too long, whatever it sent meanwhile."""
    NOT_HTTP = "not_http"
    """What came back is not HTTP."""
    HEADERS_TOO_LARGE = "headers_too_large"
    """More than 100 header lines, 20 interim answers, or a line above 64 KiB."""
    CONTENT_ENCODING = "content_encoding"
    """Encoded too many times over, or in an unknown way."""
    TLS_EXPIRED = "tls_expired"
    TLS_SELF_SIGNED = "tls_self_signed"
    TLS_WRONG_HOST = "tls_wrong_host"
    TLS_UNTRUSTED = "tls_untrusted"
    """Signed by an authority that is not trusted, or too weakly."""
    TLS_PROTOCOL = "tls_protocol"
    """No protocol version or cipher in common."""
    TLS_CLIENT_CERTIFICATE = "tls_client_certificate"
    """The server asks visitors for a certificate."""
    TLS_FAILED = "tls_failed"
    ROBOTS = "robots_disallowed"
    """robots.txt forbids it; nothing was fetched."""
    BUDGET = "budget"
    """No budget was left; nothing was fetched."""
    NEVER_FETCH = "never_fetch"
    """On the list of hosts that are never fetched, such as click hosts of affiliate networks; nothing was fetched."""
    ADDRESS_BUSY = "address_busy"
    """Other crawls kept the address busy for too long; nothing was fetched: our failure, not the site's."""


class FetchFlag(StrEnum):
    """What to know about a fetch (`Fetch.flags`)."""

    TRUNCATED = "truncated"
    """The body is not all that the server meant to send."""
    SIZE_CAP = "size_cap"
    """The body was cut at crawl.fetch.page_bytes."""
    SIZE_DECLARED = "size_declared"
    """Content-Length announces more than crawl.fetch.page_bytes."""
    LENGTH_WRONG = "length_wrong"
    """Content-Length and body differ."""
    RESET = "reset"
    """The server ended the connection inside the body."""
    FRAMING_WRONG = "framing_wrong"
    """The head says in two ways where the body ends, or in one that is against RFC 9112; two readers may see two
    bodies."""
    ENCODING_WRONG = "encoding_wrong"
    """The body is not encoded as its header says; kept as received."""
    HTTPS_DOWNGRADE = "https_downgrade"
    """A redirect led from https to http."""
    OFFSITE_REDIRECT = "offsite_redirect"
    """A redirect to another site was recorded and not followed."""
    UNVERIFIED = "unverified"
    """Fetched without verifying the certificate, only to record what visitors see."""
    NOT_HTML = "not_html"
    """The first bytes are not those of HTML, whatever the header says."""
    TYPE_SNIFFED = "type_sniffed"
    """No or a wrong Content-Type; judged HTML by its first bytes."""
    RETRIED = "retried"
    """The server closed a kept connection; asked once more on a new one."""
    REFUSED_ADDRESS = "refused_address"
    REFUSED_NAME = "refused_name"
    REFUSED_PORT = "refused_port"


class PageFlag(StrEnum):
    """What to know about a page or the reading of it (`Page.flags`, `PageFacts.flags`)."""

    UNPARSEABLE = "unparseable_html"
    """Both parsers were stopped by their limits or failed."""
    PARSER_UNAVAILABLE = "parser_unavailable"
    """No parsing process could be started: our failure, not the page's."""
    FALLBACK = "fallback_parser"
    """The first parser was stopped; the second one read the page."""
    TAG_STRIPPED = "tag_stripped"
    """A tag above 64 KiB or 2,000 attributes lost its attributes."""
    OPTIONS_DROPPED = "options_dropped"
    """More than 5,000 options; all were dropped."""
    LINKS_CUT = "links_cut"
    TEXT_CUT = "text_cut"
    SCRIPTS_CUT = "scripts_cut"
    RESOURCES_CUT = "resources_cut"
    JSONLD_INVALID = "jsonld_invalid"
    """A JSON-LD block was too large, too deep or no JSON."""
    NEAR_COPY = "near_copy"
    """Differs from an earlier page of the site in at most three bits of its simhash."""
    SOFT_404 = "soft_404"
    """Like the answer to a path that cannot exist."""


class Stop(StrEnum):
    """Why the crawl of a site ended (`SiteCrawl.stops`)."""

    EXHAUSTED = "exhausted"
    PAGES = "page_budget"
    SECONDS = "time_budget"
    APPLICATION = "application_budget"
    BYTES = "byte_budget"
    NEAR_COPIES = "near_copies"
    HARD_PAGES = "hard_pages"
    """Several of its pages stopped the fast parser: more would only take time from others."""
    ROBOTS_UNREACHABLE = "robots_unreachable"
    ROBOTS_DISALLOWED = "robots_disallowed"
    CRAWL_DELAY = "crawl_delay"
    """Its Crawl-delay is above what we wait; only the home page was fetched."""
    HOME_FAILED = "home_failed"
    """The first page could not be had."""
    INTERRUPTED = "interrupted"
    """winnow was told to stop; the crawl is not complete and is not journalled."""


class SiteFlag(StrEnum):
    """What to know about a site's crawl (`SiteCrawl.flags`, `ApplicationCrawl.flags`)."""

    GUARD_OPENED = "guard_opened"
    """Settings allow addresses, ports or names that are refused otherwise."""
    SOFT_404 = "soft_404"
    """Paths that cannot exist are answered with a page."""
    SITE_MOVED = "site_moved"
    """The home page redirects to another site, which was crawled instead."""
    OFFSITE_HOME = "offsite_home"
    """The home page redirects to another site, which was not crawled."""
    HOSTS_CUT = "hosts_cut"
    """Links to more host names of the site than are visited."""
    TRAP_LINKS = "trap_links"
    """Links that look like a trap for crawlers were left out."""
    SHAPE_CUT = "shape_cut"
    """Many URLs of the same shape; only the first few were visited."""
    SITEMAP_CUT = "sitemap_cut"
    SITEMAP_INVALID = "sitemap_invalid"
    PARTIAL = "partial"
    """A budget ended the crawl before its pages were seen."""
    VARIES_BY_AGENT = "varies_by_agent"
    VARIES_BY_REFERRER = "varies_by_referrer"
    VARIES_BY_COOKIE = "varies_by_cookie"
    """The declared page differs for this kind of visitor, beyond what it differs between two equal visits."""
    SITES_CUT = "sites_cut"
    """More sites declared than are crawled for one application."""
    EVIDENCE_CUT = "evidence_cut"
    """Later bodies were not archived."""


class RobotsFlag(StrEnum):
    """What to know about a robots.txt (`Robots.flags`)."""

    CUT = "robots_cut"
    TOO_COSTLY = "robots_too_costly"
    DELAY_CAPPED = "crawl_delay_capped"
    OFFSITE = "robots_offsite"
    """It came from another host by redirect."""


class FetchFailedError(Exception):
    """A fetch cannot go on; `code` says why, `flag` which check refused, `detail` names what was refused."""

    def __init__(self, code: Failure, flag: FetchFlag | None = None, detail: str = "") -> None:
        super().__init__(code.value, detail)
        self.code = code
        self.flag = flag
        self.detail = detail


class RefusedError(FetchFailedError):
    """The guard refuses to go there."""
