"""The tree of commands. One module per verb, named as the verb is; its `register` adds the verb."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Annotated

import typer

VERBS = (
    "appeals",
    "backlinks",
    "backup",
    "caps",
    "cases",
    "config",
    "demo",
    "digest",
    "doctor",
    "drift",
    "evaluate",
    "export",
    "ingest",
    "keys",
    "letters",
    "lists",
    "models",
    "nightly",
    "payout",
    "purge",
    "quality",
    "replay",
    "restore",
    "scan",
    "scorecards",
    "screen",
    "serve",
    "train",
    "users",
    "watch",
    "webhooks",
)


def tree(verbs: Sequence[str] = VERBS) -> typer.Typer:
    """Return the command tree with these verbs; only their modules are imported, which is most of a short command."""
    app = typer.Typer(
        name="winnow",
        help="Fraud detection and affiliate screening: judge applicants, traffic, offer caps and payouts.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    app.callback()(_winnow)
    for verb in verbs:
        import_module(f"screening.cli.{verb}").register(app)
    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"winnow {version('winnow')}")
        raise typer.Exit


def _winnow(
    _: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Judge affiliate applicants, traffic, offer caps and payouts."""
