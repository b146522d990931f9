"""The pages: one module with one router per subject. app.py includes `ROUTERS` in this order."""

from __future__ import annotations

from fastapi import APIRouter

from screening.console.pages import (
    cases,
    formats,
    money,
    programme,
    public,
    review,
    settings,
    settings_programme,
    settings_programs,
    subjects,
    today,
)
from screening.console.rendering import environment

formats.install(environment)
ROUTERS: tuple[APIRouter, ...] = (
    today.router,
    review.router,
    cases.router,
    subjects.router,
    money.router,
    programme.router,
    settings.router,
    settings_programme.router,
    settings_programs.router,
    public.router,
)
