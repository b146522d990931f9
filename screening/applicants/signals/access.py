"""Whether a site could be seen at all, and if not, why. None of this is bad news about an applicant: a person looks."""

from __future__ import annotations

from collections.abc import Iterable

from screening.applicants.codes import Failure, FetchFlag, PageFlag, SiteFlag, Stop
from screening.applicants.identity import registered_domain
from screening.applicants.records import Page, PageFacts, SiteCrawl, Unusable
from screening.applicants.signals.finding import Exhibit, Finding, State, absent, unknown
from screening.settings.screening import SignalSettings

REFUSED = frozenset({Failure.ADDRESS_REFUSED, Failure.SSRF_REDIRECT, Failure.NAME_RESERVED, Failure.URL_PORT})
"""Failures that say where the site leads: to places the guard never goes."""
SLOW = frozenset({Failure.DEADLINE, Failure.SILENCE, Failure.CONNECT_TIMEOUT, Failure.BUDGET})
BLOCKED_STATUSES = frozenset({401, 403, 405, 406, 409, 418, 429, 451, 503})
"""Answers by which sites and their shields turn a crawler away (RFC 9110, RFC 6585, RFC 7725)."""
IN_WORDS = {
    Failure.DNS_NOT_FOUND: "the name does not exist",
    Failure.DNS_FAILED: "the servers of the name do not answer rightly",
    Failure.DNS_TIMEOUT: "the servers of the name do not answer in time",
    Failure.DNS_UNAVAILABLE: "this machine has no name server",
    Failure.CONNECT_REFUSED: "the server refuses connections",
    Failure.CONNECT_TIMEOUT: "the server does not accept connections in time",
    Failure.CONNECT_FAILED: "there is no connection to the server",
    Failure.CONNECTION_RESET: "the server ends the connection without an answer",
    Failure.SILENCE: "the server accepts the connection and says nothing",
    Failure.DEADLINE: "the answer is not complete in time",
    Failure.NOT_HTTP: "the server does not speak HTTP",
    Failure.REDIRECT_LIMIT: "it redirects in a circle or too often",
    Failure.ADDRESS_REFUSED: "its name leads to a private or reserved address",
    Failure.SSRF_REDIRECT: "it redirects to a private or reserved address",
    Failure.NAME_RESERVED: "its name is reserved for private use",
    Failure.URL_PORT: "its port is none that web sites use",
    Failure.NEVER_FETCH: "it is a click address of an affiliate network",
    Failure.ROBOTS: "its robots.txt forbids it",
    Failure.HEADERS_TOO_LARGE: "the head of its answer has no end",
    Failure.CONTENT_ENCODING: "its answer is compressed too many times over",
    Failure.TLS_EXPIRED: "its certificate has expired",
    Failure.TLS_SELF_SIGNED: "it vouches for its own certificate",
    Failure.TLS_WRONG_HOST: "its certificate is for another name",
    Failure.TLS_UNTRUSTED: "nobody trusted vouches for its certificate",
    Failure.TLS_PROTOCOL: "it offers no encryption that is still safe",
    Failure.TLS_CLIENT_CERTIFICATE: "it asks visitors for a certificate",
    Failure.TLS_FAILED: "an encrypted connection to it fails",
    Failure.ADDRESS_BUSY: "too many sites at the same address were being crawled",
}
"""Failures as an analyst says them; any other is said by its code."""
CUT_IN_WORDS = {
    FetchFlag.RESET: "the server ends the connection inside it",
    FetchFlag.LENGTH_WRONG: "it is not as long as the server announces",
    FetchFlag.FRAMING_WRONG: "the server says in two ways where it ends",
    FetchFlag.SIZE_CAP: "it is longer than is read",
    FetchFlag.TRUNCATED: "it does not come whole",
    PageFlag.RESOURCES_CUT: "it loads more than is looked at",
    PageFlag.SCRIPTS_CUT: "it has longer scripts than are read",
    PageFlag.TAG_STRIPPED: "it has a tag with more attributes than are read",
    PageFlag.LINKS_CUT: "it has more links than are looked at",
    PageFlag.TEXT_CUT: "it has more text than is read",
}
"""Why a page was seen in part only, the plainest reason first. What came counts; what did not come is not known."""
ACCESS_CODES = (
    "site_unreachable",
    "site_robots",
    "site_refused",
    "site_error",
    "site_blocks",
    "site_unparseable",
    "site_slow",
)


