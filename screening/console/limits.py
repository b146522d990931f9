"""How much a request may send: little from anybody, a file only from somebody who is signed in."""

from __future__ import annotations

from http import HTTPStatus
from http.cookies import CookieError, SimpleCookie

from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from screening.console.context import Console
from screening.console.cookies import Cookie, name_of
from screening.console.sessions import person_of_token

_UPLOAD = "multipart/form-data"


class BodyLimit:
    """Refuses a request of which the body is larger than allowed, by its announced length and by counting."""

    def __init__(self, app: ASGIApp, *, console: Console) -> None:
        self._app = app
        self._console = console

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request, or refuse it with 413 before its body is read on."""
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD", "OPTIONS"}:
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        most = await self._most(headers)
        announced = headers.get("content-length", "")
        if announced.isdigit() and int(announced) > most:
            await _refusal(most)(scope, receive, send)
            return
        counted = _Counted(receive, send, most)
        try:
            await self._app(scope, counted.receive, counted.send)
        except _TooLargeError:
            if not counted.answered:
                await _refusal(most)(scope, receive, send)

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


class _TooLargeError(Exception):
    """More came than may come."""


class _Counted:
    def __init__(self, receive: Receive, send: Send, most: int) -> None:
        self._receive = receive
        self._send = send
        self._left = most
        self.answered = False

    async def receive(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise _TooLargeError
        return message

    async def send(self, message: Message) -> None:
        self.answered = True
        await self._send(message)


def _refusal(most: int) -> PlainTextResponse:
    text = f"The request is larger than the {most:,} bytes that may be sent here.\n"
    return PlainTextResponse(text, status_code=HTTPStatus.REQUEST_ENTITY_TOO_LARGE, headers={"Connection": "close"})
