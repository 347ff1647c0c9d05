"""The experience of episodes, written by a model as a job: a script of what worked, or a reflection on what did not."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from memsvc.checks import checked_text
from memsvc.episodes.experience import steps
from memsvc.errors import InvalidMessage, InvalidReply
from memsvc_retrievers.passages import pieces, tokens
from memsvc_retrievers.prompts.reflection import ExperienceReply, reflect

if TYPE_CHECKING:
    from collections.abc import Sequence

    from memsvc_retrievers.language import Completion, LanguageModel, Prompt, Watch
    from memsvc_store.store import Store
    from memsvc_store.values.jobs import Job, JobKind
    from memsvc_store.values.memories import Episode

STEP = 400
"""Estimated tokens of a step that the model sees."""

ROOM = 8_000
"""Estimated tokens of a trajectory that the model sees: its end, which tells how it went, before its middle."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A job, and the episode that it is about; None where that was deleted."""

    job: Job
    episode: Episode | None


class Reflection:
    """Jobs of kind `reflect`; implements `Task`."""

    kind: JobKind = "reflect"
    name = "reflection"

    def __init__(self, store: Store) -> None:
        self._store = store

    def enqueue(self, namespace: str) -> int:
        """One job for each episode that only a rule has summed up."""
        return self._store.jobs.enqueue_reflections(namespace)

    def gather(self, namespace: str, jobs: Sequence[Job]) -> list[Attempt]:
        """The episodes of jobs."""
        ids = [memory_id for job in jobs for memory_id in job.memories]
        found = {episode.id: episode for episode in self._store.episodes(namespace, ids)}
        return [Attempt(job, next((found[one] for one in job.memories if one in found), None)) for job in jobs]

    def ask(self, model: LanguageModel, materials: Sequence[Attempt], watch: Watch) -> list[Completion | None]:
        """One call an episode, in one batch."""
        episodes = [material.episode for material in materials if material.episode is not None]
        prompts = [_prompt(episode) for episode in episodes]
        done = iter(model.complete_many(prompts, schema=ExperienceReply, watch=watch) if prompts else [])
        return [None if material.episode is None else next(done) for material in materials]

    def finish(
        self, model: LanguageModel, material: Attempt, completion: Completion | None, watch: Watch
    ) -> Job | None:
        """Store the experience and end the job; the job as it is now, None if another worker has it.

        Raises:
            ModelError: the call failed, or its reply cannot be read, or not be stored.
        """
        if material.episode is None or completion is None:
            return self._store.jobs.finish_reflection(material.job, {}, result={})
        found = {material.episode.id: _experience(completion)}
        call = asdict(completion.call)
        result = {name: call[name] for name in ("prompt_tokens", "completion_tokens")}
        return self._store.jobs.finish_reflection(material.job, found, result={"calls": 1, **result})


def _prompt(episode: Episode) -> Prompt:
    """The call for one episode, of the intent as it stands now."""
    return reflect(episode.memory.text, shown(steps(episode.trajectory)), success=bool(episode.success))


def _experience(completion: Completion) -> str:
    """What the model wrote, as it can be stored. Of its length the reply's schema has seen to."""
    text = completion.value(ExperienceReply).experience.strip()
    try:
        return checked_text(text, len(text), "experience")
    except InvalidMessage as error:
        raise InvalidReply(f"reflect: {error}") from error


def shown(told: Sequence[str]) -> list[str]:
    """The steps that fit, each cut to `STEP`: the last ones, since they tell how it ended, then from the beginning."""
    cut = [pieces(step, STEP)[0] for step in told]
    room, last = ROOM, len(cut)
    while last > 0 and tokens(cut[last - 1]) <= room // 2:
        last -= 1
        room -= tokens(cut[last])
    first = 0
    while first < last and tokens(cut[first]) <= room:
        room -= tokens(cut[first])
        first += 1
    gap = [f"... {last - first} steps are left out ..."] if first < last else []
    return [*cut[:first], *gap, *cut[last:]]
