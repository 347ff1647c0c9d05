from __future__ import annotations

import sys

import pytest

from memsvc.errors import MissingDependency
from memsvc_evals.learning.babyai.missions import REPERTOIRE
from memsvc_evals.learning.babyai.tasks import LEVELS, Task, make_tasks, require_minigrid, succeeds


def test_tasks_are_the_same_for_a_seed_and_other_for_another(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("minigrid")
    tasks = make_tasks(3, 2)
    assert tasks == make_tasks(3, 2)
    assert [task.level for task in tasks] == [level for level in LEVELS for _ in range(2)]
    assert not {task.seed for task in tasks} & {task.seed for task in make_tasks(4, 2)}
    assert len({task.seed for task in tasks}) == len(tasks)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("level", "text", "works"),
    [
        ("OneRoomS8", "pick up the ball", 0),
        ("KeyCorridorS3R2", "pick up the ball", 2),
        ("UnlockToUnlock", "pick up the ball", 4),
        ("BlockedUnlockPickup", "pick up the box", 3),
        ("UnlockLocal", "open the door", 1),
        ("KeyInBox", "open the door", 2),
    ],
)
def test_one_mission_wants_different_scripts_in_different_levels(level: str, text: str, works: int) -> None:
    pytest.importorskip("minigrid")
    [task] = [task for task in make_tasks(0, 1) if task.level == level]
    assert task.intent == text
    scripts = REPERTOIRE[task.mission.verb]
    assert [script for script in scripts if succeeds(task, script)] == [scripts[works]]


def test_without_minigrid_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "minigrid", None)
    with pytest.raises(MissingDependency, match=r"pip install 'memsvc\[envs\]'"):
        require_minigrid()


def test_a_level_that_starts_with_its_object_in_hand() -> None:
    pytest.importorskip("minigrid")
    [task] = [task for task in make_tasks(0, 1) if task.level == "PutNextS5N2Carrying"]
    assert isinstance(task, Task)
    assert [succeeds(task, script) for script in task.mission.scripts] == [False, True, False]
