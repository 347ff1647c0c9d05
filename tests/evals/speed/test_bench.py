from __future__ import annotations

import sys
from pathlib import Path

import pytest

from memsvc.testing import HashEmbedder
from memsvc_evals import Measurement, MeasurementError, Sizes, run_bench
from memsvc_evals.speed import chatter
from memsvc_evals.speed.workbench import Judged, Race, python

pytestmark = pytest.mark.slow

TINY = Sizes(
    batch=5, batches=3, memories=40, queries=4, cold_memories=5, cold_runs=1, home=20, namespaces=3, log=70,
    deliberations=1, latency=0.01,
)  # fmt: skip


@pytest.mark.parametrize(
    ("judged", "value", "ok"),
    [
        ("ratio at least", 8.0, True),
        ("ratio at least", 7.9, False),
        ("ratio at most", 8.0, True),
        ("ratio at most", 8.1, False),
        ("value at most", 0.8, True),
        ("value at least", 0.7, False),
    ],
)
def test_bars(judged: Judged, value: float, ok: bool) -> None:
    found = Measurement("x", value, 10.0, "ms", 0.8, judged, "what")
    assert found.ok is ok
    assert found.to_dict() == {
        "name": "x",
        "value": value,
        "baseline": 10.0,
        "unit": "ms",
        "bar": 0.8,
        "judged": judged,
        "what": "what",
        "ratio": value / 10,
        "ok": ok,
    }


def test_a_race_takes_turns() -> None:
    order: list[str] = []
    race = Race()
    for _ in range(3):
        race.run(lambda: order.append("ours"), lambda: order.append("plain"))
    assert order == ["ours", "plain", "plain", "ours", "ours", "plain"]
    assert len(race.ours) == len(race.plain) == 3
    assert race.run(lambda: 1, lambda: "b") == (1, "b")


def test_made_up_texts_repeat_with_their_seed_and_never_within() -> None:
    messages = chatter.messages(2_000)
    assert messages == chatter.messages(2_000)
    assert len({message["content"] for message in messages}) == 2_000
    lengths = sorted(len(message["content"].split()) for message in messages)
    assert lengths[20] >= 10
    assert 15 <= lengths[1_000] <= 23
    assert lengths[-20] <= 28
    assert chatter.questions(5) == chatter.questions(5)


def test_measurements_with_a_fast_embedder() -> None:
    seen: list[tuple[str, int, int]] = []
    found = run_bench(
        sizes=TINY,
        only=["add", "search", "namespaces", "approximate", "ask", "fan_out", "learning", "harness"],
        embedder=HashEmbedder(),
        progress=lambda *step: seen.append(step),
    )
    assert [measured.name for measured in found] == [
        "add", "search", "namespaces", "namespaces_same", "approximate", "approximate_time",
        "ask", "ask_scan", "fan_out", "feedback", "blend", "harness",
    ]  # fmt: skip
    assert all(measured.value > 0 and measured.baseline > 0 for measured in found)
    by_name = {measured.name: measured for measured in found}
    assert by_name["namespaces_same"].value == by_name["approximate"].value == 1.0
    assert "final hits" in by_name["approximate"].what
    assert (by_name["approximate_time"].judged, by_name["approximate_time"].bar) == ("ratio at most", 1.2)
    last = {name: (done, total) for name, done, total in seen}
    assert all(done == total for done, total in last.values())


def test_an_unknown_measurement() -> None:
    with pytest.raises(MeasurementError, match="no measurement is named 'ad'; there are add, search"):
        run_bench(only=["ad"])


def test_a_command_that_fails_is_an_error_with_what_it_said() -> None:
    with pytest.raises(MeasurementError, match="ended with 3: oh no"):
        python("-c", "import sys; sys.stderr.write('oh no'); sys.exit(3)")


def test_the_process_is_this_python() -> None:
    python("-c", f"import sys; assert sys.executable == {sys.executable!r}")
    assert Path(sys.executable).exists()
