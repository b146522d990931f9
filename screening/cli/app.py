"""The tree of commands. One module per verb; each module's `register` adds its verb."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from screening.cli import (
    appeals,
    backlinks,
    backup,
    caps,
    cases,
    config,
    demo,
    digest,
    doctor,
    drift,
    evaluate,
    export,
    ingest,
    keys,
    letters,
    lists,
    models,
    nightly,
    payout,
    purge,
    quality,
    replay,
    restore,
    scan,
    scorecards,
    screen,
    serve,
    train,
    users,
    watch,
    webhooks,
)

app = typer.Typer(
    name="winnow",
    help="Fraud detection and affiliate screening: judge applicants, traffic, offer caps and payouts.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"winnow {version('winnow')}")
        raise typer.Exit


@app.callback()
def winnow(
    _: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Judge affiliate applicants, traffic, offer caps and payouts."""


for verb in (
    appeals,
    backlinks,
    backup,
    caps,
    cases,
    config,
    demo,
    digest,
    doctor,
    drift,
    evaluate,
    export,
    ingest,
    keys,
    letters,
    lists,
    models,
    nightly,
    payout,
    purge,
    quality,
    replay,
    restore,
    scan,
    scorecards,
    screen,
    serve,
    train,
    users,
    watch,
    webhooks,
):
    verb.register(app)
