"""Forms from elsewhere are refused: by where the browser says they come from, and by a token only our pages hold.

The token is an HMAC of the session's own token (or of the visitor's, before login), so that it need not be stored,
ends with the session, and tells nothing about it. It is compared in constant time.
"""

from __future__ import annotations

import hashlib
import hmac
from urllib.parse import urlsplit

from fastapi import Request

from screening.console.context import Console, console_of
from screening.console.cookies import Cookie, read_cookie
from screening.console.errors import ForgedFormError

FIELD = "csrf"
"""Name of the hidden field that each form carries."""
HEADER = "X-CSRF-Token"
"""Header that carries it when a script sends the request."""
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_PURPOSE = b"winnow form"


def token_for(secret: str) -> str:
    """Return the form token that belongs to a session's or visitor's token."""
    return hmac.new(secret.encode(), _PURPOSE, hashlib.sha256).hexdigest()


def secret_of(request: Request) -> str | None:
    """Return the token to which this browser's forms are bound: of its session or, before login, its visit."""
    return read_cookie(request, Cookie.SESSION) or read_cookie(request, Cookie.VISITOR)


async def refuse_forged_forms(request: Request) -> None:
    """Raise ForgedFormError for a request that changes something and did not come from one of our own pages."""
    if request.method in SAFE_METHODS:
        return
    console = console_of(request)
    _check_origin(request, console)
    secret = secret_of(request)
    sent = request.headers.get(HEADER) or await _field(request)
    if secret is None or not hmac.compare_digest(sent.encode(), token_for(secret).encode()):
        raise ForgedFormError(
            "This form is out of date or did not come from this console.", remedy="Open the page again and repeat."
        )


def _check_origin(request: Request, console: Console) -> None:
    origin = request.headers.get("Origin")
    site = request.headers.get("Sec-Fetch-Site")
    if (origin is not None and not _own(origin, request, console)) or (
        site is not None and site not in {"same-origin", "none"}
    ):
        raise ForgedFormError("This form was sent by another site.", remedy="Open the console itself and repeat.")


def _own(origin: str, request: Request, console: Console) -> bool:
    if console.settings.public_url:
        return origin.casefold() == console.settings.public_url.casefold()
    parts = urlsplit(origin)
    return parts.scheme in {"http", "https"} and parts.netloc.casefold() == request.headers.get("Host", "").casefold()


async def _field(request: Request) -> str:
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().casefold()
    if kind not in {"application/x-www-form-urlencoded", "multipart/form-data"}:
        return ""
    value = (await request.form()).get(FIELD)
    return value if isinstance(value, str) else ""
