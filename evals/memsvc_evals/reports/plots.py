"""The pictures of a run: score against tokens, scores and escalations by category, recall by depth, and times."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from memsvc_evals.plotting import INK, colour, mark, svg
from memsvc_evals.reports import curves, formats
from memsvc_evals.reports.page import Picture
from memsvc_evals.retrieval.metrics import percentile
from memsvc_evals.table import seconds

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from memsvc_evals.reports.reading import Run

_WIDTH = 10.5  # inches; about 13 pixels a letter on a page 1,060 pixels wide
_ROW = 0.27
_DECADE = 10
_LINES = ("-", "--", "-.", ":")


def pictures(run: Run) -> tuple[Picture, ...]:
    """All that this run has figures for.

    Raises:
        MissingDependency: matplotlib is not installed.
    """
    return tuple(_pictures(run))


def _pictures(run: Run) -> Iterator[Picture]:
    measure = run.main_measure
    scored = {
        policy: (found["tokens"], found[measure])
        for policy in run.policies
        if {"tokens", measure} <= (found := run.metrics.get(policy, {}).get(run.headline, {})).keys()
    }
    if scored:
        yield Picture(
            "trade-off",
            f"{formats.label(measure)} against tokens a question",
            f"One point a policy, categories {run.headline}, with 95 % intervals. The dashed line joins the policies "
            "that no other one beats in both; up and to the left is better.",
            svg((_WIDTH, 4.6), partial(_draw_trade_off, run=run, found=scored, name=formats.label(measure))),
        )
    for name in (measure, "escalation"):
        yield from _forest(run, name)
    if recall := [curve for curve in curves.recall_curves(run) if curve.recall]:
        yield Picture(
            "recall",
            "Evidence among the first k retrieved",
            f"Mean recall@k over the questions of categories {run.headline} that have evidence; failed calls left out. "
            "Policies that share one look-up share a curve.",
            svg((_WIDTH, 3.9), partial(_draw_recall, run=run, found=recall)),
        )
    if times := curves.times(run):
        yield Picture(
            "latency",
            "Seconds an answer",
            "The dot is the median, the thick line the middle half, the thin line the middle 90 % of the answers, as "
            "if each policy had run alone.",
            svg((_WIDTH, 0.9 + _ROW * len(times)), partial(_draw_times, run=run, found=times)),
        )


def _forest(run: Run, measure: str) -> Iterator[Picture]:
    policies = [name for name in run.policies if any(measure in one for one in run.metrics.get(name, {}).values())]
    groups = [
        group
        for group in dict.fromkeys((run.headline, *(one for one in run.groups if one.isdigit())))
        if any(measure in run.metrics[policy].get(group, {}) for policy in policies)
    ]
    if groups:
        draw = partial(_draw_forest, run=run, measure=measure, policies=policies, groups=groups)
        yield Picture(
            measure.replace(":", "-"),
            f"{formats.label(measure)} by category",
            "A dot a policy, with its 95 % interval.",
            svg((_WIDTH, 0.95 + _ROW * len(policies)), draw),
        )


def _draw_trade_off(canvas: Any, run: Run, found: Mapping[str, tuple[Any, Any]], name: str) -> None:
    axes = canvas.add_subplot()
    for policy, (tokens, score) in found.items():
        at = run.policies.index(policy)
        axes.errorbar(
            tokens["mean"], 100 * score["mean"], xerr=_arms(tokens, 1), yerr=_arms(score, 100), fmt=mark(at),
            color=colour(at), markersize=7, elinewidth=1.2, label=policy,
        )  # fmt: skip
    means = [(tokens["mean"], 100 * score["mean"]) for tokens, score in found.values()]
    axes.plot(*zip(*_front(means), strict=True), color=INK, alpha=0.4, linestyle="--", linewidth=1.2, zorder=1)
    _scale(axes, [tokens for tokens, _ in means])
    axes.set_xlabel("tokens in and out a question")
    axes.set_ylabel(f"{name}, %")
    axes.margins(x=0.08, y=0.1)
    canvas.legend(loc="outside right upper")


def _draw_forest(canvas: Any, run: Run, measure: str, policies: Sequence[str], groups: Sequence[str]) -> None:
    panels = canvas.subplots(1, len(groups), sharex=True, sharey=True, squeeze=False)[0]
    for axes, group in zip(panels, groups, strict=True):
        axes.set_title(run.heading(group))
        for row, policy in enumerate(policies):
            one = run.metrics[policy].get(group, {}).get(measure)
            if one is not None:
                at = run.policies.index(policy)
                axes.errorbar(
                    100 * one["mean"], row, xerr=_arms(one, 100), fmt=mark(at), color=colour(at), markersize=6,
                    elinewidth=1.6,
                )  # fmt: skip
        _rows(axes, policies)
        axes.set_xlim(-3, 103)
        axes.set_xticks([0, 50, 100], ["0", "50", "100 %"])


def _draw_recall(canvas: Any, run: Run, found: Sequence[curves.Curve]) -> None:
    axes = canvas.add_subplot()
    for at, curve in enumerate(found):
        axes.plot(
            range(1, len(curve.recall) + 1), [100 * one for one in curve.recall],
            color=colour(run.policies.index(curve.policies[0])), linestyle=_LINES[at % len(_LINES)], linewidth=2,
            label=", ".join(curve.policies),
        )  # fmt: skip
    axes.set_xlabel("k, turns retrieved")
    axes.set_ylabel("recall, %")
    axes.set_ylim(0, 100)
    axes.set_xlim(left=1)
    axes.legend(loc="upper left")


def _draw_times(canvas: Any, run: Run, found: Mapping[str, Sequence[float]]) -> None:
    axes = canvas.add_subplot()
    ends: list[float] = []
    for row, (policy, times) in enumerate(found.items()):
        low, first, middle, third, high = (percentile(times, q) for q in (5, 25, 50, 75, 95))
        at = run.policies.index(policy)
        axes.hlines(row, low, high, color=colour(at), linewidth=1.4)
        axes.hlines(row, first, third, color=colour(at), linewidth=5)
        axes.plot(middle, row, mark(at), color=colour(at), markersize=8)
        axes.annotate(f"{seconds(middle)} s", (high, row), (8, 0), textcoords="offset points", va="center")
        ends += [low, high]
    _scale(axes, ends)
    _rows(axes, list(found))
    axes.margins(x=0.1)
    axes.set_xlabel("seconds")


def _rows(axes: Any, names: Sequence[str]) -> None:
    """A row a name, the first at the top."""
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)


def _scale(axes: Any, values: Sequence[float]) -> None:
    """Logarithmic where the values span a decade and none is zero, else from zero on."""
    from matplotlib.ticker import LogLocator, NullFormatter

    if min(values) > 0 and max(values) >= _DECADE * min(values):
        axes.set_xscale("log")
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
        axes.xaxis.set_minor_formatter(NullFormatter())
    else:
        axes.set_xlim(left=0)
    axes.xaxis.set_major_formatter(lambda number, _: f"{number:,.10g}")


def _arms(interval: Mapping[str, float], factor: float) -> list[list[float]]:
    """How far the interval reaches below and above; an end on the wrong side of the mean by rounding counts as 0."""
    mean = interval["mean"]
    return [[factor * max(0.0, mean - interval["low"])], [factor * max(0.0, interval["high"] - mean)]]


def _front(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """Those that no other point beats with as few tokens and as high a score, from few tokens to many."""
    front: list[tuple[float, float]] = []
    for tokens, score in sorted(points, key=lambda point: (point[0], -point[1])):
        if not front or score > front[-1][1]:
            front.append((tokens, score))
    return front
