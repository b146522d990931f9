"""Whatever a program sends: the API answers as its description says, and never fails. `make soak` tries longer."""

from __future__ import annotations

import pytest
import schemathesis
from console_scene import Scene
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
CALLS = 12
"""Calls that the description has."""


@pytest.fixture(scope="module")
def described(tmp_path_factory):
    scene = Scene(tmp_path_factory.mktemp("schema"), {"WINNOW__CONSOLE__API__METRICS_SECONDS": "3600"})
    headers = {**scene.key(), "Host": "localhost"}
    yield schemathesis.openapi.from_asgi("/v1/openapi.json", app=scene.app, headers=headers), headers
    scene.close()


def try_everything(described, mode, examples):
    schema, headers = described
    operations = [result.ok() for result in schema.get_all_operations()]
    assert len(operations) >= CALLS
    for operation in operations:
        if mode == GenerationMode.NEGATIVE and not (operation.query or operation.path_parameters or operation.body):
            continue  # nothing can be said wrongly

        @settings(max_examples=examples, suppress_health_check=list(HealthCheck), phases=[Phase.generate])
        @given(case=operation.as_strategy(mode))
        def one(case):
            case.call_and_validate(headers=headers, checks=CHECKS)

        one()


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_no_call_fails(described, mode):
    try_everything(described, mode, examples=8)


@pytest.mark.soak
@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_no_call_fails_however_long_one_tries(described, mode):
    try_everything(described, mode, examples=400)
