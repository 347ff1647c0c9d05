"""The calls of the benchmark's runner, in their order, on a real database."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from memsvc import Memory
from memsvc.testing import HashEmbedder, RuleModel
from memsvc_evals import MeasurementError
from memsvc_evals.adapters.agent_memory_benchmark import Found, MemsvcBackend
from tests.evals.adapters.conftest import JUNE, MAY, SESSIONS, turns

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@dataclass
class Document:
    """With the harness's fields."""

    id: str
    content: str
    user_id: str | None = None
    messages: list[dict[str, Any]] | None = None
    timestamp: str | None = None
    context: str | None = None


@pytest.fixture
def backend() -> Iterator[MemsvcBackend]:
    made = MemsvcBackend(partial(Memory.open, embedder=HashEmbedder(), language_model=RuleModel()))
    yield made
    made.cleanup()


def locomo(conversation: str, sessions: dict[str, list[dict[str, Any]]]) -> list[Document]:
    """A conversation as the harness hands it over: a session is the JSON of its turns."""
    return [
        Document(
            f"{conversation}_session_{number}", json.dumps(session), conversation, timestamp=time, context="between"
        )
        for number, (time, session) in enumerate(sessions.items(), 1)
    ]


def test_a_run_takes_unit_after_unit(backend: MemsvcBackend, tmp_path: Path) -> None:
    units = {
        "conv-1": locomo("conv-1", SESSIONS),
        "conv-2": locomo("conv-2", {MAY: turns(("Cy", "The kayak race is on Sunday."))}),
    }
    backend.prepare(tmp_path, unit_ids=set(units), reset=True)
    seen = {}
    for unit, documents in units.items():
        backend.ingest(documents)
        seen[unit], raw = backend.retrieve("Who has a kayak?", 10, unit, JUNE)
        assert raw is None  # else the answer prompt would show it instead of the documents
    assert seen["conv-1"][0] == Found("conv-1_session_1", "[2023-05-08 13:56] Ada: I bought a red kayak.", "conv-1")
    assert {found.id for found in seen["conv-1"]} == {"conv-1_session_1", "conv-1_session_2"}
    assert [found.content for found in seen["conv-2"]] == ["[2023-05-08 13:56] Cy: The kayak race is on Sunday."]


def test_captions_are_read_and_search_terms_of_photos_never(backend: MemsvcBackend, tmp_path: Path) -> None:
    shared = turns(("Ada", "Look at this!"), blip_caption="a dog on a beach", query="poodle named Rex", img_url=["x"])
    backend.prepare(tmp_path)
    backend.ingest(locomo("conv-1", {MAY: [*shared, *turns(("Bo", ""))]}))
    [found], _ = backend.retrieve("poodle named Rex", 10, "conv-1")
    assert found.content == "[2023-05-08 13:56] Ada: Look at this! [shares a photo: a dog on a beach]"


def test_equal_turns_stay_apart_and_a_second_ingestion_adds_nothing(backend: MemsvcBackend, tmp_path: Path) -> None:
    backend.prepare(tmp_path)
    for _ in range(2):
        backend.ingest(locomo("conv-1", SESSIONS))
    found, _ = backend.retrieve("Bye!", 50, "conv-1")
    assert sorted(one.content for one in found).count("[2023-05-08 13:56] Ada: Bye!") == 2
    assert len(found) == 6


@pytest.mark.parametrize(
    ("document", "lines"),
    [
        (
            Document("d", "[USER]", messages=[{"role": "user", "content": "Tea?"}, {"role": "bot", "content": " "}]),
            ["user: Tea?"],
        ),
        (Document("d", json.dumps([{"role": "assistant", "content": "Tea it is."}])), ["assistant: Tea it is."]),
        (Document("d", "[USER] Tea, please."), ["user: [USER] Tea, please."]),
        (Document("d", '["tea", "milk"]'), ['user: ["tea", "milk"]']),
        (Document("d", "Tea at noon.", timestamp=MAY), ["[2023-05-08 13:56] user: Tea at noon."]),
    ],
)  # fmt: skip
def test_documents_come_in_several_forms(
    backend: MemsvcBackend, tmp_path: Path, document: Document, lines: list[str]
) -> None:
    backend.prepare(tmp_path)
    backend.ingest([document])
    found, _ = backend.retrieve("tea")
    assert [one.content for one in found] == lines
    assert [one.id for one in found] == ["d"]


def test_documents_without_a_user_are_nobody_elses(backend: MemsvcBackend, tmp_path: Path) -> None:
    backend.prepare(tmp_path)
    backend.ingest([Document("all", "A kettle."), Document("one", "A teapot.", user_id="everybody")])
    assert [one.id for one in backend.retrieve("kettle teapot")[0]] == ["all"]
    assert [one.id for one in backend.retrieve("kettle teapot", user_id="everybody")[0]] == ["one"]
    assert backend.retrieve("kettle teapot", user_id="nobody")[0] == []


def test_reset_begins_anew_and_without_it_all_is_there(backend: MemsvcBackend, tmp_path: Path) -> None:
    backend.prepare(tmp_path)
    backend.ingest(locomo("conv-1", SESSIONS))
    backend.cleanup()
    backend.prepare(tmp_path, reset=False)
    assert len(backend.retrieve("kayak", 10, "conv-1")[0]) == 6
    backend.prepare(tmp_path, reset=True)
    assert backend.retrieve("kayak", 10, "conv-1")[0] == []


def test_hits_stand_in_for_the_harness_count(backend: MemsvcBackend, tmp_path: Path) -> None:
    backend.prepare(tmp_path)
    backend.ingest(locomo("conv-1", SESSIONS))
    assert len(backend.retrieve("kayak", 2, "conv-1")[0]) == 2
    backend.hits = 5
    assert len(backend.retrieve("kayak", 2, "conv-1")[0]) == 5


def test_a_direct_answer_comes_with_its_quotes(backend: MemsvcBackend, tmp_path: Path) -> None:
    backend.prepare(tmp_path)
    backend.ingest(locomo("conv-1", SESSIONS))
    answer, context, raw = backend.direct_answer("Who learned to whistle?", "conv-1", JUNE)
    assert answer == "The parrot learned to whistle."
    assert context == "Bo: The parrot learned to whistle."
    assert raw is None


def test_asking_before_prepare_says_so(backend: MemsvcBackend, tmp_path: Path) -> None:
    with pytest.raises(MeasurementError, match="call prepare"):
        backend.retrieve("kayak")
    backend.prepare(tmp_path)
    backend.cleanup()
    with pytest.raises(MeasurementError, match="call prepare"):
        backend.ingest([])


def test_questions_may_come_at_once(backend: MemsvcBackend, tmp_path: Path) -> None:
    backend.prepare(tmp_path)
    backend.ingest(locomo("conv-1", SESSIONS))

    async def ask() -> list[tuple[list[Found], None]]:
        asked = [
            asyncio.to_thread(backend.retrieve, "Who has a kayak?", 3, "conv-1") for _ in range(backend.concurrency)
        ]
        return await asyncio.gather(*asked)

    [first, *others] = asyncio.run(ask())
    assert others == [first] * (backend.concurrency - 1)