def readable(crawl: SiteCrawl) -> tuple[tuple[Page, PageFacts], ...]:
    """Return the site's own pages that came well enough to be looked at, each with its facts; see `seen_in_part`."""
    return tuple((page, page.facts) for page in crawl.pages if page.facts is not None and _answered(page))


_ABOUT_THE_SITE = frozenset({"about", "contact", "privacy", "terms", "disclosure"})
"""Pages that are open where everything else needs a login."""
LACKING = frozenset(
    {
        "no_content",
        "scant_content",
        "thin_content",
        "link_page",
        "contact_missing",
        "privacy_missing",
        "about_missing",
        "disclosure_required",
        "disclosure_missing",
        "disclosure_apart",
        "ownership_unverified",
    }
)
"""Codes that are found where something is not there: nobody can say so of a page that is not all there."""


def access(crawl: SiteCrawl, settings: SignalSettings) -> tuple[Finding, ...]:
    """Say why a site could not be seen, or that it was seen only in part; absent codes when all went well."""
    pages = readable(crawl)
    if not pages:
        return _unseen(crawl)
    findings = [absent(code, crawl.site) for code in ACCESS_CODES]
    if cut := seen_in_part(crawl):
        page, why = cut[0]
        findings.append(_found("site_partial", crawl, f"of {len(cut)} fetched pages a part is missing: {why}", page))
    elif SiteFlag.PARTIAL in crawl.flags and len(pages) < settings.pages_enough:
        findings.append(_found("site_partial", crawl, f"{len(pages)} pages were read before {', '.join(crawl.stops)}"))
    if (door := behind_login(crawl, settings)) is not None:
        findings.append(
            _found("site_login", crawl, f"{door[1].words} words and a form that asks for a password", door[0])
        )
    if _needs_script(pages, settings):
        page, facts = pages[0]
        findings.append(_found("site_needs_script", crawl, f"{facts.words} words without running scripts", page))
    if not cut and Stop.CRAWL_DELAY in crawl.stops and len(pages) < settings.pages_enough:
        findings.append(_found("site_partial", crawl, "its robots.txt asks for a delay that allows the home page only"))
    return tuple(findings)


def seen_in_part(crawl: SiteCrawl) -> tuple[tuple[Page, str], ...]:
    """Return the pages, other visitors' views included, of which a part is missing, each with why."""
    pages = [*crawl.pages, *(view.page for view in crawl.views)]
    return tuple((page, why) for page in pages if _answered(page) and (why := _cut(page)) is not None)


def behind_login(crawl: SiteCrawl, settings: SignalSettings) -> tuple[Page, PageFacts] | None:
    """Return the first page when it is only the way in: few words and a password, and so is all else that is shown."""
    pages = readable(crawl)
    if not pages or not _is_door(pages[0][1], settings):
        return None
    rest = (facts for page, facts in pages[1:] if page.role not in _ABOUT_THE_SITE)
    return (
        pages[0] if all(_is_door(one, settings) or one.words < settings.words_of_empty_page for one in rest) else None
    )


def as_far_as_seen(crawl: SiteCrawl, findings: Iterable[Finding], settings: SignalSettings) -> tuple[Finding, ...]:
    """Return findings about a site's pages; what these lack is unknown when a part is missing, or all but the door."""
    if seen_in_part(crawl):
        why = "a part of a page is missing"
    elif behind_login(crawl, settings) is not None:
        why = "the site is behind a login"
    else:
        return tuple(findings)
    return tuple(
        unknown(finding.code, crawl.site, why) if finding.state is State.ABSENT or finding.code in LACKING else finding
        for finding in findings
    )


def in_words(code: str) -> str:
    """Say a failure in words."""
    return next((words for failure, words in IN_WORDS.items() if failure == code), code.replace("_", " "))


