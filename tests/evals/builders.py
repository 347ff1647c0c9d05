"""Small data sets of the public schemas, made up for the tests."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

MAY = "1:56 pm on 8 May, 2023"


def turn(identity: str, text: str = "Hello there.", speaker: str = "Ada", **more: Any) -> dict[str, Any]:
    return {"speaker": speaker, "dia_id": identity, "text": text, **more}


def question(*evidence: Any, category: Any = 4, **more: Any) -> dict[str, Any]:
    return {"question": "What?", "evidence": list(evidence), "category": category, "answer": "that", **more}


def locomo(
    sessions: dict[int, list[Any]],
    qa: list[Any],
    *,
    sample_id: str = "conv-1",
    date: str = MAY,
    **conversation: Any,
) -> dict[str, Any]:
    inside: dict[str, Any] = {"speaker_a": "Ada", "speaker_b": "Bo"}
    for number, turns in sessions.items():
        inside |= {f"session_{number}": turns, f"session_{number}_date_time": date}
    return {
        "sample_id": sample_id,
        "conversation": inside | conversation,
        "qa": qa,
        "observation": {"session_1_observation": {"Ada": [["A secret.", "D1:1"]]}},
        "event_summary": {"events_session_1": {"Ada": ["A secret."], "date": MAY}},
        "session_summary": {"session_1_summary": "A secret."},
    }


def chat_turn(
    identity: str, date: str = "29.12.2023, 22:42:04", text: str = "Hello there.", **more: Any
) -> dict[str, Any]:
    return {
        "clean_text": text,
        "speaker": "Ada",
        "date_time": date,
        "img_file": [],
        "img_url": [],
        "dia_id": identity,
        **more,
    }


def chat(sessions: dict[int, list[Any]], qa: list[Any]) -> dict[str, Any]:
    made: dict[str, Any] = {"name": {"speaker_1": "Ada", "speaker_2": "Bo"}, "qa": qa}
    for number, turns in sessions.items():
        made |= {
            f"session_{number}": turns,
            f"events_session_{number}": {"agent_a": [{"sub-event": "A secret."}]},
            f"session_{number}_date_time": "29.12.2023, 22:42:04",
        }
    return made


def write(path: Path, value: Any) -> Path:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
    return path
