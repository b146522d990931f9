"""The console script `winnow`: check that the installed packages are ours, then run the command."""

from __future__ import annotations


def main() -> None:
    """Run the `winnow` command."""
    from screening.cli.app import app

    app()
