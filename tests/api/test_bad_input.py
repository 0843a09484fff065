# SPDX-License-Identifier: Apache-2.0
"""Made-up requests to every endpoint: whatever comes in, nothing goes wrong on our side.

`DEUTERON_BAD_REQUESTS` is how many (2,000 if not set).
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.api.conftest import Api
from tests.api.requests import Request, Requests

TOTAL = int(os.environ.get("DEUTERON_BAD_REQUESTS", "2000"))
EACH = 100


@settings(
    max_examples=max(1, TOTAL // EACH),
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(seed=st.integers(0, 2**32 - 1))
def test_no_server_errors(api: Api, seed: int) -> None:
    requests = Requests(api.call("GET", "/openapi.json").body, seed)
    _lists_are_readable(api, requests)
    for _ in range(EACH):
        request = requests.next()
        answer = api.call(
            request.method,
            request.path,
            request.body,
            request.query,
            request.headers,
            request.raw,
        )
        assert answer.status < 500, request
        if answer.status >= 400 and answer.body is not None:
            assert answer.body["NeutronError"].keys() == {"type", "message", "detail"}, request
        requests.learn(answer.body)


def _lists_are_readable(api: Api, requests: Requests) -> None:
    """What was accepted can be shown, as a whole and sorted."""
    for method, path, operation in requests.operations:
        if method == "GET" and "parameters" in operation and "{" not in path:
            answer = api.call("GET", path, query="limit=20&page_reverse=true")
            assert answer.status == 200, Request("GET", path)
            requests.learn(answer.body)
