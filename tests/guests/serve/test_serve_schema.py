"""Whatever is sent to the API, it answers as its description says, and never with a fault of its own."""

from __future__ import annotations

import pytest

schemathesis = pytest.importorskip("schemathesis")

from guests.serve.serving import working  # noqa: E402
from hypothesis import HealthCheck, given, settings  # noqa: E402
from schemathesis import GenerationMode  # noqa: E402
from schemathesis.checks import not_a_server_error  # noqa: E402
from schemathesis.specs.openapi.checks import (  # noqa: E402
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from itrans_serve.app import create_app  # noqa: E402
from itrans_serve.desk import Desk  # noqa: E402

CHECKS = [
    not_a_server_error,
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
]
WITH_QUERY = ("/translate", "/preview", "/examples", "/example")
PLAIN = ("/checkpoints", "/health", "/metrics")
ALL = [(path, mode) for path in WITH_QUERY for mode in GenerationMode] + [
    (path, GenerationMode.POSITIVE) for path in PLAIN
]


@pytest.fixture(scope="module")
def operations(served):
    with Desk(served) as desk, working(desk):
        schema = schemathesis.openapi.from_asgi("/openapi.json", create_app(desk, ["testserver"]))
        yield {found.ok().path: found.ok() for found in schema.get_all_operations()}


def test_all_operations_are_described(operations):
    assert set(operations) == {*WITH_QUERY, *PLAIN}


@pytest.mark.parametrize(("path", "mode"), ALL)
def test_answers_are_as_described(operations, path, mode):
    seen = set()

    @settings(max_examples=15, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
    @given(case=operations[path].as_strategy(generation_mode=mode))
    def check(case):
        answer = case.call()
        case.validate_response(answer, checks=CHECKS)
        seen.add(answer.status_code)

    check()
    assert 403 not in seen
    assert path in WITH_QUERY or seen == {200}
