"""Progress on a terminal leaves a tidy screen: what comes after it stays readable."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from screening.cli.bar import bar_progress


def drawn(work):
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80, color_system=None)
    try:
        with bar_progress(console) as progress:
            work(progress)
    finally:
        assert not console._live_stack  # nothing goes on drawing over what follows
    return screen.getvalue()


def test_a_step_of_unknown_length_ends_when_the_next_begins():
    def work(progress):
        progress.step("settling", 0, None)
        progress.step("reading", 5, 5)
        progress.step("sorting", 0, None)

    last = drawn(work).split("settling")[-1]
    assert "1/1" in last
    assert "5/5" in last
    assert "?" not in last.replace("\x1b[?25h", "")  # the code that shows the cursor again


def test_the_console_is_free_after_a_failure():
    def work(progress):
        progress.step("reading", 1, 5)
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        drawn(work)
