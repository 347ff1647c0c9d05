"""Another process on the same database, driven line by line: `python -m tests.memsvc.second_process`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from memsvc import Memory
from memsvc.testing import HashEmbedder


class SecondProcess:
    """A child that runs verbs of Memory for us."""

    def __init__(self) -> None:
        self._child = subprocess.Popen(
            [sys.executable, "-m", "tests.memsvc.second_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).resolve().parents[2],
        )

    def call(self, verb: str, *arguments: Any) -> Any:
        """Run a verb and return what it gave, as JSON values."""
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        self._child.stdin.write(json.dumps([verb, *arguments]) + "\n")
        self._child.stdin.flush()
        return json.loads(self._child.stdout.readline())

    def close(self) -> None:
        """End the child."""
        self._child.communicate(timeout=20)


def main() -> None:
    """Answer one JSON line with one JSON line."""
    memory: Memory | None = None
    for line in sys.stdin:
        verb, *arguments = json.loads(line)
        result: Any = None
        if verb == "open":
            if memory is not None:
                memory.close()
            memory = Memory.open(arguments[0], embedder=HashEmbedder(32))
        else:
            assert memory is not None
            result = getattr(Verbs, verb)(memory, *arguments)
        sys.stdout.write(json.dumps(result) + "\n")
        sys.stdout.flush()


class Verbs:
    """What the parent may ask for."""

    @staticmethod
    def add(memory: Memory, namespace: str, message: dict[str, Any]) -> list[str | None]:
        """(status, id) of one message."""
        [receipt] = memory.add([message], namespace=namespace)
        return [receipt.status, receipt.id]

    @staticmethod
    def live(memory: Memory, namespace: str) -> dict[str, str]:
        """Id -> text of what a look-up can find."""
        return {hit.id: hit.text for hit in memory.search("anything", namespace=namespace, top_k=1000)}

    @staticmethod
    def delete(memory: Memory, namespace: str, memory_id: str) -> None:
        """Delete one memory."""
        memory.delete(memory_id, namespace=namespace)


if __name__ == "__main__":
    main()
