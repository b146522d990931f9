"""Links that lead crawlers in circles: session ids, calendars, repeated segments, endless parameters."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from screening.settings.crawl import TrapSettings

_NOT_CONTENT = re.compile(
    r"(?:utm_\w+|[gdf]clid|gbraid|wbraid|msclkid|fbclid|yclid|mc_[ce]id|_ga|_gl|igshid|ref_src|phpsessid|jsessionid"
    r"|aspsessionid\w*|cfid|cftoken|s?id_session|sess(?:ion)?(?:_?id)?|sid|zenid|oscsid|replytocom|share)",
    re.IGNORECASE,
)
"""Query parameters that carry a session or a campaign; the page is the same without them."""
_PATH_SESSION = re.compile(r";(?:jsessionid|sid|phpsessid)=[^/;?#]*", re.IGNORECASE)
_SHAPES = (
    (re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.IGNORECASE), "H"),
    (re.compile(r"(?<![0-9a-z])(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{8,}(?![0-9a-z])", re.IGNORECASE), "H"),
    (re.compile(r"(?<!\d)(?:19|20)\d{2}[-/.]?(?:1[0-2]|0?[1-9])(?:[-/.]?(?:[12]\d|3[01]|0?[1-9]))?(?!\d)"), "D"),
    (re.compile(r"\d+"), "N"),
)
_FILES = re.compile(
    r"\.(?:pdf|jpe?g|png|gif|webp|avif|svg|ico|css|js|mjs|json|xml|rss|atom|zip|gz|rar|7z|tar|exe|dmg|apk|mp[34]|m4[av]|avi"
    r"|mov|webm|woff2?|ttf|eot|docx?|xlsx?|pptx?|csv|txt|ics)$",
    re.IGNORECASE,
)
_ACTIONS = re.compile(
    r"/(?:log-?out|sign-?out|cart|basket|checkout|unsubscribe|wp-login|wp-admin)(?:[/.?]|$)"
    r"|[?&](?:add-to-cart|action|delete|remove|add_to_wishlist)=",
    re.IGNORECASE,
)
_CLOAKED = re.compile(r"/(?:go|goto|out|outbound|recommends?|visit|refer|aff|click|exit|redirect)/", re.IGNORECASE)


def without_session(url: str) -> str:
    """Return the URL without session ids and campaign parameters."""
    parts = urlsplit(url)
    path = _PATH_SESSION.sub("", parts.path)
    if not parts.query:
        return url if path == parts.path else urlunsplit((parts.scheme, parts.netloc, path, "", ""))
    pairs = parse_qsl(parts.query, keep_blank_values=True, max_num_fields=None)
    kept = [(name, value) for name, value in pairs if not _NOT_CONTENT.fullmatch(name)]
    query = parts.query if len(kept) == len(pairs) else urlencode(kept)
    return urlunsplit((parts.scheme, parts.netloc, path, query, ""))


def is_trap(url: str, settings: TrapSettings) -> bool:
    """Say whether the URL looks like a trap: too long, too deep, repeating itself, or with too many parameters."""
    parts = urlsplit(url)
    segments = [segment for segment in parts.path.split("/") if segment]
    return (
        len(url) > settings.url_length
        or len(segments) > settings.path_segments
        or any(segments.count(segment) > settings.segment_repeats for segment in segments)
        or parts.query.count("&") + parts.query.count(";") + bool(parts.query) > settings.query_parameters
    )


def shape_of(url: str) -> str:
    """Return the URL with numbers, dates and hexadecimal ids replaced by letters, parameters in order of name."""
    parts = urlsplit(url)
    query = "&".join(sorted(parts.query.split("&")))
    shape = f"{parts.path}?{query}"
    for pattern, letter in _SHAPES:
        shape = pattern.sub(letter, shape)
    return f"{parts.netloc}{shape}"


def is_worth_visiting(url: str) -> bool:
    """Say whether the URL may be a page: not a file, not an action such as logging out, not a cloaked way out."""
    parts = urlsplit(url)
    where = parts.path + (f"?{parts.query}" if parts.query else "")
    return not (_FILES.search(parts.path) or _ACTIONS.search(where) or _CLOAKED.search(parts.path))
