"""Messages as frameworks write them: whose they are, what comes, and the role and text that look-ups see.

`shapes.json` has a line each. Those of LangChain, pydantic-ai and Anthropic's replies are what langchain-core 1.8,
pydantic-ai 2.68 and anthropic 2.14 dump; the others are written as the references of OpenAI, Anthropic and the AI SDK
have them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

SHAPES: list[dict[str, Any]] = json.loads(Path(__file__).with_name("shapes.json").read_text("utf-8"))
