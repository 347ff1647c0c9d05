"""Clients that ask one thing after the other, and what became of it: how long it took, and every write that was told.

A closed system: each client sends its next request when it has the answer to the last one, without a pause.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count
from random import Random
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

import httpx

from memsvc_evals.speed import chatter

if TYPE_CHECKING:
    from collections.abc import Mapping

ADDS = 0.2
_QUESTIONS = 2_000


@dataclass(slots=True)
class Outcome:
    """What the clients saw. Latencies in seconds, by verb; `stored` are (namespace, text) that a receipt told of."""

    latencies: dict[str, list[float]] = field(default_factory=lambda: {"search": [], "add": []})
    stored: list[tuple[str, str]] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0

    @property
    def all(self) -> list[float]:
        """Every latency."""
        return [one for some in self.latencies.values() for one in some]

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.all) / self.seconds


def p50(latencies: list[float]) -> float:
    """Milliseconds."""
    return 1000 * median(latencies)


def p95(latencies: list[float]) -> float:
    """Milliseconds."""
    return 1000 * quantiles(latencies, n=20)[-1]


async def run(url: str, tokens: Mapping[str, str], clients: int, seconds: float, mark: str) -> Outcome:
    """Let so many clients ask for so long; texts that are added begin with `mark`, so that no run repeats another's."""
    outcome, numbers, questions, names = Outcome(), count(), chatter.questions(_QUESTIONS), list(tokens)
    began = time.perf_counter()

    async def client(number: int) -> None:
        random = Random(f"{mark} {number}")
        # A connection each: a pool that 64 share costs 8 ms of CPU a request, and lets some wait for 7 s.
        async with httpx.AsyncClient(base_url=url, timeout=120, verify=False, trust_env=False) as http:
            while time.perf_counter() - began < seconds and not outcome.errors:
                namespace = random.choice(names)
                headers = {"Authorization": f"Bearer {tokens[namespace]}"}
                if random.random() < ADDS:
                    [turn] = chatter.messages(1, seed=random.randrange(1 << 30))
                    text = f"{mark}: {turn['content']} ({next(numbers)})"
                    said = {"content": text, "name": "Ines", "session_id": f"load {number}"}
                    await _one(http, outcome, "add", headers, {"namespace": namespace, "messages": [said]})
                else:
                    asked = {"namespace": namespace, "query": random.choice(questions)}
                    await _one(http, outcome, "search", headers, asked)

    await asyncio.gather(*(client(number) for number in range(clients)))
    outcome.seconds = time.perf_counter() - began
    return outcome


async def _one(
    http: httpx.AsyncClient, outcome: Outcome, verb: str, headers: dict[str, str], body: dict[str, Any]
) -> None:
    began = time.perf_counter()
    try:
        found = await http.post("/v1/messages" if verb == "add" else "/v1/search", headers=headers, json=body)
    except httpx.TransportError as error:
        outcome.errors[type(error).__name__] += 1
        return
    outcome.latencies[verb].append(time.perf_counter() - began)
    if found.status_code != 200:
        outcome.errors[f"{found.status_code} {found.text[:200]}"] += 1
    elif verb == "add":
        [receipt] = found.json()["receipts"]
        if receipt["status"] == "stored":
            outcome.stored.append((body["namespace"], body["messages"][0]["content"]))
        else:
            outcome.errors[f"an add was {receipt['status']}"] += 1


def warm(url: str, tokens: Mapping[str, str]) -> None:
    """One search in each namespace."""
    with httpx.Client(base_url=url, timeout=120, trust_env=False) as http:
        for namespace, token in tokens.items():
            headers = {"Authorization": f"Bearer {token}"}
            http.post("/v1/search", headers=headers, json={"namespace": namespace, "query": chatter.WARM_UP})


def lost(url: str, tokens: Mapping[str, str], stored: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Those of the writes that the service's exports do not hold."""
    missing = []
    with httpx.Client(base_url=url, timeout=120, trust_env=False) as http:
        for namespace in {name for name, _ in stored}:
            headers = {"Authorization": f"Bearer {tokens[namespace]}"}
            found = http.get("/v1/export", params={"namespace": namespace}, headers=headers)
            texts = {json.loads(line).get("content") for line in found.raise_for_status().text.splitlines()}
            missing += [one for one in stored if one[0] == namespace and one[1] not in texts]
    return missing
