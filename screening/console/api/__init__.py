"""The HTTP API for other programs."""

from __future__ import annotations

from fastapi import APIRouter

from screening.console.api import applications, caps, judgements, metrics, payouts, schema

ROUTERS: tuple[APIRouter, ...] = (
    payouts.router,  # first: routes are tried in order, and this one is called most
    applications.router,
    caps.router,
    judgements.router,
    metrics.router,
    schema.router,
)
