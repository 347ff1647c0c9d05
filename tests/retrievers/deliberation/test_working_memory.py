"""HGMem's loop: what is looked up where, how points grow, when it ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from memsvc.errors import ModelUnavailable
from memsvc.testing import RuleModel
from memsvc_retrievers.deliberation.coverage import Deliberated
from memsvc_retrievers.deliberation.working_memory import LOOK, STEPS, Probe, work_out
from memsvc_retrievers.language import Prompt
from memsvc_store.values.memories import Memory, Node
from tests.retrievers.models import answering, line_numbers, purposes, unreadable
from tests.retrievers.shards import entry

QUESTION = "Why did Ann leave?"
MESSAGES = [
    entry(key, speaker, text, session=session).memory
    for key, (speaker, text, session) in enumerate(
        [
            ("Ann", "I left the Royal Theatre in March.", "s1"),
            ("Ben", "The Royal Theatre lost its lease.", "s2"),
            ("Ann", "My knee never healed.", "s3"),
            ("Ben", "The surgeon in Bergen was kind.", "s4"),
        ]
    )
]


class Namespace:
    """Answers look-ups from a list of batches, and remembers what was asked."""

    def __init__(self, *looks: Sequence[Sequence[Memory]]) -> None:
        self._looks = list(looks)
        self.probes: list[list[Probe]] = []

    def __call__(self, probes: Sequence[Probe], limit: int) -> list[list[Memory]]:
        self.probes.append(list(probes))
        assert limit >= LOOK
        return [list(look) for look in self._looks.pop(0)]


def rules(**given: Callable[[Prompt], Any]) -> RuleModel:
    """Inserts one point a line, merges nothing, finds all of it sufficient, unless told otherwise."""

    def insert_each(prompt: Prompt) -> dict[str, Any]:
        return {
            "update": [],
            "insert": [{"point": f"P{n}", "lines": [n]} for n in line_numbers(prompt, "New lines:\n")],
        }

    return RuleModel({"evolve": insert_each, "answer": lambda _: answering("her knee", 1), **given})


def judging(*replies: dict[str, Any]) -> Callable[[Prompt], Any]:
    left = list(replies)
    return lambda _: left.pop(0)


def concern(question: str, *points: int) -> dict[str, Any]:
    return {"question": question, "points": list(points)}


def missing(*concerns: dict[str, Any]) -> dict[str, Any]:
    return {"sufficient": False, "concerns": list(concerns)}


ENOUGH: dict[str, Any] = {"sufficient": True, "concerns": []}


def run(namespace: Namespace, model: RuleModel, told: list[tuple[int, int]] | None = None) -> Deliberated:
    progress = [] if told is None else told
    return work_out(QUESTION, namespace, model, messages=100, room=11_000, tell=lambda *step: progress.append(step))


def test_one_step_when_it_suffices() -> None:
    namespace, model, told = Namespace([MESSAGES[:2]]), rules(judge=judging(ENOUGH)), []
    found = run(namespace, model, told)
    assert namespace.probes == [[Probe(QUESTION)]]
    assert purposes(model) == ["evolve", "judge", "answer"]
    assert told == [(1, STEPS)]
    assert found.draft is not None
    assert found.draft.text == "her knee"
    assert (found.coverage.read, found.coverage.messages, found.coverage.kept) == (2, 100, 2)


def test_a_concern_about_points_looks_near_their_nodes_and_another_one_beyond_all() -> None:
    namespace = Namespace([MESSAGES[:2]], [[MESSAGES[2]], [MESSAGES[3]]])
    model = rules(judge=judging(missing(concern("What happened to the theatre?", 2), concern("Was she ill?")), ENOUGH))
    run(namespace, model)
    local, beyond = namespace.probes[1]
    assert (local.question, beyond.question) == ("What happened to the theatre?", "Was she ill?")
    assert local.near is not None
    assert {Node("thing", "royal theatre"), Node("session", "s2")} <= local.near
    assert Node("session", "s1") not in local.near
    assert beyond.beyond is not None
    assert {Node("session", "s1"), Node("session", "s2")} <= beyond.beyond
    assert not {node.kind for node in local.near | beyond.beyond} & {"speaker", "day"}
    assert (local.beyond, beyond.near) == (None, None)
    assert purposes(model) == ["evolve", "judge", "evolve", "merge", "judge", "answer"]


def test_it_ends_after_three_steps_whatever_the_judge_would_say() -> None:
    namespace = Namespace([MESSAGES[:1]], [MESSAGES[1:2]], [MESSAGES[2:3]], [MESSAGES[3:]])
    model, told = rules(judge=judging(missing(concern("One?")), missing(concern("Two?")), ENOUGH)), []
    run(namespace, model, told)
    assert len(namespace.probes) == STEPS == 3
    assert purposes(model).count("judge") == 2
    assert told == [(1, 3), (2, 3), (3, 3)]


@pytest.mark.parametrize("again", [QUESTION, QUESTION.upper(), "  Why did  Ann leave? ", ""])
def test_a_question_that_was_asked_before_is_not_asked_again(again: str) -> None:
    namespace = Namespace([MESSAGES[:2]])
    run(namespace, rules(judge=judging(missing(concern(again)))))
    assert len(namespace.probes) == 1


def test_at_most_three_concerns_are_followed() -> None:
    namespace = Namespace([MESSAGES[:1]], [[]] * 3)
    concerns = [concern(f"Number {number}?") for number in range(5)]
    run(namespace, rules(judge=judging(missing(*concerns), ENOUGH)))
    assert len(namespace.probes[1]) == 3


def test_a_message_is_shown_once_and_lines_keep_their_numbers() -> None:
    namespace = Namespace([MESSAGES[:2]], [MESSAGES[:3]])
    model = rules(judge=judging(missing(concern("And her knee?", 1)), ENOUGH))
    run(namespace, model)
    evolved = [prompt for prompt in model.prompts if prompt.purpose == "evolve"]
    assert [line_numbers(prompt, "New lines:\n") for prompt in evolved] == [[1, 2], [3]]


def test_an_update_words_a_point_anew_and_adds_sources() -> None:
    def evolve(prompt: Prompt) -> dict[str, Any]:
        if line_numbers(prompt, "New lines:\n") == [1]:
            return {"update": [], "insert": [{"point": "Ann left.", "lines": [1]}]}
        update = {"number": 1, "point": "Ann left since the lease was lost.", "lines": [2, 77]}
        return {"update": [update, {"number": 5, "point": "?", "lines": [2]}], "insert": []}

    namespace = Namespace([MESSAGES[:1]], [MESSAGES[1:2]])
    found = run(namespace, rules(evolve=evolve, judge=judging(missing(concern("Why?", 1)), ENOUGH)))
    [point] = found.draft.sources  # type: ignore[union-attr]
    assert point.text == "Ann left since the lease was lost."
    assert [source.message.id for source in point.sources] == ["m0", "m1"]


def test_merged_points_replace_their_parents_and_none_is_merged_twice() -> None:
    merged = [
        {"numbers": [3, 1], "point": "Both."},
        {"numbers": [1, 2], "point": "Again."},
        {"numbers": [2, 2], "point": "Alone."},
        {"numbers": [2, 9], "point": "Nobody."},
    ]
    namespace = Namespace([MESSAGES[:2]], [MESSAGES[2:3]])
    model = rules(judge=judging(missing(concern("And?", 1)), ENOUGH), merge=lambda _: {"merge": merged})
    found = run(namespace, model)
    points = found.draft.shown[:2]  # type: ignore[union-attr]
    assert [point.text for point in points] == ["Both.", "P2"]
    assert [source.message.id for source in points[0].sources] == ["m0", "m2"]
    assert found.coverage.kept == 2


def test_a_point_that_rests_on_no_line_is_dropped_and_said() -> None:
    inserted = [{"point": "Ann hates rain.", "lines": [8]}, {"point": "Ann left.", "lines": [1]}]
    model = rules(evolve=lambda _: {"update": [], "insert": inserted}, judge=judging(ENOUGH))
    found = run(Namespace([MESSAGES[:1]]), model)
    assert found.coverage.kept == 1
    assert "Ann hates rain." in found.coverage.problems[0]


def test_the_answer_sees_the_points_and_then_the_messages_in_the_order_said() -> None:
    model = rules(judge=judging(ENOUGH))
    run(Namespace([[MESSAGES[2], MESSAGES[0]]]), model)
    shown = model.prompts[-1].user
    assert shown.index("P1") < shown.index("P2") < shown.index("Royal Theatre") < shown.index("knee")


@pytest.mark.parametrize("purpose", ["evolve", "judge", "merge"])
def test_a_reply_that_cannot_be_read_ends_the_growing_and_not_the_answering(purpose: str) -> None:
    judge = judging(missing(concern("And?", 1)), ENOUGH)
    model = rules(**{"judge": judge, purpose: unreadable})
    found = run(Namespace([MESSAGES[:2]], [MESSAGES[2:]]), model)
    assert any(purpose in problem for problem in found.coverage.problems)
    assert (found.draft is None) == (purpose == "evolve")  # without a single point there is nothing to answer from


def test_a_model_that_is_down_is_an_error() -> None:
    def down(prompt: Prompt) -> None:
        raise ModelUnavailable(f"{prompt.purpose}: connection refused")

    with pytest.raises(ModelUnavailable, match="evolve"):
        run(Namespace([MESSAGES]), rules(evolve=down))
