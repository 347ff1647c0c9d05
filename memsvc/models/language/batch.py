"""One batch of calls: side by side on the background loop, watched, and in the order asked for."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

from memsvc.errors import Cancelled
from memsvc.models.language.background import BACKGROUND

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Sequence
    from contextlib import AbstractAsyncContextManager

    from memsvc_retrievers.language import Completion, Watch

    Job = Callable[[], Coroutine[Any, Any, Completion]]


def completed(
    jobs: Sequence[Job], *, width: int | None, slots: AbstractAsyncContextManager[Any], watch: Watch | None
) -> list[Completion]:
    """What each job gave, in order; the watch hears of each as it ends.

    Args:
        jobs: each is called once, on the loop.
        width: jobs of this batch at once, all when None.
        slots: what each job holds while it runs.
        watch: follows the batch, and may stop it.

    Raises:
        Cancelled: the watch asked for it; calls under way are given up.
    """
    done: dict[int, Completion] = {}
    with closing(BACKGROUND.as_they_end(jobs, width=width, slots=slots)) as ended:
        _check(watch, done=0, of=len(jobs))
        for item in ended:
            if item is not None:
                at, done[at] = item[0], item[1]
                if watch is not None:
                    watch.finished(done[at])
            _check(watch, done=len(done), of=len(jobs))
    return [done[at] for at in range(len(jobs))]


def _check(watch: Watch | None, *, done: int, of: int) -> None:
    if watch is not None and watch.cancelled():
        raise Cancelled(f"stopped by the caller when {done} of {of} calls were done")
