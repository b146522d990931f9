"""The description of the API (OpenAPI), for programs and for those who write them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Depends, FastAPI, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse

from screening.console.api.bodies import Problem
from screening.console.auth import anybody
from screening.console.problems import MEDIA_TYPE

router = APIRouter()
_PROBLEM = {"description": "A problem", "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
PROBLEMS: dict[int | str, dict[str, Any]] = {
    code: {**_PROBLEM, "description": meaning}
    for code, meaning in {
        400: "The request is no HTTP request that can be read",
        401: "No good key was sent",
        403: "The key lacks the scope",
        404: "There is no such thing",
        409: "Somebody changed it meanwhile, or the idempotency key was used for another request",
        413: "The request is too large",
        422: "The request cannot be used; `where` names the field",
        503: "Something did not answer in time; trying again helps",
    }.items()
}
_ABOUT = """What winnow knows and decides about an affiliate programme, for other programs.

Every call sends a key (`Authorization: Bearer wnw_...`) that an admin issues with scopes. Errors are
`application/problem+json`. Lists give `next`, which is the `after` of the page that follows. Calls that change
something take an `Idempotency-Key`: the same call again gets the same answer and changes nothing more. Money is text
with at most four decimal places; times are RFC 3339 in UTC."""


@router.get("/v1/openapi.json", dependencies=[Depends(anybody)], include_in_schema=False)
def read_description(request: Request) -> JSONResponse:
    """Return the description of the API."""
    return JSONResponse(request.app.openapi(), headers={"Cache-Control": "public, max-age=300"})


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document of the app's routes, made once."""
    if app.openapi_schema is None:
        document = get_openapi(title="winnow", version=app.version, description=_ABOUT, routes=app.routes)
        problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        document["components"].setdefault("schemas", {})["Problem"] = problem
        app.openapi_schema = document
    return app.openapi_schema
