"""Two runs of one data set, or two policies of one run, question by question."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  # pydantic reads it
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memsvc.errors import InvalidInput
from memsvc_evals.answers.measures import RESAMPLES, by_question, measures_of
from memsvc_evals.errors import MeasurementError
from memsvc_evals.reports.questions import QUESTIONS_FOLDER, RIGHT, mark, page_names
from memsvc_evals.reports.reading import heading, read_run
from memsvc_evals.scoring import paired
from memsvc_store.values.document import Value as Document

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from memsvc_evals.answers.measures import Value
    from memsvc_evals.answers.records import Record
    from memsvc_evals.reports.reading import Run

_OF_A_RUN = ("settings", "policies", "selection", "dataset")
"""What a comparison says in other words."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How much higher a measure is afterwards than before, over the `n` questions of a group that both have."""

    measure: str
    group: str
    difference: float
    low: float
    high: float
    p: float | None
    n: int


@dataclass(frozen=True, slots=True)
class Flip:
    """A question that one side got right and the other wrong; marks from 0 to 1, and its pages."""

    question_id: str
    category: int
    before: float
    after: float
    pages: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Flips:
    """The questions that got better and worse by a measure."""

    measure: str
    better: tuple[Flip, ...]
    worse: tuple[Flip, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """Two policies compared."""

    before: str
    after: str
    differences: tuple[Difference, ...]
    flips: Flips


@dataclass(frozen=True, slots=True)
class Comparison(Document):
    """Two runs, or one with itself, compared.

    `settings` differ between them, `only` counts the questions of one side alone, both by "before" and "after".
    """

    dataset: str
    before: str
    after: str
    questions: int
    only: Mapping[str, int]
    settings: Mapping[str, Mapping[str, Any]]
    pairs: tuple[Pair, ...]

    def heading(self, group: str) -> str:
        """A group of categories, by number and name."""
        return heading(self.dataset, group)


def compare_runs(before: str | Path, after: str | Path | None = None, *, policies: Sequence[str] = ()) -> Comparison:
    """Compare policies question by question; a difference is `after` less `before`.

    Args:
        before: a run directory.
        after: another one of the same data; None compares two policies of the first.
        policies: of two runs none (those that both have), one (of both), or two (one of each); of one run two.

    Raises:
        InvalidInput: the policies are not as many as are wanted.
        MeasurementError: a folder holds no finished run, they are of different data, they have no question in common,
            or a policy is not there.
    """
    old = read_run(Path(before))
    new = old if after is None else read_run(Path(after))
    sides = _sides(old, new, tuple(policies), alone=after is None)
    if old.manifest["dataset"]["sha256"] != new.manifest["dataset"]["sha256"]:
        raise MeasurementError(
            f"{old.folder} is of data {old.manifest['dataset']['sha256'][:12]}, {new.folder} of "
            f"{new.manifest['dataset']['sha256'][:12]}; compare runs of the same file"
        )
    common = [one for one in old.questions if one in new.questions]
    if not common:
        raise MeasurementError(f"{old.folder} and {new.folder} have no question in common; compare like selections")
    return Comparison(
        dataset=old.manifest["dataset"]["name"],
        before=str(old.folder),
        after=str(new.folder),
        questions=len(common),
        only={"before": len(old.questions) - len(common), "after": len(new.questions) - len(common)},
        settings=_settings(old, new),
        pairs=tuple(_pair(old, new, one, other) for one, other in sides),
    )


def _sides(old: Run, new: Run, policies: tuple[str, ...], *, alone: bool) -> list[tuple[str, str]]:
    """The policies that stand against each other."""
    if alone and len(policies) != 2:
        raise InvalidInput(
            f"one run came with {len(policies)} policies; name two of {', '.join(old.policies)}, or give another run"
        )
    if len(policies) > 2:
        raise InvalidInput(f"{len(policies)} policies came; give one that both runs have, or one of each")
    if not policies:
        shared = [(name, name) for name in old.policies if name in new.policies]
        if not shared:
            raise MeasurementError(
                f"{old.folder} has {', '.join(old.policies)} and {new.folder} {', '.join(new.policies)}: "
                "none in common; name one of each"
            )
        return shared
    for run, policy in ((old, policies[0]), (new, policies[-1])):
        if policy not in run.policies:
            raise MeasurementError(f"{run.folder} has no policy {policy!r}; it has {', '.join(run.policies)}")
    return [(policies[0], policies[-1])]


def _pair(old: Run, new: Run, policy: str, other: str) -> Pair:
    before, after = _of(old, policy), _of(new, other)
    prompts = [name for name in old.manifest["judge_prompts"] if name in new.manifest["judge_prompts"]]
    judged_by = f"judge:{prompts[0]}" if prompts else "f1"
    flips = _flips(old, new, before, after, judged_by)
    better = tuple(one for one in flips if one.after > one.before)
    worse = tuple(one for one in flips if one.after < one.before)
    differences = tuple(_differences(old, before, after, measures_of(prompts)))
    return Pair(policy, other, differences, Flips(judged_by, better, worse))


def _of(run: Run, policy: str) -> list[Record]:
    return [record for record in run.records if record.policy == policy]


def _differences(
    run: Run, before: Iterable[Record], after: Iterable[Record], measures: Mapping[str, Value]
) -> Iterable[Difference]:
    """By measure and group; a group of the very questions of an earlier one is left out."""
    for measure, value in measures.items():
        old, new = by_question(before, value), by_question(after, value)
        groups: dict[tuple[str, ...], str] = {}
        for group in run.groups:
            members = run.members(group)
            both = tuple(one for one in old if one in new and run.questions[one][0].category in members)
            if both:
                groups.setdefault(both, group)
        for both, group in groups.items():
            found = paired([new[one] for one in both], [old[one] for one in both], resamples=RESAMPLES)
            yield Difference(measure, group, found.difference, found.low, found.high, found.p, found.n)


def _flips(old: Run, new: Run, before: Iterable[Record], after: Iterable[Record], measure: str) -> list[Flip]:
    value = partial(mark, measure=measure)
    was, became = by_question(before, value), by_question(after, value)
    places = [(run.folder / QUESTIONS_FOLDER, page_names(run.questions)) for run in dict.fromkeys((old, new))]
    return [
        Flip(
            one,
            old.questions[one][0].category,
            was[one],
            became[one],
            tuple(str(folder / names[one]) for folder, names in places),
        )
        for one in was
        if one in became and (was[one] >= RIGHT) != (became[one] >= RIGHT)
    ]


def _settings(old: Run, new: Run) -> dict[str, dict[str, Any]]:
    """What the manifests say differently, settings by their own names."""
    before, after = (
        {**{name: one for name, one in run.manifest.items() if name not in _OF_A_RUN}, **run.manifest["settings"]}
        for run in (old, new)
    )
    changed = {name: {"before": before.get(name), "after": after.get(name)} for name in {**before, **after}}
    return {name: sides for name, sides in changed.items() if sides["before"] != sides["after"]}
