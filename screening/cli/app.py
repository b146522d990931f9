"""All commands of winnow as one Typer app."""

from __future__ import annotations

from screening.cli.tree import tree

app = tree()
