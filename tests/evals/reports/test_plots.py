"""The figures behind the plots, by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING
from xml.etree import ElementTree

import pytest

from memsvc_evals import plotting
from memsvc_evals.reports import plots
from memsvc_evals.reports.curves import recall_curves, recall_table, times, times_table
from memsvc_evals.reports.plots import pictures
from memsvc_evals.reports.reading import Run, read_run
from tests.evals.reports.builders import Plan, build_run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.slow


@pytest.fixture
def run(run_folder: Path) -> Run:
    return read_run(run_folder)


def test_recall_by_depth(run: Run) -> None:
    first, second = (one for one in run.records[:6] if one.policy == "fast")
    records = (
        replace(first, category=1, evidence=("a", "b"), retrieved=("a", "x", "b")),
        replace(second, category=4, evidence=("c",), retrieved=("y", "c")),
        replace(second, question_id="adversarial", category=5, evidence=("d",), retrieved=("z",)),
        replace(second, question_id="without", category=3, evidence=(), retrieved=("z",)),
        replace(second, question_id="failed", category=4, evidence=("e",), retrieved=(), error="down"),
    )
    [curve] = recall_curves(Run(run.folder, run.manifest, records, run.summary))
    assert curve.policies == ("fast",)
    assert curve.recall == (0.25, 0.75, 1.0)
    assert curve.n == 2


def test_policies_that_share_a_look_up_share_a_curve(tmp_path: Path) -> None:
    plan = Plan(policies=("fast", "rag", "quality", "none", "full-context"), failing=("quality",))
    curves = recall_curves(read_run(build_run(tmp_path, plan)))
    assert [curve.policies for curve in curves] == [("fast", "quality"), ("rag",)]
    assert [len(curve.recall) for curve in curves] == [25, 16]


def test_times_leave_out_what_failed(tmp_path: Path) -> None:
    found = times(read_run(build_run(tmp_path, Plan(failing=("scan",)))))
    assert {policy: len(seconds) for policy, seconds in found.items()} == {"fast": 12, "quality": 12, "scan": 11}


def test_what_is_drawn_is_in_a_table_too(run: Run) -> None:
    [curve] = recall_curves(run)
    assert recall_table(run).rows == (
        ("fast, quality, scan", *(f"{100 * curve.recall[k - 1]:.1f}" for k in (1, 5, 10, 25)), "–", str(curve.n)),
    )
    assert [row[0] for row in times_table(run).rows] == ["fast", "quality", "scan"]


def test_every_picture_is_an_image_of_its_figures(run: Run) -> None:
    pytest.importorskip("matplotlib")
    found = {picture.name: picture for picture in pictures(run)}
    assert list(found) == ["trade-off", "judge-lenient-1", "escalation", "recall", "latency"]
    for picture in found.values():
        assert ElementTree.fromstring(picture.svg).get("viewBox")
    drawn = found["escalation"].svg.decode()
    assert ">quality<" in drawn
    assert ">fast<" not in drawn
    assert ">scan<" not in drawn
    assert "1 multi-hop" in drawn


def test_the_front_is_what_nothing_beats() -> None:
    points = [(10.0, 50.0), (1.0, 20.0), (5.0, 50.0), (7.0, 40.0), (20.0, 60.0), (1.0, 10.0)]
    assert plots._front(points) == [(1.0, 20.0), (5.0, 50.0), (20.0, 60.0)]


def test_eleven_policies_are_told_apart() -> None:
    looks = {(plotting.colour(place), plotting.mark(place)) for place in range(11)}
    assert len(looks) == 11


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_colours_stand_out_from_their_page(theme: str) -> None:
    page, colours = {"light": ("#ffffff", plotting.LIGHT), "dark": ("#1b1f24", plotting.DARK)}[theme]
    assert len(colours) == 8
    for colour in colours:
        assert contrast(colour, page) >= 3.0, colour


def contrast(one: str, other: str) -> float:
    """WCAG's."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
