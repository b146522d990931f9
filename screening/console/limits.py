"""How much a request may send: little from anybody, a file only from somebody who is signed in."""

from __future__ import annotations

from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie

from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from screening.console.context import Console
from screening.console.cookies import Cookie, name_of
from screening.console.sessions import person_of_token

_UPLOAD = "multipart/form-data"
_NOTHING: Message = {"type": "http.request"}


class BodyLimit:
    """Refuses with 413 a body larger than allowed: by its announced length before it is read, and by counting."""

    def __init__(self, app: ASGIApp, *, console: Console) -> None:
        self._app = app
        self._console = console

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request."""
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD", "OPTIONS"}:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        most = await self._most(headers)
        announced = headers.get("content-length", "")
        left = -1 if announced.isdigit() and int(announced) > most else most

        async def receive_counted() -> Message:
            nonlocal left
            message = await receive() if left >= 0 else _NOTHING
            left -= len(message.get("body", b""))
            if left < 0:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"More than {most:,} bytes were sent.")
            return message

        await self._app(scope, receive_counted, send)

    async def _most(self, headers: Headers) -> int:
        settings = self._console.settings
        if not headers.get("content-type", "").casefold().startswith(_UPLOAD):
            return settings.request_bytes_max
        signed_in = await run_in_threadpool(self._is_signed_in, headers.get("cookie", ""))
        return settings.upload_bytes_max if signed_in else settings.request_bytes_max

    def _is_signed_in(self, sent: str) -> bool:
        try:
            token = SimpleCookie(sent).get(name_of(Cookie.SESSION, self._console))
        except CookieError:
            return False
        return token is not None and person_of_token(self._console, token.value) is not None
