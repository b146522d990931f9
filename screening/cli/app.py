"""The tree of commands. One module per verb; each module's `register` adds its verb."""

from __future__ import annotations

import typer

from screening.cli import config

app = typer.Typer(
    name="winnow",
    help="Fraud detection and affiliate screening: judge applicants, traffic, offer caps and payouts.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def winnow() -> None:
    """Judge affiliate applicants, traffic, offer caps and payouts."""


for verb in (config,):
    verb.register(app)
