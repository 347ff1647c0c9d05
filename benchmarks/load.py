"""The service under load, on loopback: a real process, the real embedder, several keys, many namespaces.

    python benchmarks/load.py --clients 64 --seconds 60             # how fast, how large, is a write lost
    python benchmarks/load.py --clients 64 --seconds 10 --kill 3    # the same, killed in the middle, three times

Clients ask without a pause, 80 % searches and 20 % adds of one message each, over `--namespaces` that together hold
`--memories` (`--database` keeps what was filled for the next time). The first run is with the embeddings of concurrent
requests joined into batches, the second one (`batch_size` 1) without; each with a process of its own.

What to expect. The system is closed: N clients, no pause. If a request takes D seconds of CPU, of the service and of
the clients together, C cores answer at most C / D a second, and by Little's law the mean latency is N x D / C. One
client alone waits for nobody, so that its median S is about the time on the clock of one request; 64 of them on 2 cores
queue for 64 / 2 = 32 times that. The bar is 3 x S x N / C for the 95th percentile.

With `--kill` nothing is timed but the start: the process gets SIGKILL under full load, and is started again on what it
left. Every write that a receipt told of must be there, `memsvc verify` must find nothing wrong, and `/readyz` must say
200 within 5 s.

Exits 1 where something was lost, wrong or above its bar.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import load_clients as clients
from load_service import Service, fill, make_keys, namespaces, verify

if TYPE_CHECKING:
    from collections.abc import Mapping

CPU = "CPU ms a request"
BAR, READY_SECONDS, RSS_GROWTH = 3.0, 5.0, 1.5
"""Of the queueing; of a start; of resident memory over the load, once every namespace is loaded."""


def main() -> None:
    """Fill, run, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clients", type=int, default=64)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--namespaces", type=int, default=200)
    parser.add_argument("--memories", type=int, default=100_000)
    parser.add_argument("--kill", type=int, default=0, metavar="TIMES", help="kill it so often instead")
    parser.add_argument("--database", type=Path, help="a file to fill, and to use again")
    parser.add_argument("--json", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="memsvc-load-") as folder:
        db = given.database or Path(folder) / "load.db"
        names, log = namespaces(given.namespaces), Path(folder) / "service.log"
        fill(db, names, given.memories)
        tokens = make_keys(db, names)
        if given.kill:
            rows = [killed(db, log, tokens, given, turn) for turn in range(given.kill)]
        else:
            rows = [measured(db, log, tokens, given, size) for size in (32, 1)]
            rows[0]["batching"] = {
                "throughput": rows[0]["rate"] / rows[1]["rate"],
                "cpu": rows[1][CPU] / rows[0][CPU],
            }
    print(json.dumps(rows, indent=2) if given.json else "\n\n".join(map(table, rows)))
    sys.exit(any(row["wrong"] for row in rows))


def measured(db: Path, log: Path, tokens: Mapping[str, str], given: argparse.Namespace, size: int) -> dict[str, Any]:
    """One run, with batches of at most so many texts."""
    service, cores = Service.start(db, log, batch_size=size), os.cpu_count() or 1
    try:
        idle = service.rss
        clients.warm(service.url, tokens)
        one = asyncio.run(clients.run(service.url, tokens, 1, max(5, given.seconds / 6), f"{time.time_ns()} alone"))
        rss, cpu = service.rss, service.cpu_seconds + _own_cpu()
        load = os.getloadavg()[0]
        many, curve = asyncio.run(watched(service, tokens, given))
        spent = service.cpu_seconds + _own_cpu() - cpu
        cpu = spent / len(many.all)
        after, peak = service.rss, service.peak_rss
        missing = clients.lost(service.url, tokens, one.stored + many.stored)
    finally:
        code = service.stop()
    alone = clients.p50(one.all)
    bar = BAR * alone * given.clients / cores
    row: dict[str, Any] = {
        "what": f"{given.clients} clients, {given.seconds:g} s, batches of at most {size}", "load before": load,
        "ready s": service.ready_seconds, "idle RSS MB": idle, "RSS before MB": rss, "RSS after MB": after,
        "RSS peak MB": peak, "RSS at each tenth MB": [round(at) for at in curve],
        "requests": len(many.all), "rate": many.rate, "errors": dict(one.errors + many.errors),
        "writes told of": len(one.stored) + len(many.stored), "writes lost": len(missing),
        "one client p50 ms": alone, CPU: 1000 * cpu, "cores got": spent / many.seconds,
        "expected mean ms": 1000 * given.clients * cpu / cores,
        "mean ms": 1000 * sum(many.all) / len(many.all),
        "p50 ms": clients.p50(many.all), "p95 ms": clients.p95(many.all),
        "p95 search ms": clients.p95(many.latencies["search"]), "p95 add ms": clients.p95(many.latencies["add"]),
        "bar ms": bar,
    }  # fmt: skip
    failed = {
        "errors": bool(row["errors"]), "writes lost": bool(missing), "p95": row["p95 ms"] > bar,
        "RSS": after > RSS_GROWTH * rss, "exit code": code != 0,
    }  # fmt: skip
    return {**row, "wrong": [name for name, is_so in failed.items() if is_so]}


async def watched(
    service: Service, tokens: Mapping[str, str], given: argparse.Namespace
) -> tuple[clients.Outcome, list[float]]:
    """The load, and resident memory at each tenth of its time."""
    under_way = asyncio.ensure_future(
        clients.run(service.url, tokens, given.clients, given.seconds, str(time.time_ns()))
    )
    curve = []
    for _ in range(10):
        await asyncio.sleep(given.seconds / 10)
        curve.append(service.rss)
    return await under_way, curve


def killed(db: Path, log: Path, tokens: Mapping[str, str], given: argparse.Namespace, turn: int) -> dict[str, Any]:
    """One run that is cut off by SIGKILL, and what the next process finds."""
    service = Service.start(db, log)
    clients.warm(service.url, tokens)
    load = os.getloadavg()[0]

    async def cut_off() -> clients.Outcome:
        under_way = asyncio.ensure_future(
            clients.run(service.url, tokens, given.clients, 10 * given.seconds, f"{time.time_ns()} {turn}")
        )
        await asyncio.sleep(given.seconds)
        service.kill()
        return await under_way

    outcome = asyncio.run(cut_off())
    again = Service.start(db, log)
    missing = clients.lost(again.url, tokens, outcome.stored)
    code = again.stop()
    verified, said = verify(db)
    row: dict[str, Any] = {
        "what": f"killed after {given.seconds:g} s of {given.clients} clients", "load before": load,
        "requests": len(outcome.all),
        "cut off": dict(outcome.errors), "writes told of": len(outcome.stored), "writes lost": len(missing),
        "ready s": again.ready_seconds, "verify": said.splitlines()[-1] if said else "",
    }  # fmt: skip
    failed = {
        "writes lost": bool(missing), "verify": verified != 0, "ready": again.ready_seconds > READY_SECONDS,
        "exit code": code != 0,
    }  # fmt: skip
    return {**row, "wrong": [name for name, is_so in failed.items() if is_so]}


def table(row: dict[str, Any]) -> str:
    """A run as a Markdown table."""
    lines = [f"| {row['what']} | |", "|---|---|"]
    for name, value in row.items():
        if name != "what":
            told = f"{value:.3g}" if isinstance(value, float) and value < 100 else value
            lines.append(f"| {name} | {round(told) if isinstance(told, float) else told} |")
    return "\n".join(lines)


def _own_cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


if __name__ == "__main__":
    main()
