"""Full deliberation: which messages are read, which facts are kept, what is answered from."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc.errors import InvalidReply, ModelUnavailable
from memsvc.testing import RuleModel
from memsvc_retrievers.choices import Scan
from memsvc_retrievers.deliberation import scan as deliberation
from memsvc_retrievers.deliberation.coverage import Deliberated
from memsvc_retrievers.deliberation.log import Log, chunks, within_budget
from memsvc_retrievers.language import Prompt
from memsvc_retrievers.passages import tokens as tokens_of
from memsvc_store.values.memories import Memory
from tests.retrievers.models import answering, fact, line_numbers, purposes
from tests.retrievers.shards import entry

QUESTION = "What does Ann grow?"
SEARCHED = "Search these lines:\n"


def log(count: int) -> list[Memory]:
    return [entry(key, "Ann" if key % 2 else "Ben", f"I planted {key} roses.").memory for key in range(1, count + 1)]


def facts_of(found: Mapping[int, Sequence[dict[str, Any]]]) -> RuleModel:
    """A model that finds these facts in the chunk that begins with that message."""

    def extract(prompt: Prompt) -> dict[str, Any]:
        return {"facts": list(found.get(line_numbers(prompt, SEARCHED)[0], []))}

    return RuleModel(
        {"extract": extract, "answer": lambda _: answering("roses", 1), "filter": lambda _: {"needed": []}}
    )


def run(
    messages: Sequence[Memory],
    model: RuleModel,
    scan: Scan = Scan(),  # noqa: B008 - frozen
    scores: Mapping[str, float] | None = None,
    told: list[tuple[int, int]] | None = None,
) -> Deliberated:
    def asked() -> Mapping[str, float]:
        assert scores is not None, "scores were asked for, and the log fits the budget"
        return scores

    progress = [] if told is None else told
    return deliberation.deliberate(
        QUESTION, Log.of(messages, scan), model, scan=scan, scores=asked, tell=lambda *step: progress.append(step)
    )


@given(st.lists(st.integers(1, 300), max_size=200), st.integers(1, 80), st.integers(1, 4000))
def test_chunks_hold_every_line_once_in_order(costs: list[int], size: int, room: int) -> None:
    parts = chunks(costs, size, room)
    assert [line for part in parts for line in part] == list(range(len(costs)))
    assert all(len(part) <= size for part in parts)
    assert all(len(part) == 1 or sum(costs[line] for line in part) <= room for part in parts)
    if sum(costs) <= room:
        assert len(parts) == math.ceil(len(costs) / size)


def test_long_messages_make_more_chunks_and_too_long_ones_several_lines() -> None:
    long = [entry(key, "Ann", f"word{key} " * 300).memory for key in range(1, 6)]
    model = facts_of({1: [fact("Ann repeats herself.", 9, 2, quote="word1 word1")]})
    found = run(long, model, Scan(room=1_000))
    shown = [line for prompt in model.prompts if prompt.purpose == "extract" for line in prompt.user.splitlines()]
    assert all(tokens_of(prompt.user) < 1_300 for prompt in model.prompts)
    assert sum(line.count(f"word{key}") for line in shown for key in range(1, 6)) >= 5 * 295
    assert (found.coverage.read, found.coverage.messages) == (5, 5)
    assert [source.message.id for source in found.draft.sources[0].sources] == ["m1"]  # type: ignore[union-attr]


@pytest.mark.parametrize("count", [1, 59, 60, 61, 590])
def test_a_log_of_n_messages_costs_at_most_its_chunks_and_two_calls(count: int) -> None:
    everything = {first: [fact("Ann grows roses.", 9, first)] * 3 for first in range(1, count + 1, 60)}
    model, told = facts_of(everything), []
    run(log(count), model, told=told)
    parts = math.ceil(count / 60)
    assert len(model.prompts) <= parts + 2
    assert purposes(model)[:parts] == ["extract"] * parts
    assert len(model.batches[0]) == parts  # all chunks in one batch
    assert told == [(done, parts) for done in range(1, parts + 1)]


def test_every_message_is_searched_once_and_four_before_the_chunk_are_context() -> None:
    model = facts_of({})
    run(log(130), model)
    searched = [line_numbers(prompt, SEARCHED) for prompt in model.prompts]
    before = [line_numbers(prompt, "Before:\n") for prompt in model.prompts]
    assert searched == [list(range(1, 61)), list(range(61, 121)), list(range(121, 131))]
    assert before == [[], [57, 58, 59, 60], [117, 118, 119, 120]]


def test_chunk_and_context_are_settings() -> None:
    model = facts_of({})
    run(log(25), model, Scan(chunk=10, context=2))
    assert [len(line_numbers(prompt, SEARCHED)) for prompt in model.prompts] == [10, 10, 5]
    assert line_numbers(model.prompts[1], "Before:\n") == [9, 10]


def test_what_the_prompts_of_a_batch_share_comes_first() -> None:
    model = facts_of({})
    run(log(130), model)
    assert len({prompt.system for prompt in model.prompts}) == 1
    assert all(prompt.user.startswith(f"Question: {QUESTION}\n\n") for prompt in model.prompts)


def test_facts_below_six_are_left_out_and_from_six_facts_on_they_are_filtered() -> None:
    scores = [5, 6, 10, 7, 0, 8]
    model = facts_of({1: [fact(f"Fact {score}.", score, 1) for score in scores]})
    found = run(log(3), model)
    assert purposes(model) == ["extract", "answer"]  # four are kept: too few to filter
    assert [f"Fact {score}." in model.prompts[-1].user for score in scores] == [False, True, True, True, False, True]
    assert (found.coverage.facts, found.coverage.kept) == (6, 4)
    six = {1: [fact(f"Fact {place}.", 6, 1) for place in range(6)]}
    model = facts_of(six)
    run(log(3), model)
    assert purposes(model) == ["extract", "filter", "answer"]


def test_the_answer_sees_the_facts_in_the_order_in_which_they_were_said() -> None:
    model = facts_of({1: [fact("Later.", 9, 40), fact("Earlier.", 7, 3)], 61: [fact("Last.", 6, 70)]})
    run(log(80), model)
    shown = model.prompts[-1].user
    assert shown.index("Earlier.") < shown.index("Later.") < shown.index("Last.")


def test_facts_keep_the_ids_of_the_messages_they_came_from_and_the_real_quote() -> None:
    model = facts_of({61: [fact("Ann planted 61 roses.", 9, 61, quote="PLANTED  61 roses")]})
    [passage] = (found := run(log(80), model)).draft.sources  # type: ignore[union-attr]
    assert [(source.message.id, source.quote) for source in passage.sources] == [("m61", "planted 61 roses")]
    assert found.coverage.false_quotes == 0


def test_a_quote_that_does_not_occur_is_dropped_and_counted_and_its_fact_stays() -> None:
    model = facts_of({1: [fact("Ann grows roses.", 9, 2, quote="I adore roses")]})
    found = run(log(5), model)
    assert [source.quote for source in found.draft.sources[0].sources] == [None]  # type: ignore[union-attr]
    assert (found.coverage.false_quotes, found.coverage.unsourced, found.coverage.kept) == (1, 0, 1)


def test_a_quote_counts_only_in_the_messages_that_the_fact_names() -> None:
    found = run(log(80), facts_of({1: [fact("Ann grows roses.", 9, 3, quote="planted 5 roses")]}))
    assert [source.message.id for source in found.draft.sources[0].sources] == ["m3"]  # type: ignore[union-attr]
    assert found.coverage.false_quotes == 1


def test_a_short_quote_alone_tells_no_message() -> None:
    found = run(log(80), facts_of({1: [fact("Ann grows roses.", 9, quote="roses.")]}))
    assert (found.draft, found.coverage.unsourced) == (None, 1)


def test_more_facts_than_fit_leave_the_least_scored_out() -> None:
    facts = [fact(f"Number {n}. " + "and more " * 60, 10 - n % 3, n) for n in range(1, 40)]
    model = facts_of({1: facts})
    found = run(log(40), model, Scan(room=2_000))
    shown = model.prompts[-1].user
    assert tokens_of(shown) < 2_400
    assert 0 < found.coverage.kept < 39
    assert "Number 3." in shown  # of score 10
    assert "Number 2." not in shown  # of score 8


def test_a_fact_that_names_no_message_of_its_chunk_is_dropped_and_counted() -> None:
    context, outside, nothing = fact("A.", 9, 60), fact("B.", 9, 999), fact(" ", 9, 61)
    found = run(log(80), facts_of({61: [context, outside, nothing]}))
    assert found.draft is None
    assert (found.coverage.facts, found.coverage.unsourced, found.coverage.kept) == (3, 3, 0)


def test_a_real_quote_finds_the_message_that_a_fact_forgot_to_name() -> None:
    found = run(log(80), facts_of({61: [fact("Ann planted 70.", 9, quote="planted 70 roses")]}))
    assert [source.message.id for source in found.draft.sources[0].sources] == ["m70"]  # type: ignore[union-attr]


def test_no_facts_is_said_and_nothing_is_asked_of_the_model() -> None:
    model = facts_of({})
    found = run(log(61), model)
    assert found.draft is None
    assert purposes(model) == ["extract", "extract"]
    assert (found.coverage.read, found.coverage.share) == (61, 1.0)


def test_a_chunk_that_cannot_be_read_is_reported_and_the_others_count() -> None:
    def extract(prompt: Prompt) -> dict[str, Any]:
        if line_numbers(prompt, SEARCHED)[0] == 61:
            raise InvalidReply("extract: truncated")
        return {"facts": [fact("Ann grows roses.", 9, 1)] if "[1] " in prompt.user else []}

    found = run(log(130), RuleModel({"extract": extract, "answer": lambda _: answering("roses", 1)}))
    assert found.draft is not None
    assert found.coverage.read == 70
    assert found.coverage.share == 70 / 130
    assert found.coverage.chunks == ((1, 60), (121, 130))
    assert found.coverage.problems == ("messages 61 to 120 were not read: extract: truncated",)


def test_no_chunk_that_can_be_read_is_an_error() -> None:
    def down(prompt: Prompt) -> None:
        raise ModelUnavailable(f"{prompt.purpose}: connection refused")

    with pytest.raises(ModelUnavailable, match="extract"):
        run(log(130), RuleModel({"extract": down}))


def test_beyond_the_budget_the_best_chunks_are_read_and_the_share_is_said() -> None:
    messages, model = log(240), facts_of({})
    per_chunk = sum(tokens_of(message.text) for message in messages[:60]) + 60
    scores = {"m70": 0.9, "m200": 0.95, "m2": 0.1}
    found = run(messages, model, Scan(tokens=2 * per_chunk), scores)
    assert [line_numbers(prompt, SEARCHED)[0] for prompt in model.prompts] == [61, 181]  # in the order of the log
    assert (found.coverage.read, found.coverage.share) == (120, 0.5)
    assert found.coverage.chunks == ((61, 120), (181, 240))


@given(st.lists(st.integers(0, 50), min_size=1, max_size=40), st.data())
def test_within_the_budget(tokens: list[int], data: st.DataObject) -> None:
    parts = chunks(tokens, data.draw(st.integers(1, 10)), 10_000)
    places = st.integers(0, len(tokens) - 1)
    scores = data.draw(st.dictionaries(places, st.floats(-1, 1, allow_nan=False), max_size=10))
    budget = data.draw(st.integers(1, 800))
    chosen = within_budget(parts, tokens, scores, budget)
    assert chosen  # at least one chunk, whatever the budget
    assert chosen == sorted(chosen, key=lambda part: part.start)
    spent = sum(tokens[place] for part in chosen for place in part)
    assert spent <= budget or len(chosen) == 1
    if sum(tokens) <= budget:
        assert chosen == parts


def test_a_case_by_hand_token_for_token() -> None:
    """Two messages, one chunk, one fact: what is read and written is counted by hand below."""
    model = facts_of({1: [fact("Ann grows roses.", 9, 1, quote="1 roses")]})
    run(log(2), model)
    extract, answer = model.prompts
    assert extract.user == (
        "Question: What does Ann grow?\n\nSearch these lines:\n"
        "[1] 2026-03-02 09:01, Monday | Ann: I planted 1 roses.\n"
        "[2] 2026-03-02 09:02, Monday | Ben: I planted 2 roses."
    )
    assert answer.user == (
        "Lines:\n[1] 2026-03-02 09:01, Monday | Ann: Ann grows roses.\n\nQuestion: What does Ann grow?"
    )
