from __future__ import annotations

import random

from memsvc_evals.learning.babyai.missions import read_mission
from memsvc_evals.learning.babyai.policy import decide

MISSION = read_mission("open the door")
DIRECT, WITH_KEY, FROM_BOX = MISSION.scripts


def test_the_best_success_of_its_verb_is_followed() -> None:
    foreign = read_mission("pick up the ball").scripts[0]
    assert decide(MISSION, [foreign, WITH_KEY, DIRECT], [WITH_KEY], random.Random(0)) == WITH_KEY


def test_without_one_it_tries_what_was_not_seen_to_fail() -> None:
    tried = {decide(MISSION, [], [DIRECT], random.Random(seed)) for seed in range(20)}
    assert tried == {WITH_KEY, FROM_BOX}


def test_where_all_failed_it_tries_any() -> None:
    tried = {decide(MISSION, [], list(MISSION.scripts), random.Random(seed)) for seed in range(30)}
    assert tried == set(MISSION.scripts)
