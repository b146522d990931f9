"""The settings there are: sections, types, units and ranges. Values stand in config.yaml."""

from __future__ import annotations

from typing import Literal

from screening.settings.backlinks import BacklinkSettings
from screening.settings.caps import CapSettings
from screening.settings.console import ConsoleSettings
from screening.settings.crawl import CrawlSettings
from screening.settings.decisions import DecisionSettings
from screening.settings.doctor import DoctorSettings
from screening.settings.drift import DriftSettings
from screening.settings.evaluation import EvaluationSettings
from screening.settings.ingest import IngestSettings
from screening.settings.kpis import KpiSettings
from screening.settings.lists import ListSettings
from screening.settings.logs import LogSettings
from screening.settings.lookups import LookupSettings
from screening.settings.networks import NetworkSettings
from screening.settings.nightly import NightlySettings
from screening.settings.notices import NoticeSettings
from screening.settings.payout import PayoutSettings
from screening.settings.portal import PortalSettings
from screening.settings.quality import QualitySettings
from screening.settings.retention import RetentionSettings
from screening.settings.review import ReviewSettings
from screening.settings.screening import PolicySettings, ScreeningSettings
from screening.settings.section import Section, setting
from screening.settings.spark import SparkSettings
from screening.settings.training import TrainingSettings
from screening.settings.watch import WatchSettings


class StoreSettings(Section):
    """The database."""

    url: str = setting("SQLAlchemy URL; empty means winnow.db in the workspace", unit="text")


class LakeSettings(Section):
    """Where events are kept."""

    url: str = setting("folder of the lake, or s3://bucket/prefix; empty means lake/ in the workspace", unit="text")
    request_seconds: float = setting(
        "longest request to object storage, all its tries together", unit="s", ge=0.5, le=3_600
    )


class Settings(Section):
    """All settings of winnow."""

    engine: Literal["polars", "spark"] = setting("what computes features", unit="choice")
    spark: SparkSettings
    store: StoreSettings
    lake: LakeSettings
    console: ConsoleSettings
    backlinks: BacklinkSettings
    caps: CapSettings
    crawl: CrawlSettings
    decisions: DecisionSettings
    doctor: DoctorSettings
    drift: DriftSettings
    evaluation: EvaluationSettings
    quality: QualitySettings
    ingest: IngestSettings
    kpis: KpiSettings
    lists: ListSettings
    lookups: LookupSettings
    logs: LogSettings
    networks: NetworkSettings
    nightly: NightlySettings
    notices: NoticeSettings
    payout: PayoutSettings
    policy: PolicySettings
    portal: PortalSettings
    review: ReviewSettings
    retention: RetentionSettings
    screening: ScreeningSettings
    training: TrainingSettings
    watch: WatchSettings
