"""What the agent can do beside talking: a calendar, prices, orders. Yours go here."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from memsvc import MemsvcError

PRICES = {"inner tube": "89 kr", "chain": "329 kr", "brake pads": "149 kr"}
DELIVERS = {"brake pads": "Nordhjul", "chains": "Cyclo"}  # which the agent has to find out
SUPPLIERS = ("Velox", "Nordhjul", "Cyclo")


class Tools:
    """Functions by name, each with the schema that a model is shown; results are texts, as models want them."""

    def __init__(self) -> None:
        self._functions: dict[str, Callable[..., Any]] = {}
        self.schemas: list[dict[str, Any]] = []

    def offer(self, function: Callable[..., Any], **arguments: str) -> None:
        """Offer a function: its docstring is the description, `arguments` say what each one is."""
        self._functions[function.__name__] = function
        properties = {name: {"type": "string", "description": meaning} for name, meaning in arguments.items()}
        parameters = {"type": "object", "properties": properties, "required": list(properties)}
        described = {"name": function.__name__, "description": function.__doc__, "parameters": parameters}
        self.schemas.append({"type": "function", "function": described})

    def call(self, call: Mapping[str, Any]) -> dict[str, Any]:
        """Do what a model asks for; the message of role `tool` that tells how it went, errors too."""
        name, arguments = call["function"]["name"], call["function"]["arguments"]
        try:
            result = self._functions[name](**json.loads(arguments))
        except (KeyError, TypeError, ValueError, MemsvcError) as error:
            result = {"error": f"{type(error).__name__}: {error}"}
        content = result if isinstance(result, str) else json.dumps(result, ensure_ascii=False)
        return {"role": "tool", "tool_call_id": call["id"], "content": content}


def shop() -> Tools:
    """The tools of a bicycle workshop."""
    calendar: list[dict[str, str]] = []

    def add_event(what: str, day: str) -> dict[str, str]:
        """Write something into the calendar."""
        calendar.append({"what": what, "day": day})
        return {"added": what, "day": day}

    def price_of(item: str) -> dict[str, str]:
        """What an item costs today."""
        return {"item": item, "price": PRICES[item]}

    def order(item: str, supplier: str) -> dict[str, Any]:
        """Order parts at a supplier."""
        if DELIVERS[item] != supplier:
            return {"ordered": False, "why": f"{supplier} does not deliver {item}"}
        return {"ordered": True, "item": item, "supplier": supplier}

    tools = Tools()
    tools.offer(add_event, what="what happens", day="when, as a date or as the user said it")
    tools.offer(price_of, item=f"one of {', '.join(PRICES)}")
    tools.offer(order, item=f"one of {', '.join(DELIVERS)}", supplier=f"one of {', '.join(SUPPLIERS)}")
    return tools
