"""What every store promises about runs and what they judged, on SQLite and on PostgreSQL."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from decimal import Decimal

import polars as pl
import pytest
import store_writer as writer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from screening.errors import InputError
from screening.store import CAPS, DECISIONS, SCREENINGS, SOURCES

one_store_for_all_examples = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)

amounts = st.decimals(min_value=0, max_value=Decimal("99999999999999.9999"), places=4)
instants = st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001
words = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)
shares = st.floats(0, 1)
lines = st.lists(
    st.fixed_dictionaries(
        {
            "affiliate_id": words,
            "sub_id": st.none() | words,
            "ts": instants,
            "payout": amounts,
            "score": st.none() | shares,
            "p_value": st.none() | shares,
            "reasons": st.lists(words, min_size=1, max_size=3),
            "missing": st.lists(words, max_size=2),
            "reason_details": st.none() | words,
        }
    ),
    min_size=1,
    max_size=8,
)
recorded = iter(range(10**9))


class TestRuns:
    def test_a_run_comes_back_as_it_was_recorded(self, store):
        run = writer.run_record("r1")
        store.record_run(run)
        assert store.run("r1") == run

    def test_what_a_run_did_not_have_stays_unknown(self, store):
        run = writer.run_record("r1", command="train", period_from=None, period_to=None, lake_version=None)
        store.record_run(run)
        assert store.run("r1") == run

    def test_runs_are_listed_newest_first(self, store):
        for name, command in (("r1", "scan"), ("r2", "screen"), ("r3", "scan")):
            store.record_run(writer.run_record(name, command=command))
        assert [run.run_id for run in store.runs()] == ["r3", "r2", "r1"]
        assert [run.run_id for run in store.runs("scan")] == ["r3", "r1"]

    def test_latest_is_the_newest_complete_scan(self, store):
        for name in ("z", "a"):
            store.record_run(writer.run_record(name))
        store.record_run(writer.run_record("f", status="failed"))
        store.record_run(writer.run_record("s", command="screen"))
        assert store.run("latest").run_id == "a"
        assert store.run("latest", "screen").run_id == "s"

    @pytest.mark.parametrize("run_id", ["latest", "r9"])
    def test_a_run_that_is_not_there_is_an_error(self, store, run_id):
        for read in (store.run, store.decisions, store.sources, store.caps, store.screenings):
            with pytest.raises(InputError, match=r"recorded\."):
                read(run_id)

    def test_a_run_is_recorded_once(self, store):
        writer.record(store, "r1", 2)
        with pytest.raises(InputError, match="r1 cannot be recorded"):
            store.record_scan(writer.run_record("r1"), writer.decisions(3), writer.sources(0), writer.caps(0))
        assert store.decisions("r1").height == 2

    def test_a_time_without_zone_is_refused(self, store):
        with pytest.raises(ValueError, match="has no time zone"):
            store.record_run(writer.run_record("r1", started_at=datetime(2026, 1, 1)))  # noqa: DTZ001
        assert store.runs() == []


class TestScan:
    def test_frames_come_back_as_they_went_in(self, store):
        decisions, sources, caps = writer.decisions(3), writer.sources(3), writer.caps(2)
        store.record_scan(writer.run_record("r1"), decisions, sources, caps)
        assert_frame_equal(store.decisions("r1").drop("run_id"), decisions)
        assert_frame_equal(store.sources("r1").select(sources.columns), sources)
        assert_frame_equal(store.caps("r1").select(caps.columns), caps)

    def test_frames_have_the_contract_types_even_when_empty(self, store):
        writer.record(store, "r0", 0)
        writer.record(store, "r1", 2)
        for run_id in ("r0", "r1"):
            assert store.decisions(run_id).schema == DECISIONS
            assert store.sources(run_id).schema == SOURCES
            assert store.caps(run_id).schema == CAPS
            assert store.decisions(run_id)["run_id"].to_list() == [run_id] * store.decisions(run_id).height

    @one_store_for_all_examples
    @given(lines=lines)
    def test_money_times_scores_and_text_are_kept_exactly(self, store, lines):
        run_id = f"r{next(recorded)}"
        schema = {name: DECISIONS[name] for name in lines[0]}
        frame = writer.decisions(len(lines)).with_columns(pl.DataFrame(lines, schema=schema))
        store.record_scan(writer.run_record(run_id), frame, writer.sources(0), writer.caps(0))
        kept = store.decisions(run_id).drop("run_id")
        assert kept.to_dicts() == frame.to_dicts()
        assert sum(kept["payout"].to_list()) == sum(line["payout"] for line in lines)

    def test_savings_may_be_negative_and_are_exact(self, store):
        saving = [Decimal("-99999999999999.9999"), Decimal("99999999999999.9999"), Decimal("-0.0001")]
        caps = writer.caps(3).with_columns(expected_saving=pl.Series(saving, dtype=CAPS["expected_saving"]))
        store.record_scan(writer.run_record("r1"), writer.decisions(0), writer.sources(0), caps)
        assert store.caps("r1")["expected_saving"].to_list() == saving

    def test_not_a_number_is_unknown(self, store):
        frame = writer.decisions(1, score=pl.lit(math.nan), p_value=pl.lit(math.nan))
        store.record_scan(writer.run_record("r1"), frame, writer.sources(0), writer.caps(0))
        assert store.decisions("r1").select("score", "p_value").row(0) == (None, None)

    def test_columns_that_may_be_left_out(self, store):
        decisions = writer.decisions(1).drop("reason_details")
        sources = writer.sources(1).drop("missing")
        store.record_scan(writer.run_record("r1"), decisions, sources, writer.caps(1))
        assert store.decisions("r1")["reason_details"].to_list() == [None]
        assert store.sources("r1")["missing"].to_list() == [None]

    def test_more_rows_than_one_slice(self, store, monkeypatch):
        for module in ("sqlite", "postgres", "bulk"):
            monkeypatch.setattr(f"screening.store.{module}.SLICE_ROWS", 7)
        writer.record(store, "r1", 50)
        assert_frame_equal(store.decisions("r1").drop("run_id"), writer.decisions(50).sort("conversion_id"))


BROKEN = [
    ({"payout": pl.lit(1.5)}, "payout is Float64, must be Decimal"),
    ({"ts": pl.lit(datetime(2026, 1, 1))}, "ts is Datetime"),  # noqa: DTZ001
    ({"extra": pl.lit(1)}, r"unknown \['extra'\]"),
    ({"decision": pl.lit(None, pl.String)}, "decision is unknown in 2 rows"),
    ({"decision": pl.lit("maybe")}, "decisions_decision_known"),
    ({"score": pl.lit(1.01)}, "decisions_score_share"),
    ({"reasons": pl.lit([], pl.List(pl.String))}, "decisions_reasoned"),
    ({"conversion_id": pl.lit("same")}, "decisions"),
    ({"run_id": pl.lit("another")}, "belong to another run"),
    ({"sub_id": pl.lit("a\0b")}, "sub_id holds a NUL character"),
]


class TestRefusals:
    """Each must leave nothing behind, whatever was written before it was found."""

    def test_decisions_that_break_a_rule(self, store, subtests):
        for change, message in BROKEN:
            frame = writer.decisions(2).with_columns(**change)
            with subtests.test(message):
                with pytest.raises((TypeError, ValueError, InputError), match=message):
                    store.record_scan(writer.run_record("r1"), frame, writer.sources(1), writer.caps(1))
                assert store.runs() == []
                assert store.decisions_of(["c0", "c1", "same"]).is_empty()

    def test_a_fault_in_the_last_frame_leaves_nothing_of_the_first(self, store):
        caps = writer.caps(1).with_columns(action=pl.lit("double"))
        with pytest.raises(ValueError, match="caps_action_known"):
            store.record_scan(writer.run_record("r1"), writer.decisions(5), writer.sources(5), caps)
        assert store.runs() == []
        assert store.decisions_of(["c0"]).is_empty()

    def test_a_column_that_is_absent(self, store):
        with pytest.raises(TypeError, match=r"absent \['missing'\]"):
            store.record_scan(
                writer.run_record("r1"), writer.decisions(1).drop("missing"), writer.sources(0), writer.caps(0)
            )

    def test_a_failed_run_judges_nothing(self, store):
        run = writer.run_record("r1", status="failed")
        with pytest.raises(ValueError, match="only a complete run may judge"):
            store.record_scan(run, writer.decisions(1), writer.sources(0), writer.caps(0))
        assert store.runs() == []


class TestDecisionsOf:
    def test_the_newest_judgement_counts(self, store):
        for run_id, decision in (("z", "hold"), ("a", "pay")):
            frame = writer.decisions(2 if run_id == "z" else 1, decision=pl.lit(decision))
            store.record_scan(writer.run_record(run_id), frame, writer.sources(0), writer.caps(0))
        found = store.decisions_of(["c1", "c0", "never", "c0"])
        assert found.select("conversion_id", "decision", "run_id").rows() == [("c0", "pay", "a"), ("c1", "hold", "z")]
        assert found["judged_at"].to_list() == [writer.run_record("a").finished_at] * 2
        assert found.schema == pl.Schema({**DECISIONS, "judged_at": DECISIONS["ts"]})

    def test_none_asked_none_found(self, store):
        assert store.decisions_of([]).schema == pl.Schema({**DECISIONS, "judged_at": DECISIONS["ts"]})

    def test_ids_in_several_queries(self, store, monkeypatch):
        monkeypatch.setattr("screening.store.bulk.IDS_PER_QUERY", 7)
        writer.record(store, "r1", 40)
        asked = pl.Series([f"c{number}" for number in range(60)])
        assert_frame_equal(store.decisions_of(asked).drop("judged_at"), store.decisions("r1"))

    def test_ids_of_any_text(self, store):
        ids = ["a'b", 'a"b', "a,b", "{a}", "a\\b", "é\n", "", "NULL", "%s", ":x", "[1]"]
        frame = writer.decisions(len(ids)).with_columns(conversion_id=pl.Series(ids))
        store.record_scan(writer.run_record("r1"), frame, writer.sources(0), writer.caps(0))
        assert store.decisions_of(ids)["conversion_id"].to_list() == sorted(ids)


class TestScreenings:
    FRAME = pl.DataFrame(
        {
            "application_id": ["p1", "p2"],
            "decision": ["approve", "review"],
            "score": [0.1, None],
            "reasons": [[], ["thin_content"]],
            "missing": [["backlinks"], []],
            "evidence": ["evidence/p1", None],
            "reason_details": [None, "[]"],
        },
        schema={name: kind for name, kind in SCREENINGS.items() if name != "run_id"},
    )

    def test_screenings_come_back_as_they_went_in(self, store):
        store.record_screenings(writer.run_record("s1", command="screen"), self.FRAME)
        assert_frame_equal(store.screenings("s1").drop("run_id"), self.FRAME)
        assert_frame_equal(store.screenings("latest"), store.screenings("s1"))

    def test_a_rejection_needs_a_reason(self, store):
        frame = self.FRAME.with_columns(decision=pl.lit("reject"))
        with pytest.raises(ValueError, match="screenings_reasoned"):
            store.record_screenings(writer.run_record("s1", command="screen"), frame)
