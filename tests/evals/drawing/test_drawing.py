"""The drawing of a graph: legible, the same each time, safe with any name, and without SciPy."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from html.parser import HTMLParser
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from memsvc.errors import InvalidInput, MissingDependency
from memsvc_evals import drawing
from memsvc_evals.drawing.layout import MOST, NAME, laid_out
from memsvc_evals.drawing.page import page
from memsvc_evals.drawing.plot import plot
from memsvc_retrievers.graph.values import Community, Graph, Mention, Thing, Tie, View

pytestmark = pytest.mark.slow

HOSTILE = "</title></svg><script>alert(1)</script>\"'&\u202egnp\x00"


def graph(count: int, *, view: View = "overview", names: list[str] | None = None, text: str = "They met.") -> Graph:
    """So many things, each tied to one or two before it."""
    draw = random.Random(3)
    names = names or [f"Thing number {i} of {count}" for i in range(count)]
    tied = [(draw.randrange(i), i) for i in range(1, count)] + [(0, i) for i in range(2, count, 3)]
    ties = [Tie(names[i], names[j], 1 + (i * j) % 9, (Mention("id1", text),)) for i, j in dict.fromkeys(tied)]
    nodes = [
        Thing(name, "person" if i % 3 else "thing", count - i, 2 * (count - i), i % 9 or None)
        for i, name in enumerate(names)
    ]
    groups = [Community(1, tuple(names[1:6]))] if count > 6 else []
    return Graph(view, None, None, ("person", "thing"), tuple(nodes), tuple(ties), tuple(groups), count, count, 99, 99)


class Elements(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


@pytest.mark.parametrize("count", [2, 14, 41, 120])
@pytest.mark.parametrize("view", ["overview", "path"])
def test_no_label_lies_on_a_mark_or_another_label(count: int, view: View) -> None:
    drawing = laid_out(graph(count, view=view))
    assert len(drawing.spots) == count
    boxes = []
    for spot in drawing.spots:
        half = max(spot.radius, 0.55 * spot.size * len(spot.label) / 2)
        boxes.append((spot.x - half, spot.y - spot.radius, spot.x + half, spot.baseline))
        assert len(spot.label) <= NAME
        assert boxes[-1][0] >= 0 <= boxes[-1][1]
        assert boxes[-1][2] <= drawing.width
        assert boxes[-1][3] <= drawing.height
    over = [(a, b) for a, b in combinations(boxes, 2) if a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]]
    assert not over


def test_the_same_graph_is_drawn_the_same_and_to_its_bounds() -> None:
    one = graph(41)
    assert page(one, "a", "b") == page(one, "a", "b")
    assert plot(one, "a", "b") == plot(one, "a", "b")
    assert len(laid_out(graph(MOST + 50)).spots) == MOST


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_and_one_thing_are_drawn_too(count: int) -> None:
    assert page(graph(count), "a", "b").endswith(b"</html>\n")
    assert plot(graph(count), "a", "b").startswith(b"\x89PNG")


def test_a_page_is_one_file_that_loads_and_runs_nothing() -> None:
    text = page(graph(41), "Overview", "All of it").decode()
    found = Elements(text)
    assert not {"script", "link", "img", "iframe", "image", "use", "a", "foreignobject"} & set(found.tags)
    assert not [name for name, _ in found.attributes if name.startswith("on") or name in ("src", "href", "xlink:href")]
    assert "http" not in text.replace('http-equiv="Content-Security-Policy"', "")
    assert "url(" not in text
    assert "@import" not in text
    assert "default-src 'none'" in text
    assert "prefers-color-scheme:dark" in text
    assert found.tags.count("circle") + found.tags.count("rect") == 41
    assert "/*" not in text  # every colour is put in


def test_names_and_texts_are_escaped() -> None:
    names = [HOSTILE, *(f"{HOSTILE}{i}" for i in range(1, 8))]
    made = graph(8, names=names, text=HOSTILE)
    text = page(made, HOSTILE, HOSTILE).decode()
    plain = page(graph(8), "a", "b").decode()
    found = Elements(text)
    assert found.tags == Elements(plain).tags  # not one element more
    assert "script" not in found.tags
    assert "alert(1)" in "".join(found.texts)
    assert not re.search("[\x00\u202e]", text)
    assert plot(made, HOSTILE, HOSTILE).startswith(b"\x89PNG")


def test_signs_that_mean_something_to_matplotlib_are_drawn_as_they_are() -> None:
    assert plot(graph(2, names=["$x_1$ and $", "日本 \\frac{"]), "$a$", "$").startswith(b"\x89PNG")


def test_hovering_tells_the_memories() -> None:
    text = page(graph(3, names=["Ann", "Oslo", "Kim"], text="We met & talked."), "a", "b").decode()
    assert "<title>Ann – Oslo: 1 memory\n• We met &amp; talked.</title>" in text
    assert "<title>Oslo (person), in 2 memories</title>" in text


def test_neither_scipy_nor_matplotlib_is_needed_for_a_page() -> None:
    code = (
        "import sys; sys.modules.update(scipy=None, matplotlib=None, jinja2=None)\n"
        "from tests.evals.drawing.test_drawing import graph\n"
        "from memsvc_evals.drawing import drawer; from pathlib import Path\n"
        "sys.stdout.write(str(len(drawer(Path('a.html'))(graph(350), 'a', 'b'))))"
    )
    code = code.replace("from tests", "sys.modules['memsvc_evals.drawing.plot'] = type(sys)('plot')\n"
        "sys.modules['memsvc_evals.drawing.plot'].plot = None\nfrom tests")  # fmt: skip
    ran = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).resolve().parents[3],
    )
    assert int(ran.stdout) > 10_000


def test_the_file_name_says_what_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    assert drawing.drawer(Path("a.HTML")) is page
    assert drawing.drawer(Path("a.png")) is plot
    for name in ("a.svg", "a", "png"):
        with pytest.raises(InvalidInput, match=r"give a name that ends in \.html or \.png"):
            drawing.drawer(Path(name))
    missing: Any = None
    monkeypatch.setitem(sys.modules, "matplotlib.figure", missing)
    with pytest.raises(MissingDependency, match=r"pip install 'memsvc\[evals\]'"):
        drawing.drawer(Path("a.png"))
