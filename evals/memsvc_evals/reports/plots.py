"""The pictures of a run, each an `<svg>` that follows the page's colours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from memsvc_evals.plotting import INK, svg
from memsvc_evals.reports import curves, formats, labels, palette
from memsvc_evals.retrieval.metrics import percentile

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from memsvc_evals.reports.reading import Run

_WIDTH = 10.5  # inches; about 13 pixels a letter on a page 1,060 pixels wide
_ROW = 0.27
_DECADE = 10
_LINES = ("-", "--", "-.", ":")


@dataclass(frozen=True, slots=True)
class Picture:
    """An `<svg>` with what it shows: a heading, a caption for all, and words in its place for who cannot see it."""

    name: str
    title: str
    caption: str
    alt: str
    svg: str


def pictures(run: Run) -> tuple[Picture, ...]:
    """All that this run has figures for.

    Raises:
        MissingDependency: matplotlib is not installed.
    """
    measures = dict.fromkeys((run.main_measure, "f1"))
    found = [
        _trade_off(run, run.main_measure),
        *(_forest(run, name, f"{formats.label(name)} by category") for name in measures),
        _recall(run),
        _forest(run, "escalation", "Escalations by category"),
        _latency(run),
    ]
    return tuple(one for one in found if one is not None)


def _trade_off(run: Run, measure: str) -> Picture | None:
    found = {
        policy: (groups["tokens"], groups[measure])
        for policy in run.policies
        if {"tokens", measure} <= (groups := run.metrics.get(policy, {}).get(run.headline, {})).keys()
    }
    if not found:
        return None
    name = formats.label(measure)
    best = max(found, key=lambda policy: found[policy][1]["mean"])
    return Picture(
        "trade-off",
        f"{name} against tokens a question",
        f"One point a policy, categories {run.headline}, with 95 % intervals. The dashed line joins the policies that "
        "no other one beats in both; up and to the left is better.",
        f"Scatter plot of {len(found)} policies. "
        + " ".join(
            f"{policy}: {formats.value(measure, score['mean'])} % at {formats.count(tokens['mean'])} tokens."
            for policy, (tokens, score) in found.items()
        )
        + f" The highest is {best}.",
        _drawn("trade-off", 4.6, partial(_draw_trade_off, run=run, found=found, name=name)),
    )


def _forest(run: Run, measure: str, title: str) -> Picture | None:
    policies = [name for name in run.policies if any(measure in one for one in run.metrics.get(name, {}).values())]
    groups = [
        group
        for group in dict.fromkeys((run.headline, *(one for one in run.groups if one.isdigit())))
        if any(measure in run.metrics[policy].get(group, {}) for policy in policies)
    ]
    if not policies:
        return None
    draw = partial(_draw_forest, run=run, measure=measure, policies=policies, groups=groups)
    return Picture(
        measure.replace(":", "-"),
        title,
        "A dot a policy, with its 95 % interval.",
        f"Dot plots of {len(policies)} policies in {len(groups)} panels: "
        f"{', '.join(run.heading(group) for group in groups)}. A table below has the figures.",
        _drawn(measure.replace(":", "-"), 0.95 + _ROW * len(policies), draw),
    )


def _recall(run: Run) -> Picture | None:
    found = [curve for curve in curves.recall_curves(run) if curve.recall]
    if not found:
        return None
    return Picture(
        "recall",
        "Evidence among the first k retrieved",
        f"Mean recall@k over the questions of categories {run.headline} that have evidence; failed calls left out. "
        "Policies that share one look-up share a curve.",
        " ".join(
            f"{', '.join(curve.policies)}: {100 * curve.recall[0]:.1f} % at k = 1, {100 * curve.recall[-1]:.1f} % at "
            f"k = {len(curve.recall)}, {curve.n:,} answers."
            for curve in found
        ),
        _drawn("recall", 3.9, partial(_draw_recall, run=run, found=found)),
    )


def _latency(run: Run) -> Picture | None:
    found = curves.times(run)
    if not found:
        return None
    return Picture(
        "latency",
        "Seconds an answer",
        "The dot is the median, the thick line the middle half, the thin line the middle 90 % of the answers, as "
        "if each policy had run alone.",
        " ".join(f"{policy}: median {formats.seconds(percentile(one, 50))} s." for policy, one in found.items()),
        _drawn("latency", 0.9 + _ROW * len(found), partial(_draw_latency, run=run, found=found)),
    )


def _drawn(name: str, height: float, draw: Callable[[Any], None]) -> str:
    return svg(name, (_WIDTH, height), draw, palette.CSS)


def _draw_trade_off(canvas: Any, run: Run, found: Mapping[str, tuple[Any, Any]], name: str) -> None:
    axes = canvas.add_subplot()
    for policy, (tokens, score) in found.items():
        _dot(axes, run, policy, tokens, score)
    means = [(tokens["mean"], 100 * score["mean"]) for tokens, score in found.values()]
    axes.plot(*zip(*_front(means), strict=True), color=INK, alpha=0.4, linestyle="--", linewidth=1.2, zorder=1)
    _scale(axes, [tokens for tokens, _ in means])
    axes.set_xlabel("tokens in and out a question")
    axes.set_ylabel(f"{name}, %")
    axes.margins(x=0.08, y=0.1)
    canvas.draw_without_rendering()  # places are known only once the axes are laid out
    _name_points(axes, run, found)


def _name_points(axes: Any, run: Run, found: Mapping[str, tuple[Any, Any]]) -> None:
    """Beside each point its policy, with a line to it from farther off; no label should lie on a point's intervals."""
    scale = 72 / axes.figure.dpi
    points, marks = [], []
    for tokens, score in found.values():
        corners = [(tokens[end], 100 * score[end]) for end in ("low", "mean", "high")]
        (left, bottom), (x, y), (right, top) = scale * axes.transData.transform(corners)
        points.append((x, y))
        marks += [(left, y - 5, right, y + 5), (x - 5, y - 5, x + 5, y + 5), (x - 2, bottom, x + 2, top)]
    spots = labels.place(points, list(found), marks, scale * axes.get_window_extent().x1)
    for (policy, (tokens, score)), spot in zip(found.items(), spots, strict=True):
        colour = palette.colour(run.policies.index(policy))
        axes.annotate(
            policy,
            (tokens["mean"], 100 * score["mean"]),
            (spot.x, spot.y),
            textcoords="offset points",
            horizontalalignment=spot.side,
            verticalalignment="center",
            color=colour,
            fontweight="bold",
            arrowprops={"arrowstyle": "-", "color": colour, "linewidth": 0.8, "alpha": 0.6} if spot.y else None,
        )


