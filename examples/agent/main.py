"""Talk to the agent, or watch it play two hundred turns by a script: `python examples/agent/main.py --scripted`."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from agent import Agent, Message, Model
from script import play
from tools import shop

from memsvc import Memory


def served(name: str, **options: Any) -> Model:
    """Any model that LiteLLM reaches: `ollama/qwen3:8b`, or `openai/NAME` with `api_base`."""
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # else its import fetches a list of prices
    import litellm

    def complete(messages: Sequence[Message], tools: Sequence[Mapping[str, Any]]) -> Message:
        reply = litellm.completion(model=name, messages=list(messages), tools=list(tools), **options)
        return dict(reply.choices[0].message.model_dump(exclude_none=True))

    return complete


def now() -> datetime:
    """This moment, in the zone of this machine."""
    return datetime.now().astimezone()


def talk(database: str, model: str, url: str | None) -> None:
    """Talk until an empty line."""
    with Memory.open(database, language_model=model) as memory:
        agent = Agent(memory, served(model, api_base=url), shop(), namespace="me", now=now)
        agent.begin(f"{now():%Y-%m-%d %H:%M:%S}")
        while said := input("> ").strip():
            print(agent.reply(said))


def scripted() -> None:
    """Play the script with the default embedder and print what came of it."""
    with tempfile.TemporaryDirectory() as folder:
        print(play(Path(folder) / "agent.db").report())


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scripted", action="store_true", help="two hundred scripted turns, offline")
    parser.add_argument("--model", default="ollama/qwen3:8b", help="as LiteLLM names it")
    parser.add_argument("--url", help="the server of an openai/... model; ask reads MEMSVC_MODEL_URL")
    parser.add_argument("--db", default="agent.db")
    given = parser.parse_args(arguments)
    if given.scripted:
        scripted()
    else:
        talk(given.db, given.model, given.url)


if __name__ == "__main__":
    main()
