"""`ask` with a model: which process answers, what it reads, what it tells, what it costs."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from memsvc import Answer, Event, Memory, Settings
from memsvc.asking.answer import NOT_ANSWERED, NOTHING_FOUND
from memsvc.errors import Cancelled, InvalidFilter, InvalidInput, InvalidReply, ModelUnavailable, SettingsError
from memsvc.testing import HashEmbedder, RuleModel
from memsvc_retrievers.language import Prompt
from memsvc_retrievers.passages import Passage
from memsvc_retrievers.prompts import answering as prompts
from memsvc_store.values.text import count_tokens
from tests.memsvc.conftest import ticking
from tests.retrievers.models import answering, fact, judgement, line_numbers, purposes, unreadable

QUESTION = "Where does Ann live?"
TALK = [
    {"name": "Ann", "content": "I moved to Oslo last week.", "timestamp": "2026-03-02T09:00:00Z", "session_id": "s1"},
    {"name": "Ben", "content": "How is the new flat?", "timestamp": "2026-03-02T09:01:00Z", "session_id": "s1"},
    {
        "name": "Ann",
        "content": "Small. I live by the harbour.",
        "timestamp": "2026-03-02T09:02:00Z",
        "session_id": "s1",
    },
    {"name": "Ben", "content": "I adopted a cat.", "timestamp": "2026-04-01T10:00:00Z", "session_id": "s2"},
]


def model(**rules: Callable[[Prompt], Any]) -> RuleModel:
    """Drafts "Oslo" from the line that says so, passes it, and finds it again when it reads the log."""

    def drafted(prompt: Prompt) -> dict[str, Any]:
        lines = prompt.user.splitlines()
        return answering("Oslo", *[int(line[1 : line.index("]")]) for line in lines if "Oslo" in line])

    def extract(prompt: Prompt) -> dict[str, Any]:
        lines = prompt.user.partition("Search these lines:\n")[2].splitlines()
        numbers = [int(line[1 : line.index("]")]) for line in lines if "Oslo" in line]
        return {"facts": [fact("Ann lives in Oslo.", 9, number, quote="moved to Oslo") for number in numbers]}

    return RuleModel({"draft": drafted, "answer": drafted, "gate": lambda _: judgement(), "extract": extract, **rules})


@pytest.fixture
def talk(memory: Memory) -> Memory:
    memory.add(TALK, namespace="ann")
    return memory


def events(memory: Memory, using: RuleModel, **options: Any) -> list[Event]:
    return list(memory.ask_stream(QUESTION, namespace="ann", model=using, **options))


def test_a_fast_answer_names_its_message_and_what_it_cost(talk: Memory) -> None:
    using = model()
    answer = talk.ask(QUESTION, namespace="ann", model=using)
    assert (answer.text, answer.process, answer.coverage) == ("Oslo", "fast", None)
    [evidence] = answer.evidence
    assert (evidence.quote, evidence.speaker, evidence.cited) == ("I moved to Oslo last week.", "Ann", True)
    assert evidence.quote in talk.get(evidence.id, namespace="ann").text
    assert answer.verdict is not None
    assert [reason.passed for reason in answer.verdict.reasons] == [True, True, True]
    assert [call.purpose for call in answer.ledger.calls] == ["draft", "gate"] == purposes(using)
    assert answer.seconds > 0


def test_a_fast_answer_that_fails_is_deliberated(talk: Memory) -> None:
    using = model(gate=lambda _: judgement(completeness="no street"))
    answer = talk.ask(QUESTION, namespace="ann", model=using)
    assert (answer.text, answer.process) == ("Oslo", "scan")
    assert answer.verdict is not None
    assert answer.verdict.escalate
    assert answer.coverage is not None
    assert (answer.coverage.messages, answer.coverage.read, answer.coverage.kept) == (4, 4, 1)
    assert [evidence.quote for evidence in answer.evidence] == ["moved to Oslo"]
    assert purposes(using) == ["draft", "gate", "extract", "answer"]


def test_the_ledger_by_hand_token_for_token(talk: Memory) -> None:
    using = model(gate=lambda _: judgement(relevance="off"))
    answer = talk.ask(QUESTION, namespace="ann", model=using)
    said = {one.text: one for one in talk.list(namespace="ann")}
    ranked = [Passage.of(hit.memory) for hit in talk.search(QUESTION, namespace="ann", top_k=30)]
    oslo = 1 + [passage.text for passage in ranked].index(TALK[0]["content"])
    fact_line = Passage("Ann lives in Oslo.", said[TALK[0]["content"]].valid_from, "Ann", ())
    asked = [
        prompts.answer(QUESTION, ranked, purpose="draft"),
        prompts.gate(QUESTION, ranked, "Oslo"),
        prompts.extract(QUESTION, [], [Passage.of(one) for one in talk.list(namespace="ann")], 1),
        prompts.answer(QUESTION, [fact_line]),
    ]
    written = [
        f'{{"thoughts": "", "answer": "Oslo", "sources": [{oslo}]}}',
        '{"relevance": {"reason": "off", "status": "fail"}, "faithfulness": {"reason": "fine", "status": "pass"}, '
        '"completeness": {"reason": "fine", "status": "pass"}}',
        '{"facts": [{"fact": "Ann lives in Oslo.", "score": 9, "messages": [1], "quote": "moved to Oslo"}]}',
        '{"thoughts": "", "answer": "Oslo", "sources": [1]}',
    ]
    assert using.prompts == asked
    assert [(call.prompt_tokens, call.completion_tokens) for call in answer.ledger.calls] == [
        (count_tokens(prompt.system) + count_tokens(prompt.user), count_tokens(reply))
        for prompt, reply in zip(asked, written, strict=True)
    ]


def test_what_the_look_up_found_is_told_in_its_order(talk: Memory) -> None:
    found = [hit.id for hit in talk.search(QUESTION, namespace="ann", top_k=30)]
    assert list(talk.ask(QUESTION, namespace="ann", model=model()).retrieved) == found
    assert list(talk.ask(QUESTION, namespace="ann").retrieved) == found[:10], "without a model too"


@pytest.mark.parametrize(
    "options",
    [
        {"gate": "never"},
        {"gate": "majority"},
        {"gate": "always", "deliberation": "scan"},
        {"gate": "always", "deliberation": "hypergraph"},
    ],
)
def test_style_reaches_every_prompt_that_answers_and_no_other(talk: Memory, options: dict[str, Any]) -> None:
    def asked(style: str) -> list[tuple[str, str]]:
        using = model()
        talk.ask(QUESTION, namespace="ann", model=using, style=style, **options)  # type: ignore[arg-type]
        return [(prompt.purpose, prompt.system) for prompt in using.prompts]

    short, reasoned = asked("short"), asked("reasoned")
    assert asked("short") == short
    differ = {purpose for (purpose, one), (_, other) in zip(short, reasoned, strict=True) if one != other}
    assert differ == {purpose for purpose, _ in short} & {"draft", "answer"}


def test_style_is_a_setting_and_a_wrong_one_is_refused(talk: Memory) -> None:
    with pytest.raises(InvalidInput, match="short, reasoned"):
        talk.ask(QUESTION, namespace="ann", model=model(), style="long")  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="a style came, and no language model"):
        talk.ask(QUESTION, namespace="ann", style="reasoned")


def test_none_goes_to_deliberation_without_the_gate(talk: Memory) -> None:
    using = model(draft=lambda _: answering("NONE"))
    assert talk.ask(QUESTION, namespace="ann", model=using).process == "scan"
    assert purposes(using) == ["draft", "extract", "answer"]


def test_no_facts_falls_back_to_the_fast_memories_and_says_so(talk: Memory) -> None:
    using = model(gate=lambda _: judgement(relevance="off"), extract=lambda _: {"facts": []})
    answer = talk.ask(QUESTION, namespace="ann", model=using)
    assert (answer.text, answer.process) == ("Oslo", "fast")
    assert answer.coverage is not None
    assert (answer.coverage.read, answer.coverage.kept) == (4, 0)
    assert purposes(using) == ["draft", "gate", "extract"]
    always = model(extract=lambda _: {"facts": []})
    answer = talk.ask(QUESTION, namespace="ann", model=always, gate="always")
    assert (answer.text, answer.process) == ("Oslo", "fast")
    assert purposes(always) == [
        "extract",
        "answer",
    ]  # no draft to fall back on: one call more, still chunks + 2 at most


def test_no_answer_anywhere_is_said(talk: Memory) -> None:
    none = lambda _: answering("NONE")  # noqa: E731
    answer = talk.ask(QUESTION, namespace="ann", model=model(draft=none, answer=none))
    assert (answer.text, answer.process, answer.evidence) == (NOT_ANSWERED, "abstained", ())
    never = talk.ask(QUESTION, namespace="ann", model=model(draft=none), gate="never")
    assert (never.text, never.process, never.coverage) == (NOT_ANSWERED, "abstained", None)


def test_a_question_of_every_day_does_not_crowd_out_its_answer(memory: Memory) -> None:
    asked = "What does an inner tube cost today?"
    days = [{"role": "user", "content": asked, "timestamp": f"2026-03-{day:02}T09:00:00Z"} for day in range(1, 32)]
    memory.add([*days, {"role": "tool", "content": '{"item": "inner tube", "price": "89 kr"}'}], namespace="shop")
    assert all(hit.text == asked for hit in memory.search(asked, namespace="shop"))
    plain = memory.ask(asked, namespace="shop")
    assert "89 kr" in plain.text
    assert len(plain.retrieved) == 2
    drafted = memory.ask(asked, namespace="shop", model=RuleModel(), gate="never")
    latest = memory.list(namespace="shop", until="2026-03-31", role="user", order="newest", limit=1)
    assert latest[0].id in drafted.retrieved
    assert len(drafted.retrieved) == 2


def test_an_empty_namespace_costs_no_call(memory: Memory) -> None:
    using = model()
    answer = memory.ask(QUESTION, namespace="nobody", model=using, gate="always")
    assert (answer.text, answer.process) == (NOTHING_FOUND, "abstained")
    assert not using.prompts


def test_an_answer_that_names_no_source_gets_the_nearest_ones_marked_as_not_cited(talk: Memory) -> None:
    answer = talk.ask(QUESTION, namespace="ann", model=model(draft=lambda _: answering("By the harbour in Oslo")))
    assert len(answer.evidence) == 3
    assert not any(evidence.cited for evidence in answer.evidence)


def test_events_tell_each_step_in_order(talk: Memory) -> None:
    told = events(talk, model(gate=lambda _: judgement(relevance="off")), top_k=2)
    assert [event.stage for event in told] == ["retrieved", "drafted", "judged", "deliberating", "answered"]
    assert (told[0].done, told[1].text, told[3].done, told[3].total) == (2, "Oslo", 1, 1)
    assert told[2].verdict is not None
    assert told[2].verdict.escalate
    assert [event.seconds for event in told] == sorted(event.seconds for event in told)
    heard: list[Event] = []
    answer = talk.ask(QUESTION, namespace="ann", model=model(), on_event=heard.append)
    assert [event.stage for event in heard] == ["retrieved", "drafted", "judged", "answered"]
    assert heard[-1].answer is answer


def test_events_without_a_model(talk: Memory) -> None:
    told = list(talk.ask_stream(QUESTION, namespace="ann"))
    assert [event.stage for event in told] == ["retrieved", "answered"]
    assert told[-1].answer is not None
    assert told[-1].answer.process == "extractive"


def test_deliberation_reads_the_whole_log_of_this_namespace_in_chunks(memory: Memory) -> None:
    for name in ("ann", "eve"):
        memory.add([{"name": name, "content": f"{name} said number {n}."} for n in range(130)], namespace=name)
    using = model()
    told = events(memory, using, gate="always")
    read = [line for prompt in using.prompts if prompt.purpose == "extract" for line in prompt.user.splitlines()]
    assert not [line for line in read if "eve" in line]
    chunks = [line_numbers(prompt, "Search these lines:\n") for prompt in using.prompts if prompt.purpose == "extract"]
    assert [number for chunk in chunks for number in chunk] == list(range(1, 131))
    assert [(event.done, event.total) for event in told if event.stage == "deliberating"] == [(1, 3), (2, 3), (3, 3)]
    assert len(using.prompts) <= math.ceil(130 / 60) + 2


def test_deliberation_reads_sessions_one_after_the_other(memory: Memory) -> None:
    def said(session: str, minute: int) -> dict[str, Any]:
        return {"content": f"{session} at {minute}", "session_id": session, "timestamp": 1.78e9 + 60 * minute}

    memory.add([said("b", 1), said("a", 2), said("b", 3), said("a", 4), said("b", 0)], namespace="ann")
    using = model()
    memory.ask(QUESTION, namespace="ann", model=using, gate="always")
    lines = using.prompts[0].user.partition("Search these lines:\n")[2].splitlines()
    assert [line.split(": ", 1)[1] for line in lines] == ["b at 0", "b at 1", "b at 3", "a at 2", "a at 4"]


def test_deliberation_reads_what_stands_now(talk: Memory) -> None:
    oslo, flat, *_ = talk.list(namespace="ann")
    talk.update(oslo.id, namespace="ann", text="I went to Oslo, no, to Bergen.")
    talk.delete(flat.id, namespace="ann")
    using = model()
    answer = talk.ask(QUESTION, namespace="ann", model=using, gate="always", deliberation="scan")
    read = using.prompts[0].user
    assert "Bergen" in read
    assert "new flat" not in read
    assert answer.coverage is not None
    assert answer.coverage.messages == 3
    assert answer.coverage.false_quotes == 1  # "moved to Oslo" stands in the raw log; its memory was corrected


@pytest.mark.parametrize("deliberation", ["scan", "hypergraph"])
def test_filters_hold_for_deliberation(talk: Memory, deliberation: Any) -> None:
    using = model()
    told = events(talk, using, gate="always", deliberation=deliberation, speaker="Ben", session_id="s1")
    shown = "\n".join(prompt.user for prompt in using.prompts)
    assert "new flat" in shown
    assert "Oslo last week" not in shown
    assert "cat" not in shown
    assert told[-1].answer is not None


def test_the_hypergraph_process(talk: Memory) -> None:
    def evolve(prompt: Prompt) -> dict[str, Any]:
        return {"update": [], "insert": [{"point": "Ann lives in Oslo, by the harbour.", "lines": [1, 2]}]}

    using = model(evolve=evolve, judge=lambda _: {"sufficient": True, "concerns": []})
    answer = talk.ask(QUESTION, namespace="ann", model=using, gate="always", deliberation="hypergraph")
    assert answer.process == "hypergraph"
    assert purposes(using) == ["evolve", "judge", "answer"]
    known = {memory.id: memory.text for memory in talk.list(namespace="ann")}
    assert answer.evidence
    for evidence in answer.evidence:
        assert evidence.quote in known[evidence.id]


def test_a_concern_is_looked_up_near_its_point_or_beyond_all(talk: Memory) -> None:
    concerns = [{"question": "Where is the harbour?", "points": [1]}, {"question": "Any pets?", "points": []}]
    judged = [{"sufficient": False, "concerns": concerns}, {"sufficient": True, "concerns": []}]

    def evolve(prompt: Prompt) -> dict[str, Any]:
        numbers = line_numbers(prompt, "New lines:\n")
        return {"update": [], "insert": [{"point": "P", "lines": numbers[:1]}]}

    using = model(evolve=evolve, judge=lambda _: judged.pop(0))
    talk.add([{"name": "Ann", "content": f"Filler {n}.", "session_id": f"f{n}"} for n in range(12)], namespace="ann")
    events(talk, using, gate="always", deliberation="hypergraph")
    first, second = (prompt.user for prompt in using.prompts if prompt.purpose == "evolve")
    assert len(line_numbers(using.prompts[0], "New lines:\n")) == 10
    assert line_numbers(next(p for p in using.prompts if p.user == second), "New lines:\n")[0] == 11
    assert first != second


def test_auto_scans_while_the_log_fits_and_grows_a_memory_beyond(path: Path) -> None:
    using = model()
    for tokens, process in ((1000, "extract"), (5, "evolve")):
        settings = Settings.load(scan_tokens=tokens)
        with Memory.open(path, embedder=HashEmbedder(), language_model=using, settings=settings) as memory:
            memory.add(TALK, namespace="ann")
            using.batches.clear()
            memory.ask(QUESTION, namespace="ann", gate="always")
            assert purposes(using)[0] == process


def test_beyond_the_budget_the_chunks_that_the_look_up_likes_are_read_and_the_share_is_told(path: Path) -> None:
    settings = Settings.load(scan_tokens=120, chunk_messages=10)
    talk = [{"name": "Ben", "content": f"We talked about number {n} again.", "session_id": "s"} for n in range(60)]
    talk[35] = {"name": "Ann", "content": "I moved to Oslo and live there.", "session_id": "s"}
    with Memory.open(path, embedder=HashEmbedder(), settings=settings, now=ticking()) as memory:
        memory.add(talk, namespace="ann")
        using = model()
        answer = memory.ask(QUESTION, namespace="ann", model=using, gate="always", deliberation="scan")
    assert answer.text == "Oslo"
    assert answer.coverage is not None
    assert answer.coverage.messages == 60
    assert 0 < answer.coverage.share < 0.5
    assert answer.coverage.read == 10 * purposes(using).count("extract")


def test_settings_choose_gate_deliberation_and_chunks(path: Path) -> None:
    settings = Settings.load(gate="always", deliberation="scan", chunk_messages=2, context_messages=1)
    using = model()
    with Memory.open(path, embedder=HashEmbedder(), language_model=using, settings=settings) as memory:
        memory.add(TALK, namespace="ann")
        memory.ask(QUESTION, namespace="ann")
        assert memory.language_model is using
    assert purposes(using) == ["extract", "extract", "answer"]
    assert line_numbers(using.prompts[1], "Before:\n") == [2]


@pytest.mark.parametrize(
    ("options", "error", "says"),
    [
        ({"gate": "sometimes"}, InvalidInput, "quality"),
        ({"deliberation": "yes"}, InvalidInput, "hypergraph"),
        ({"top_k": 0}, InvalidInput, "top_k"),
        ({"gat": "never"}, InvalidFilter, "did you mean 'gate'"),
        ({"speeker": "Ann"}, InvalidFilter, "did you mean 'speaker'"),
        ({"gate": ["quality"]}, InvalidInput, "gate came as"),
    ],
)
def test_wrong_input_is_said_before_any_call(talk: Memory, options: dict[str, Any], error: type, says: str) -> None:
    using = model()
    with pytest.raises(error, match=says):
        talk.ask(QUESTION, namespace="ann", model=using, **options)
    with pytest.raises(error, match=says):
        talk.ask_stream(QUESTION, namespace="ann", model=using, **options)
    assert not using.prompts


@pytest.mark.parametrize("options", [{"gate": "quality"}, {"deliberation": "scan"}])
def test_a_gate_without_a_model_is_said(talk: Memory, options: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="MEMSVC_MODEL"):
        talk.ask(QUESTION, namespace="ann", **options)


def test_a_model_that_is_down_is_an_error_and_harms_nothing(talk: Memory) -> None:
    def down(prompt: Prompt) -> None:
        raise ModelUnavailable(f"{prompt.purpose}: connection refused")

    before = [memory.id for memory in talk.list(namespace="ann")]
    for rules in ({"draft": down}, {"gate": down}, {"draft": unreadable}):
        with pytest.raises((ModelUnavailable, InvalidReply)):
            talk.ask(QUESTION, namespace="ann", model=model(**rules))
        with pytest.raises((ModelUnavailable, InvalidReply)):
            list(talk.ask_stream(QUESTION, namespace="ann", model=model(**rules)))
    assert [memory.id for memory in talk.list(namespace="ann")] == before


def test_what_a_question_cost_until_it_failed_is_told_with_the_error(talk: Memory) -> None:
    def down(prompt: Prompt) -> None:
        raise ModelUnavailable(f"{prompt.purpose}: connection refused")

    with pytest.raises(ModelUnavailable) as told:
        talk.ask(QUESTION, namespace="ann", model=model(gate=down))
    assert told.value.ledger is not None
    assert [(call.purpose, call.error) for call in told.value.ledger.calls] == [
        ("draft", None),
        ("gate", "gate: connection refused"),
    ]


def test_what_a_listener_raises_ends_the_work(talk: Memory) -> None:
    def stop(event: Event) -> None:
        raise RuntimeError(event.stage)

    using = model()
    with pytest.raises(RuntimeError, match="retrieved"):
        talk.ask(QUESTION, namespace="ann", model=using, on_event=stop)
    assert not using.prompts


def test_leaving_a_stream_early_cancels_the_work(talk: Memory) -> None:
    drafting, going_on = threading.Event(), threading.Event()

    def slow(prompt: Prompt) -> dict[str, Any]:
        drafting.set()
        assert going_on.wait(10)
        return answering("Oslo", 1)

    using = model(draft=slow)
    stream: Iterator[Event] = talk.ask_stream(QUESTION, namespace="ann", model=using)
    assert next(stream).stage == "retrieved"
    assert drafting.wait(10)
    threading.Timer(0.05, going_on.set).start()
    stream.close()  # type: ignore[attr-defined]
    assert purposes(using) == ["draft"]  # the gate was never asked
    assert [thread.name for thread in threading.enumerate() if thread.name == "memsvc-ask"] == []


def test_a_model_may_be_cancelled_in_the_middle_of_a_batch(talk: Memory) -> None:
    stream = talk.ask_stream(QUESTION, namespace="ann", model=model(), gate="always")
    for event in stream:
        assert event.stage == "retrieved"
        break
    stream.close()  # type: ignore[attr-defined]


def test_two_questions_at_once_keep_their_ledgers_apart(talk: Memory) -> None:
    using, answers = model(), []

    def ask() -> None:
        answers.append(talk.ask(QUESTION, namespace="ann", model=using))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(answers) == 8
    assert {len(answer.ledger.calls) for answer in answers} == {2}
    assert len(using.prompts) == 16


def test_the_default_rules_answer_by_words(talk: Memory) -> None:
    answer: Answer = talk.ask("Who adopted a cat?", namespace="ann", model=RuleModel())
    assert (answer.process, answer.text) == ("fast", "I adopted a cat.")
    with pytest.raises(Cancelled):
        RuleModel().complete_many([Prompt("", "", "draft")], watch=_Stopped())


class _Stopped:
    def finished(self, completion: object) -> None:
        raise AssertionError(completion)

    def cancelled(self) -> bool:
        return True


def test_what_is_deleted_while_the_model_works_is_no_evidence(talk: Memory) -> None:
    def drafted_after_a_deletion(prompt: Prompt) -> dict[str, Any]:
        oslo = next(one for one in talk.list(namespace="ann") if "Oslo" in one.text)
        talk.delete(oslo.id, namespace="ann")
        return answering("Oslo", 1, 2, 3, 4)

    answer = talk.ask(QUESTION, namespace="ann", model=model(draft=drafted_after_a_deletion))
    live = {one.id for one in talk.list(namespace="ann")}
    assert len(answer.evidence) == 3
    assert {evidence.id for evidence in answer.evidence} <= live


def test_a_prompt_never_exceeds_the_models_context(path: Path) -> None:
    settings = Settings.load(model_context=8_000, gate="always")
    talk = [{"name": "Ann", "content": f"Number {n}. " + "We talked on and on. " * 900} for n in range(4)]
    for deliberation in ("scan", "hypergraph"):
        using = model(draft=lambda _: answering("NONE"))
        with Memory.open(path, embedder=HashEmbedder(), settings=settings) as memory:
            memory.add(talk, namespace="ann", key="talk")
            answer = memory.ask(QUESTION, namespace="ann", model=using, gate="quality", deliberation=deliberation)
        assert answer.coverage is not None
        assert max(count_tokens(prompt.system) + count_tokens(prompt.user) for prompt in using.prompts) < 4_000
    assert sum(prompt.purpose == "extract" for prompt in using.prompts) == 0


def test_facts_keep_to_the_filters_and_do_not_repeat_what_is_shown(path: Path) -> None:
    facts = {"facts": [{"fact": "Ann lives in Oslo and Ben hides a key.", "messages": [1, 2]}]}
    using = model(facts=lambda _: facts)
    with Memory.open(path, embedder=HashEmbedder(), language_model=using, now=ticking()) as memory:
        memory.add(
            [
                {"name": "Ann", "content": "I live in Oslo.", "session_id": "s"},
                {"name": "Ben", "content": "I hide a key.", "session_id": "s"},
            ],
            namespace="ann",
        )
        memory.extract(namespace="ann")
        assert [one.kind for one in memory.list(namespace="ann")].count("fact") == 1
        for options in ({"speaker": "Ann"}, {}):
            using.batches.clear()
            memory.ask(QUESTION, namespace="ann", gate="never", min_relevance=0, **options)  # type: ignore[arg-type]
            assert "hides a key" not in using.prompts[0].user
        using.batches.clear()
        memory.ask(QUESTION, namespace="ann", gate="never", kind="fact")
        assert "hides a key" in using.prompts[0].user


@pytest.mark.parametrize("wrong", [3, object(), "", " "])
def test_a_model_that_is_none_is_said(talk: Memory, wrong: Any) -> None:
    with pytest.raises(InvalidInput, match="model came as"):
        talk.ask(QUESTION, namespace="ann", model=wrong)
