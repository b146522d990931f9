"""Every route of the console against every role, and every route of the API against every scope."""

from __future__ import annotations

import re

import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from screening.console.api import ROUTERS as API_ROUTERS
from screening.console.api.access import Scoped
from screening.console.app import PAGE_ROUTERS, refuse_unstated
from screening.console.auth import Permission, anybody, statements
from screening.jobs.keys import Scope
from screening.review.permissions import Action, Role, may, roles_that_may

PAGES = [
    (method, route)
    for router in PAGE_ROUTERS
    for route in router.routes
    for method in sorted(route.methods)
    if route.path not in {"/logout", "/account/sessions/end"}  # they end the session; test_auth tests them
]
CALLS = [(method, route) for router in API_ROUTERS for route in router.routes for method in sorted(route.methods)]
BODIES = {
    "/v1/payout/decisions": {"conversions": [{"conversion_id": "c1", "amount": "2"}]},
    "/v1/applications": {"name": "Ann", "email": "ann@travelnotes.com", "websites": ["https://travelnotes.com"]},
    "/v1/caps/{cap_id}/decision": {"decision": "reject"},
}
VALUES = {"cap_id": "1", "case_id": "1", "run_id": "latest"}


def stated(route: APIRoute) -> object:
    (statement,) = set(statements(route.dependant))
    return statement


def path_of(route: APIRoute) -> str:
    return re.sub(r"{(\w+)(:\w+)?}", lambda found: VALUES.get(found[1], "1"), route.path)


def named(pairs):
    return [pytest.param(method, route, id=f"{method} {route.path}") for method, route in pairs]


@pytest.fixture(scope="module")
def browsers(scene):
    return {None: scene.browser(), **{role: scene.signed_in(role) for role in Role}}


def send(browser, method, route):
    return browser.get(path_of(route)) if method == "GET" else browser.post(path_of(route))


@pytest.mark.parametrize(("method", "route"), named(PAGES))
def test_every_page_is_open_to_the_roles_it_states_and_to_no_other(browsers, method, route):
    statement = stated(route)
    for role, browser in browsers.items():
        answer = send(browser, method, route)
        to_login = answer.status_code == 303 and answer.headers["location"].startswith("/login")
        assert answer.status_code < 500
        if statement is anybody:
            assert answer.status_code != 403
        elif role is None:
            assert to_login, f"a stranger got {answer.status_code}"
        else:
            assert isinstance(statement, Permission)
            assert not to_login
            assert (answer.status_code == 403) is not may(role, statement.action), f"{role} got {answer.status_code}"


@pytest.mark.parametrize(("method", "route"), named(CALLS))
def test_every_call_needs_a_key_with_its_scope(scene, method, route):
    statement = stated(route)
    client, options = scene.browser().client, {"headers": {"Idempotency-Key": route.path}}
    if method == "POST":
        options["json"] = BODIES[route.path]

    def answered(key):
        headers = {**options["headers"], **key}
        return client.request(method, path_of(route), **{**options, "headers": headers}).status_code

    if statement is anybody:
        assert answered({}) == 200
        return
    assert isinstance(statement, Scoped)
    assert answered({}) == 401
    assert answered({"Authorization": "Bearer wnw_000000000000_" + "a" * 43}) == 401
    others = [scope for scope in Scope if scope != statement.scope]
    assert answered(scene.key(*others)) == 403
    assert answered(scene.key(statement.scope)) in {200, 201, 404, 409, 422}


def test_a_session_is_no_key(scene):
    browser = scene.signed_in("admin")
    assert browser.get("/v1/runs").status_code == 401


def test_a_route_that_states_nothing_is_refused():
    router = APIRouter()
    router.get("/open-by-mistake")(lambda: "anything")
    with pytest.raises(ValueError, match="/open-by-mistake must state once who may call it"):
        refuse_unstated([router])


def test_more_may_be_done_with_each_role():
    for action in Action:
        allowed = roles_that_may(action)
        assert allowed
        assert allowed == tuple(Role)[-len(allowed) :]
    assert not any(may(role, action) for role in ("", "root", "ADMIN") for action in Action)
