"""`winnow serve`: the console and the HTTP API."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from screening.cli.invocation import Answer, JsonOption, WorkspaceOption, run
from screening.guard import check_owners
from screening.jobs.progress import Progress
from screening.workspace import Workspace

_STOPPING_SECONDS = 20
"""How long requests that are being answered may take after Ctrl-C."""


def register(app: typer.Typer) -> None:
    """Add the verb to the command tree."""
    app.command("serve")(serve)


def serve(
    host: Annotated[
        str | None, typer.Option("--host", help="Address to listen at.", show_default="console.host: 127.0.0.1")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(
            "--port", help="Port to listen at; 0: any that is free.", show_default="console.port", min=0, max=65535
        ),
    ] = None,
    workspace: WorkspaceOption = None,
    as_json: JsonOption = False,
) -> None:
    """Serve the console and the HTTP API until Ctrl-C. Only this machine reaches it unless --host says otherwise.

    Nobody can sign in before the first person is added: `winnow users add NAME --role admin`.

    Example: winnow serve --port 8470
    """

    def work(opened: Workspace, _: Progress) -> Answer:
        url = serve_until_stopped(opened, host, port)
        return Answer({"stopped": True, "url": url}, ["Stopped."])

    run(work, workspace=workspace, as_json=as_json)


def serve_until_stopped(opened: Workspace, host: str | None, port: int | None) -> str:
    """Serve until somebody stops it; return the address it had. None: as the settings say."""
    import uvicorn

    from screening.console.app import build_app
    from screening.jobs.serve import bind, count_people, place_of

    check_owners()
    settings = opened.settings.console
    people = count_people(opened)
    listening, place = bind(place_of(settings, host, port))
    for line in _announcement(place.url, people=people, exposed=place.exposed):
        typer.echo(line, err=True)
    app = build_app(opened, lambda: datetime.now(UTC))
    config = uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=bool(settings.trusted_proxies),
        forwarded_allow_ips=list(settings.trusted_proxies),
        timeout_graceful_shutdown=_STOPPING_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[listening])
    return place.url


def _announcement(url: str, *, people: int, exposed: bool) -> list[str]:
    lines = [f"The console is at {url} . Ctrl-C stops it."]
    if not people:
        lines.append("Nobody can sign in yet: add the first person with `winnow users add NAME --role admin`.")
    if exposed:
        lines.append(
            "WARNING: other machines reach this server WITHOUT ENCRYPTION: passwords and partners' data can be read on "
            "the way. Put a proxy with TLS before it and set console.public_url to its https:// address."
        )
    return lines
