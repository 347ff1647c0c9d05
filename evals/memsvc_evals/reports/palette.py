"""Colours and marks of policies, told apart by the colour-blind and on paper: colour, mark and label say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_LIGHT = ("#0072b2", "#c8500a", "#00805e", "#a2408a", "#8a6400", "#4a4ab8", "#56646f", "#b3173f")
_DARK = ("#56b4e9", "#ff8f50", "#2fcba0", "#e59bcb", "#f0c04a", "#a9abff", "#b7c3cc", "#ff84a4")
"""Okabe and Ito's colours, darkened and lightened until each has a contrast of 3:1 with its background."""
_MARKS = "osD^vPXh"

CSS: Mapping[str, str] = {colour: f"var(--c{at})" for at, colour in enumerate(_LIGHT)}
"""What stands in a page for each colour of a plot."""
VARIABLES: Mapping[str, str] = {
    "light": "".join(f"--c{at}:{colour};" for at, colour in enumerate(_LIGHT)),
    "dark": "".join(f"--c{at}:{colour};" for at, colour in enumerate(_DARK)),
}


def colour(place: int) -> str:
    """Of the policy at a place; they come again after eight."""
    return _LIGHT[place % len(_LIGHT)]


def mark(place: int) -> str:
    """Of the policy at a place; a colour that comes again has another mark."""
    return _MARKS[(place + place // len(_LIGHT)) % len(_MARKS)]
