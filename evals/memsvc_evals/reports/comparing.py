"""Two runs of one data set, or two policies of one run, question by question."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memsvc.errors import InvalidInput
from memsvc_evals.answers.measures import RESAMPLES, by_question, measures_of
from memsvc_evals.errors import MeasurementError
from memsvc_evals.reports.questions import QUESTIONS_FOLDER, RIGHT, mark, page_names
from memsvc_evals.reports.reading import heading, read_run
from memsvc_evals.scoring import Paired, paired

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from memsvc_evals.answers.measures import Value
    from memsvc_evals.answers.records import Record
    from memsvc_evals.reports.reading import Run

_OF_A_RUN = ("settings", "policies", "selection", "dataset")
"""What a comparison says in other words."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How much higher a measure is afterwards than before, over the questions of a group that both have."""

    measure: str
    group: str
    found: Paired

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        figures = {name: getattr(self.found, name) for name in ("difference", "low", "high", "p", "n")}
        return {"measure": self.measure, "group": self.group, **figures}


@dataclass(frozen=True, slots=True)
class Flip:
    """A question that one side got right and the other wrong; marks from 0 to 1, and its pages."""

    question_id: str
    category: int
    before: float
    after: float
    pages: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {**asdict(self), "pages": list(self.pages)}


@dataclass(frozen=True, slots=True)
class Pair:
    """Two policies compared. `better` and `worse` are the questions that flipped, by the measure `judged_by`."""

    before: str
    after: str
    judged_by: str
    differences: tuple[Difference, ...]
    better: tuple[Flip, ...]
    worse: tuple[Flip, ...]

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "before": self.before,
            "after": self.after,
            "differences": [one.to_dict() for one in self.differences],
            "flips": {
                "measure": self.judged_by,
                "better": [one.to_dict() for one in self.better],
                "worse": [one.to_dict() for one in self.worse],
            },
        }


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs, or one with itself, compared.

    `settings` differ between them, as (before, after); `only` counts the questions that one of them alone has.
    """

    dataset: str
    before: str
    after: str
    questions: int
    only: tuple[int, int]
    settings: Mapping[str, tuple[Any, Any]]
    pairs: tuple[Pair, ...]

    def heading(self, group: str) -> str:
        """A group of categories, by number and name."""
        return heading(self.dataset, group)

    def to_dict(self) -> dict[str, Any]:
        """As JSON holds it."""
        return {
            "dataset": self.dataset,
            "before": self.before,
            "after": self.after,
            "questions": self.questions,
            "only": {"before": self.only[0], "after": self.only[1]},
            "settings": {name: {"before": old, "after": new} for name, (old, new) in self.settings.items()},
            "pairs": [one.to_dict() for one in self.pairs],
        }


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
        only=(len(old.questions) - len(common), len(new.questions) - len(common)),
        settings=_settings(old.manifest, new.manifest),
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
    return Pair(
        before=policy,
        after=other,
        judged_by=judged_by,
        differences=tuple(_differences(old, before, after, measures_of(prompts))),
        better=tuple(one for one in flips if one.after > one.before),
        worse=tuple(one for one in flips if one.after < one.before),
    )


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
            yield Difference(measure, group, found)


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


def _settings(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What the manifests say differently, settings by their own names."""
    before, after = _flat(old), _flat(new)
    changed = {name: (before.get(name), after.get(name)) for name in dict.fromkeys((*before, *after))}
    return {name: values for name, values in changed.items() if values[0] != values[1]}


def _flat(manifest: Mapping[str, Any]) -> dict[str, Any]:
    own = {name: one for name, one in manifest.items() if name not in _OF_A_RUN}
    return {**own, **manifest["settings"]}