def unusable_site(unusable: Unusable) -> Finding:
    """Say that a declared address cannot be crawled."""
    code = "site_refused" if unusable.code in REFUSED else "website_unusable"
    return Finding(
        code, State.FOUND, unusable.url, (Exhibit(unusable.url, unusable.code),), {"why": in_words(unusable.code)}
    )


def _unseen(crawl: SiteCrawl) -> tuple[Finding, ...]:
    home = crawl.home
    if crawl.moved_to is None or home is None or home.fetch.error is not None:
        return (_not_read(crawl),)
    if registered_domain(crawl.moved_to) is None:
        return (_found("site_refused", crawl, f"it redirects to {crawl.moved_to}, which is no public name", home),)
    return ()  # it was seen to lead elsewhere, which is a finding of its own


def _not_read(crawl: SiteCrawl) -> Finding:
    if Stop.ROBOTS_DISALLOWED in crawl.stops:
        return _found("site_robots", crawl, "robots.txt forbids crawling")
    page = crawl.home
    if page is None and Stop.ROBOTS_UNREACHABLE in crawl.stops:
        return _without_robots(crawl)
    if page is None:
        return _found("site_unreachable", crawl, ", ".join(crawl.stops) or "nothing was fetched")
    if PageFlag.UNPARSEABLE in page.flags or PageFlag.PARSER_UNAVAILABLE in page.flags:
        return _found("site_unparseable", crawl, ", ".join(page.flags), page)
    if page.fetch.error is not None:
        return _failed(crawl, page, page.fetch.error)
    if page.fetch.ok:
        return _found("site_unparseable", crawl, "the answer is not a page of HTML", page)
    code = "site_blocks" if page.fetch.status in BLOCKED_STATUSES else "site_error"
    return _found(code, crawl, f"status {page.fetch.status}", page)


def _without_robots(crawl: SiteCrawl) -> Finding:
    """Say why robots.txt, which is asked for first, was not had: mostly because nothing of the site can be."""
    page = next((page for page in crawl.others if page.role == "robots"), None)
    if page is None or (page.fetch.error is None and page.fetch.ok):
        return _found("site_robots", crawl, "robots.txt takes too long to read", page)
    if page.fetch.error is not None:
        return _failed(crawl, page, page.fetch.error)
    return _found(
        "site_error", crawl, f"status {page.fetch.status} for robots.txt, so nothing else was asked for", page
    )


def _failed(crawl: SiteCrawl, page: Page, error: str) -> Finding:
    if error == Failure.ROBOTS:
        return _found("site_robots", crawl, "robots.txt forbids the declared page", page)
    if error in REFUSED:
        return _found("site_refused", crawl, in_words(error), page)
    if error in SLOW:
        return _found("site_slow", crawl, f"{in_words(error)} ({page.fetch.elapsed_seconds:.0f} s)", page)
    return _found("site_unreachable", crawl, in_words(error), page)


def _found(code: str, crawl: SiteCrawl, why: str, page: Page | None = None) -> Finding:
    url = page.fetch.final_url if page is not None else (crawl.declared[0] if crawl.declared else crawl.site)
    record = page.fetch.record_id if page is not None else None
    return Finding(code, State.FOUND, crawl.site, (Exhibit(url, why, record),), {"why": why})


def _answered(page: Page) -> bool:
    """A good answer: one that was cut by a deadline, or came with a bad certificate, is evidence but no page."""
    status = page.fetch.status
    return page.fetch.error is None and status is not None and 200 <= status < 300


def _cut(page: Page) -> str | None:
    flags = {*page.fetch.flags, *page.flags, *(page.facts.flags if page.facts is not None else ())}
    return next((words for flag, words in CUT_IN_WORDS.items() if flag in flags), None)


def _is_door(facts: PageFacts, settings: SignalSettings) -> bool:
    asks = any(kind == "password" for form in facts.forms for _, kind in form.fields)
    return asks and facts.words < settings.words_of_scant_site


def _needs_script(pages: tuple[tuple[Page, PageFacts], ...], settings: SignalSettings) -> bool:
    if any(facts.words >= settings.words_of_empty_page for _, facts in pages):
        return False
    return any(
        resource.tag == "script" and resource.attribute == "src" for _, facts in pages for resource in facts.resources
    )
