"""What schemathesis makes of the OpenAPI document: no 500, and every response is as described.

A few requests a route, the same each time; `benchmarks/fuzz.py` sends thousands.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from memsvc.server.app import build_app
from memsvc.server.openapi import document
from memsvc.server.routes import ALL
from memsvc.service.access import Doorkeeper
from memsvc.service.keys import Keys
from memsvc.service.limits import RateLimiter
from memsvc_store.keys import PERMISSIONS
from tests.memsvc.server.examples import NAMESPACE, Examples
from tests.memsvc.server.served import fresh, served

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.memsvc.server.served import Running

pytestmark = pytest.mark.slow

REQUESTS = 5

CHECKS = [
    not_a_server_error, checks.status_code_conformance, checks.content_type_conformance,
    checks.response_headers_conformance, checks.response_schema_conformance,
]  # fmt: skip


def described() -> dict[str, Any]:
    with fresh() as memory:
        found = document(build_app(memory, door=Doorkeeper(Keys(memory.store.database), RateLimiter())))
    del found["paths"]["/v1/import"]  # JSON lines are tried in test_streaming
    return found


SCHEMA = schemathesis.openapi.from_dict(described())
SCHEMA.config.generation.with_security_parameters = False  # the keys are ours
OPERATIONS = {one.ok().definition.raw["operationId"]: one.ok() for one in SCHEMA.get_all_operations()}
TAKE_NOTHING = {
    name for name, one in OPERATIONS.items() if not {"parameters", "requestBody"} & one.definition.raw.keys()
}
"""There is nothing to get wrong."""


@pytest.fixture(scope="module")
def guarded() -> Iterator[tuple[Running, str]]:
    """A service with keys, and one to a namespace that is filled."""
    with fresh() as memory:
        Examples(memory)
        keys = Keys(memory.store.database)
        token = keys.create(namespaces=[NAMESPACE], allow=PERMISSIONS).token
        door = Doorkeeper(keys, RateLimiter(1e6, 1_000_000))
        with served(memory, door=door) as running:
            yield running, token
        door.close()


def test_every_route_but_the_one_of_lines_is_tried() -> None:
    assert OPERATIONS.keys() == {verb.name for verb in ALL} - {"import"}


@pytest.mark.parametrize(
    ("name", "mode"),
    [(name, mode) for name in OPERATIONS for mode in GenerationMode if mode.is_positive or name not in TAKE_NOTHING],
)
def test_responses_are_as_described(guarded: tuple[Running, str], name: str, mode: GenerationMode) -> None:
    running, token = guarded
    own = st.booleans()

    @settings(
        max_examples=REQUESTS, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(OPERATIONS[name].as_strategy(generation_mode=mode), own)
    def tried(case: Any, own: bool) -> None:
        if own:
            for part in (case.query, case.body):
                if isinstance(part, dict) and "namespace" in part:
                    part["namespace"] = NAMESPACE
        url = str(running.client.base_url)
        for key, refused in ((token, False), ("none", True)):
            response = case.call(base_url=url, headers={"Authorization": f"Bearer {key}"})
            case.validate_response(response, checks=CHECKS)
            assert (response.status_code == 401) is refused

    tried()
