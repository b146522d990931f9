"""Practice files are made once, recognised, and made again as they were; a folder in doubt is an error."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from features.schema import Kind
from screening.errors import IntegrityError
from screening.simulate import small_spec
from screening.simulate.practice import RECORD, holds_practice, keep_practice

SPEC = replace(small_spec(date(2026, 5, 4)), clicks=4000, conversions=300)
LATER = replace(SPEC, start=SPEC.start + timedelta(days=3))


def contents(practice):
    return [practice.events[kind].read_bytes() for kind in practice.events] + [practice.truth.read_bytes()]


def test_files_are_found_again_even_days_later(tmp_path):
    assert not holds_practice(tmp_path)
    first = keep_practice(tmp_path, SPEC, 2)
    assert holds_practice(tmp_path)
    second = keep_practice(tmp_path, LATER, 2)
    assert (first.made, second.made) == (True, False)
    assert replace(second, made=True) == first
    assert first.last == SPEC.start + timedelta(days=SPEC.days - 1)


def test_damaged_files_are_made_again_as_they_were(tmp_path):
    first = keep_practice(tmp_path, SPEC, 2)
    before = contents(first)
    clicks = first.events[Kind.CLICKS]
    clicks.write_bytes(clicks.read_bytes()[:1000])
    first.truth.unlink()
    again = keep_practice(tmp_path, LATER, 2)
    assert again.made
    assert contents(again) == before


def test_what_was_cut_short_is_begun_again(tmp_path, monkeypatch):
    def cut(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as cutting:
        cutting.setattr("screening.simulate.practice.write_truth", cut)
        with pytest.raises(KeyboardInterrupt):
            keep_practice(tmp_path, SPEC, 2)
    assert not holds_practice(tmp_path)
    assert keep_practice(tmp_path, LATER, 2).start == LATER.start


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"start": "yesterday"}', '{"start": "2026-01-01", "files": 3}'])
def test_a_record_that_cannot_be_read_is_an_error_not_a_fresh_start(tmp_path, text):
    (tmp_path / RECORD).write_text(text)
    with pytest.raises(IntegrityError, match=r"programme\.json"):
        keep_practice(tmp_path, SPEC, 2)


def test_files_that_come_out_otherwise_are_an_error(tmp_path):
    practice = keep_practice(tmp_path, SPEC, 2)
    practice.truth.write_bytes(b"something else")
    with pytest.raises(IntegrityError, match="makes other ones"):
        keep_practice(tmp_path, replace(SPEC, clicks=3000), 2)
