"""docs/service.md: its routes, its metrics, its codes and its curl lines are those of the service."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from memsvc.errors import ServiceError
from memsvc.server.routes import ALL
from memsvc.service import problems
from memsvc.service.pools import SIZES
from memsvc.service.warmup import Warmup
from tests.memsvc.server.served import fresh, served

if TYPE_CHECKING:
    from tests.memsvc.server.served import Running

PAGE = (Path(__file__).resolve().parents[3] / "docs" / "service.md").read_text()


def test_the_routes_are_these() -> None:
    rows = re.findall(r"^\| `([A-Z]+) /v1(/\S+)` \| `(\w+)` \| (\w+) \|$", PAGE, re.M)
    assert rows == [(verb.row.method, verb.row.path, verb.name, verb.row.permission) for verb in ALL]


def test_the_metrics_are_these(ann: Running) -> None:
    shown = re.findall(r"^# TYPE (memsvc_\w+) (?:counter|gauge|histogram)$", ann("GET", "/metrics").text, re.M)
    listed = re.findall(r"^\| `(memsvc_\w+)` \|", PAGE, re.M)
    assert set(listed) == set(shown)


def test_the_codes_are_those_of_the_table() -> None:
    errors = PAGE.partition("## Errors")[2].partition("## Streams")[0]
    for kind, status in problems.STATUS.items():
        code = problems.code_of(kind)
        if kind.__name__.startswith("Database") and code != "database_busy":
            code = "database_..."
        if code in ("memsvc_error", "access_error") or issubclass(kind, ServiceError):
            continue  # never raised as such; what a client says of a service
        row = next(line for line in errors.splitlines() if line.startswith("| ") and f"`{code}`" in line)
        assert str(status) in row.split("|")[1], code


def test_the_pools_are_these() -> None:
    threads = PAGE.partition("## Threads")[2].partition("## Health")[0]
    for pool, size in SIZES.items():
        assert re.search(rf"`{pool}` \({size}( threads)?\)", threads)
    slow = {verb.name for verb in ALL if verb.row.pool == "slow"} - {"calibrate_gate", "calibrate_threshold"}
    assert slow - {"rebuild_utilities"} == set(re.findall(r"`(\w+)`", threads)) - set(SIZES)


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_curl_lines_work(tmp_path: Path) -> None:
    [script] = [one for one in re.findall(r"```bash\n(.*?)```", PAGE, re.S) if "curl" in one]
    with fresh() as memory, served(memory) as one:
        environment = {**os.environ, "URL": str(one.client.base_url), "KEY": "none"}
        ran = subprocess.run(
            ["bash", "-e", "-c", script.replace("curl -sS", "curl -sS --fail-with-body")],
            cwd=tmp_path, env=environment, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert '"status":"stored"' in ran.stdout
        assert "event: answered" in ran.stdout
        assert memory.namespaces() == ["acme/ann", "acme/copy"]
    assert (tmp_path / "ann.jsonl").read_text().startswith('{"memsvc_export"')


def test_the_embedder_is_loaded_from_the_start() -> None:
    with fresh() as memory:
        warmup = Warmup(memory.embedder)
        assert warmup.reason == "the embedder is being loaded"
        warmup.start()
        warmup.join()
        assert warmup.reason is None
