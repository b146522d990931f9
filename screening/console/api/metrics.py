"""Figures for monitoring, as JSON and as Prometheus reads them; and whether the server is well."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Annotated, Literal, cast

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from pydantic import BaseModel

from screening.console.api.access import Caller, scoped
from screening.console.api.bodies import Figure, Page
from screening.console.api.counters import REGISTRY
from screening.console.auth import anybody
from screening.console.context import Console, Here
from screening.errors import UnavailableError
from screening.jobs.gauges import Gauge, gauges
from screening.jobs.keys import Scope

router = APIRouter(tags=["metrics"])
Reader = Annotated[Caller, Depends(scoped(Scope.METRICS_READ))]


class Health(BaseModel):
    """The server answers, and so does its database."""

    status: Literal["ok"]


@dataclass(slots=True, eq=False)
class Figures:
    """The figures counted last, given again for a while: whoever asks often costs no more."""

    console: Console
    _kept: tuple[datetime, list[Gauge]] | None = None
    _lock: Lock = field(default_factory=Lock)

    def current(self) -> list[Gauge]:
        """Return the figures, counted anew when the kept ones are too old."""
        now = self.console.clock()
        with self._lock:
            seconds = self.console.settings.api.metrics_seconds
            if self._kept is None or now - self._kept[0] >= timedelta(seconds=seconds):
                self._kept = now, gauges(self.console.workspace, self.console.store, now)
            return self._kept[1]

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the figures as Prometheus's client wants them."""
        for gauge in self.current():
            names = sorted({name for labels, _ in gauge.values for name in labels})
            family = GaugeMetricFamily(gauge.name, gauge.meaning, labels=names)
            for labels, value in gauge.values:
                family.add_metric([labels.get(name, "") for name in names], value)
            yield family


@router.get("/v1/metrics")
def read_metrics(request: Request, _: Reader) -> Page[Figure]:
    """Return every figure about the programme at this moment."""
    found = [
        Figure(name=gauge.name, labels=labels, value=value)
        for gauge in _figures(request).current()
        for labels, value in gauge.values
    ]
    return Page(items=found, next=None)


@router.get("/metrics", include_in_schema=False)
def scrape(request: Request, _: Reader) -> Response:
    """Return the figures in Prometheus's text format."""
    programme = CollectorRegistry(auto_describe=False)
    programme.register(_figures(request))
    return Response(generate_latest(REGISTRY) + generate_latest(programme), media_type=CONTENT_TYPE_LATEST)


@router.get("/healthz", dependencies=[Depends(anybody)])
def healthz(console: Here) -> Health:
    """Say that the server and its database answer."""
    if not console.store.listing.answering():
        raise UnavailableError("The database lacks its audit trail.", remedy="Run `winnow doctor`.")
    return Health(status="ok")


def _figures(request: Request) -> Figures:
    return cast("Figures", request.app.state.figures)
