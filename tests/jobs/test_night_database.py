"""A night on PostgreSQL: the state of one on SQLite, though the server is really stopped and started in its middle."""

from __future__ import annotations

from datetime import timedelta

import night_programme as nights
import pytest
from postgres_server import new_server, superuser

from screening.errors import ExitCode, UnavailableError
from screening.jobs.night_journal import StageStatus
from screening.jobs.nightly import nightly
from screening.jobs.payout import gate_payout
from screening.jobs.progress import silent_progress
from screening.store import open_store

DAYS = [nights.FIRST + timedelta(days=number) for number in range(2)]
NIGHT = nights.night_of(DAYS[-1])
_NEEDS_NO_DATABASE = {"ingest", "screen", "rescreen"}


class StoppingInTheScan:
    """Progress that stops the server once a scan has gathered, and starts it when the night has waited twice."""

    def __init__(self, server):
        self.server, self.gathered, self.waited = server, 0, 0

    def step(self, name, done, total):
        if name == "scan: scan" and done == 2:
            self.gathered += 1
            if self.gathered == 1:
                self.server.stop()
        if name.startswith("waiting to try again: The database did not answer"):
            self.waited += 1
            if self.waited == 2:
                self.server.start()


def test_a_night_whose_database_goes_away_and_comes_back_loses_nothing_and_pays_nothing(tmp_path):
    plain = nights.dropped(tmp_path / "plain", DAYS)
    nights.run_night(plain, NIGHT)
    root = nights.dropped(tmp_path / "programme", DAYS)
    with new_server() as server:
        with superuser(server.folder) as connection:
            connection.execute("CREATE DATABASE programme")
        settings = {
            "WINNOW__STORE__URL": server.url("programme"),
            "WINNOW__NIGHTLY__PAUSE_SECONDS": "0.1",
            "WINNOW__NIGHTLY__ATTEMPTS": "1",
        }
        server.stop()

        report = nights.run_night(root, NIGHT, **settings)
        assert report.exit_code is ExitCode.FAILED
        failed = {stage.name: stage.message for stage in report.stages if stage.status is StageStatus.FAILED}
        assert failed.keys() >= {stage.name for stage in report.stages} - _NEEDS_NO_DATABASE - {"pull"}
        assert all("The database did not answer" in message for message in failed.values()), failed
        assert all("Check that the server runs" in message for message in failed.values())
        file = tmp_path / "payout.csv"
        file.write_text("conversion_id,affiliate_id,offer_id,payout,currency\nf0501-0,a5,o0,9.00,EUR\n")
        with pytest.raises(UnavailableError, match="database did not answer"):
            gate_payout(nights.opened(root, **settings), file, tmp_path / "out.csv", {}, NIGHT, silent_progress())
        assert not (tmp_path / "out.csv").exists()

        server.start()
        progress = StoppingInTheScan(server)
        patient = nights.opened(root, **(settings | {"WINNOW__NIGHTLY__ATTEMPTS": "5"}))
        again = nightly(patient, NIGHT, progress)
        assert (progress.gathered, progress.waited) == (2, 2)  # gathered, lost the database, and gathered again
        assert not {stage.name for stage in again.stages if stage.status is StageStatus.FAILED}
        assert nights.state(root, **settings) == nights.state(plain)
        with open_store(patient.store_url) as store:
            assert store.ledger.released([f"f0501-{number}" for number in range(40)]).is_empty()