def _dot(axes: Any, run: Run, policy: str, across: Mapping[str, float], up: Mapping[str, float]) -> None:
    place = run.policies.index(policy)
    axes.errorbar(
        across["mean"],
        100 * up["mean"],
        xerr=_arms(across, 1),
        yerr=_arms(up, 100),
        fmt=palette.mark(place),
        color=palette.colour(place),
        markersize=7,
        elinewidth=1.2,
    )


def _draw_forest(canvas: Any, run: Run, measure: str, policies: Sequence[str], groups: Sequence[str]) -> None:
    panels = canvas.subplots(1, len(groups), sharex=True, sharey=True, squeeze=False)[0]
    for axes, group in zip(panels, groups, strict=True):
        size = max(run.metrics[policy].get(group, {}).get(measure, {}).get("n", 0) for policy in policies)
        axes.set_title(f"{run.heading(group)}\n")
        axes.annotate(f"n = {size:,}", (0, 1), (0, 4), xycoords="axes fraction", textcoords="offset points", fontsize=9)
        for row, policy in enumerate(policies):
            one = run.metrics[policy].get(group, {}).get(measure)
            if one is not None:
                place = run.policies.index(policy)
                axes.errorbar(
                    100 * one["mean"], row, xerr=_arms(one, 100), fmt=palette.mark(place),
                    color=palette.colour(place), markersize=6, elinewidth=1.6,
                )  # fmt: skip
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_visible(False)
        axes.set_xlim(-3, 103)
        axes.set_xticks([0, 50, 100], ["0", "50", "100 %"])
    panels[0].set_yticks(range(len(policies)), policies)
    panels[0].set_ylim(len(policies) - 0.5, -0.5)


def _draw_recall(canvas: Any, run: Run, found: Sequence[curves.Curve]) -> None:
    axes = canvas.add_subplot()
    for at, curve in enumerate(found):
        axes.plot(
            range(1, len(curve.recall) + 1),
            [100 * one for one in curve.recall],
            color=palette.colour(run.policies.index(curve.policies[0])),
            linestyle=_LINES[at % len(_LINES)],
            linewidth=2,
            label=", ".join(curve.policies),
        )
    axes.set_xlabel("k, turns retrieved")
    axes.set_ylabel("recall, %")
    axes.set_ylim(0, 100)
    axes.set_xlim(left=1)
    axes.legend(loc="upper left", frameon=False, labelcolor=INK)


def _draw_latency(canvas: Any, run: Run, found: Mapping[str, Sequence[float]]) -> None:
    axes = canvas.add_subplot()
    ends: list[float] = []
    for row, (policy, seconds) in enumerate(found.items()):
        low, first, middle, third, high = (percentile(seconds, q) for q in (5, 25, 50, 75, 95))
        place = run.policies.index(policy)
        axes.hlines(row, low, high, color=palette.colour(place), linewidth=1.4)
        axes.hlines(row, first, third, color=palette.colour(place), linewidth=5)
        axes.plot(middle, row, palette.mark(place), color=palette.colour(place), markersize=8)
        axes.annotate(f"{formats.seconds(middle)} s", (high, row), (8, 0), textcoords="offset points", va="center")
        ends += [low, high]
    _scale(axes, ends)
    axes.margins(x=0.1)
    axes.grid(visible=False, axis="y")
    axes.spines["left"].set_visible(False)
    axes.set_yticks(range(len(found)), list(found))
    axes.set_ylim(len(found) - 0.5, -0.5)
    axes.set_xlabel("seconds")


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
