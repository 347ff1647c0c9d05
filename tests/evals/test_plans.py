"""Plans: what a file declares, what overrides it, and what is said of a file that declares something else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from memsvc.errors import InvalidInput
from memsvc_evals import plans
from memsvc_evals.answers.declaration import Declaration


@dataclass(frozen=True)
class Wanted:
    seeds: int = 10
    names: tuple[str, ...] = ("a",)


def file(folder: Path, text: str) -> Path:
    path = folder / "plan.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_there_are_defaults_and_what_is_given() -> None:
    assert plans.read(None, Wanted) == Wanted()
    assert plans.read(None, Wanted, seeds=3, names=None) == Wanted(3)


def test_what_is_given_overrides_the_file(tmp_path: Path) -> None:
    path = file(tmp_path, 'seeds = 2\nnames = ["b", "c"]\n')
    assert plans.read(path, Wanted) == Wanted(2, ("b", "c"))
    assert plans.read(path, Wanted, seeds=5, names=[]) == Wanted(5, ("b", "c"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("seed = 3", r"plan\.toml: 'seed' is nothing that is known here; there are names, seeds"),
        ('seeds = "3"', r"plan\.toml: seeds came as '3'; input should be a valid integer"),
        ("[seeds]\nall = 3", r"plan\.toml: seeds came as {'all': 3}; input should be a valid integer"),
        ("seeds = ", r"plan\.toml: cannot be read as a plan"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        plans.read(file(tmp_path, text), Wanted)
    with pytest.raises(InvalidInput, match=r"nowhere\.toml: cannot be read as a plan"):
        plans.read(tmp_path / "nowhere.toml", Wanted)


def test_a_run_with_policies_is_declared_whole(tmp_path: Path) -> None:
    text = 'policies = ["fast", "scan"]\nstyle = "reasoned"\nruns = 2\ncategories = [1, 2]\naudited_key = "key.json"\n'
    found = plans.read(file(tmp_path, text), Declaration, limit=9)
    assert found.answers
    plan = found.plan()
    assert (plan.policies, plan.style, plan.runs) == (("fast", "scan"), "reasoned", 2)
    assert (plan.selection.limit, plan.selection.categories) == (9, (1, 2))
    assert found.audited_key == Path("key.json")


@pytest.mark.parametrize("text", ['style = "long"', "runs = 0", "top_k = 0", 'categories = ["one"]'])
def test_values_that_no_run_has_are_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidInput, match=f"{text.split()[0]}.* came as "):
        plans.read(file(tmp_path, text), Declaration)


def test_what_bears_on_answers_needs_a_policy(tmp_path: Path) -> None:
    assert not plans.read(None, Declaration).answers
    with pytest.raises(InvalidInput, match="seed came without a policy"):
        _ = plans.read(file(tmp_path, "seed = 4"), Declaration).answers
