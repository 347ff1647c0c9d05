"""From what callers hand to `add_episode` to an episode that can be stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from memsvc.checks import checked_json, checked_metadata, checked_name, checked_reward, checked_text, storable
from memsvc.episodes.experience import by_rule
from memsvc.errors import InvalidInput, InvalidMessage
from memsvc.writing.messages import DEFAULT_SESSION
from memsvc_store.errors import shown
from memsvc_store.values.drafts import EpisodeDraft
from memsvc_store.values.nodes import hyperedge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from memsvc.contract.options import Time
    from memsvc.episodes.experience import Trajectory
    from memsvc.times import Times

AGENT = "agent"
"""Who an episode is by, as far as look-ups are concerned."""


def drafted(
    intent: str,
    trajectory: Trajectory,
    *,
    reward: float | None,
    success: bool | None,
    experience: str | None,
    key: str | None,
    session_id: str | None,
    timestamp: Time | None,
    metadata: Mapping[str, Any] | None,
    times: Times,
    max_text_chars: int,
    max_trajectory_chars: int,
) -> EpisodeDraft:
    """The episode, checked.

    Raises:
        InvalidMessage, InvalidTimestamp, InvalidInput: what cannot be used.
    """
    intent = checked_text(intent, max_text_chars, "intent")
    steps = checked_trajectory(trajectory, max_trajectory_chars)
    reward, success = checked_outcome(reward, success)
    happened_at = times.here if timestamp is None else times.moment(timestamp)
    session = DEFAULT_SESSION if session_id is None else checked_name("session_id", session_id)
    return EpisodeDraft(
        intent=intent,
        trajectory=steps,
        experience=by_rule(steps) if experience is None else checked_text(experience, max_text_chars, "experience"),
        experience_by="rule" if experience is None else "caller",
        session_id=session,
        happened_at=happened_at,
        reward=reward,
        success=success,
        speaker=AGENT,
        entities=hyperedge(intent, AGENT, session, happened_at.date()),
        key=None if key is None else checked_name("key", key),
        anew=key is not None or timestamp is None,
        metadata=checked_metadata(metadata),
    )


def checked_trajectory(trajectory: object, limit: int) -> str | list[Any]:
    """A text, or a list of steps that JSON can hold; `limit` is in characters, of a list as JSON.

    Raises:
        InvalidMessage: anything else, nothing at all, or more than that.
    """
    if isinstance(trajectory, str):
        if not trajectory.strip():
            raise InvalidMessage("the trajectory is empty; give what was done, as a text or as a list of steps")
        size = len(storable("trajectory", trajectory))
    elif not isinstance(trajectory, list | tuple) or not trajectory:
        raise InvalidMessage(f"the trajectory came as {shown(trajectory)}; give a text, or a list of steps")
    else:
        for step in trajectory:
            if not isinstance(step, str | dict):
                raise InvalidMessage(f"a step of the trajectory came as {shown(step)}; give strings or mappings")
        size = len(checked_json("trajectory", list(trajectory)))
    if size > limit:
        raise InvalidMessage(
            f"the trajectory has {size:,} characters and the limit is {limit:,}; "
            "leave out what nobody will read again, or raise MEMSVC_MAX_TRAJECTORY_CHARS"
        )
    return trajectory if isinstance(trajectory, str) else list(trajectory)


def checked_outcome(reward: object, success: object) -> tuple[float | None, bool]:
    """Reward and success, the latter worked out where it was not given. A failure may have a reward, for its part.

    Raises:
        InvalidInput: neither came, they contradict each other, or a value that cannot be used.
    """
    if success is not None and not isinstance(success, bool):
        raise InvalidInput(f"success came as {shown(success)}; give True or False")
    if reward is None:
        if success is None:
            raise InvalidInput("neither reward nor success came; give one, so that it is known what to learn")
        return None, success
    checked = checked_reward(reward)
    if success and checked < 0:
        raise InvalidInput(f"success came with a reward of {checked:g}, which is for harm; correct one of them")
    return checked, checked > 0 if success is None else success
