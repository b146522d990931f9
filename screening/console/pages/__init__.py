"""The pages: one module with one router per subject. app.py includes `ROUTERS` in this order."""

from __future__ import annotations

from fastapi import APIRouter

ROUTERS: tuple[APIRouter, ...] = ()
