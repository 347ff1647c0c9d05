from __future__ import annotations

import random

import pytest

from memsvc_evals import MeasurementError
from memsvc_evals.learning.babyai.missions import REPERTOIRE, Mission, Thing, read_mission, read_thing

MISSION = read_mission("open the door")
DIRECT, WITH_KEY, FROM_BOX = MISSION.scripts


@pytest.mark.parametrize(
    ("text", "mission"),
    [
        ("go to a red ball", Mission("go to", "a red ball")),
        ("pick up the grey object", Mission("pick up", "the grey object")),
        ("open the door", Mission("open", "the door")),
        ("put the red key next to the box", Mission("put", "the red key", "the box")),
    ],
)
def test_a_mission_is_a_verb_and_its_objects(text: str, mission: Mission) -> None:
    assert read_mission(text) == mission


@pytest.mark.parametrize(
    "text", ["", "put the red key", "go to the box next to the ball", "open the door, then open the door", "eat a ball"]
)
def test_other_missions_are_refused(text: str) -> None:
    with pytest.raises(MeasurementError, match="leave its level out"):
        read_mission(text)


@pytest.mark.parametrize(
    ("phrase", "thing"),
    [
        ("the red ball", Thing("ball", "red", None)),
        ("a grey object", Thing(None, "grey", None)),
        ("a locked door", Thing("door", None, "locked")),
        ("a fitting key", Thing("key", None, "fitting")),
    ],
)
def test_a_phrase_names_a_thing(phrase: str, thing: Thing) -> None:
    assert read_thing(phrase) == thing


def test_a_phrase_that_names_nothing() -> None:
    with pytest.raises(MeasurementError, match="'the moon' names no thing"):
        read_thing("the moon")


def test_a_script_is_filled_from_the_mission() -> None:
    mission = read_mission("put the red key next to the box")
    assert mission.fill(mission.scripts[0]) == ("pick up the red key", "put it next to the box")


def test_no_script_is_there_twice_or_leaves_a_slot() -> None:
    for verb, scripts in REPERTOIRE.items():
        assert len(set(scripts)) == len(scripts) > 1
        steps = [step for script in scripts for step in Mission(verb, "a ball", "a box").fill(script)]
        assert not [step for step in steps if "{" in step]


def test_the_best_success_of_its_verb_is_followed() -> None:
    foreign = read_mission("pick up the ball").scripts[0]
    assert MISSION.choose([foreign, WITH_KEY, DIRECT], [WITH_KEY], random.Random(0)) == WITH_KEY


def test_without_one_it_tries_what_was_not_seen_to_fail() -> None:
    tried = {MISSION.choose([], [DIRECT], random.Random(seed)) for seed in range(20)}
    assert tried == {WITH_KEY, FROM_BOX}


def test_where_all_failed_it_tries_any() -> None:
    tried = {MISSION.choose([], list(MISSION.scripts), random.Random(seed)) for seed in range(30)}
    assert tried == set(MISSION.scripts)
