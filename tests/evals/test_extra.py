"""Without the extra `evals`, what needs it says so before it begins; what does not goes on."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from memsvc.errors import MissingDependency
from memsvc_evals import extra
from memsvc_evals.answers.run import run
from memsvc_evals.scoring import statistics, text

if TYPE_CHECKING:
    from memsvc_evals import Dataset


@pytest.fixture(params=["nltk", "scipy"])
def without(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    name: str = request.param
    found = importlib.util.find_spec
    monkeypatch.setattr(extra, "find_spec", lambda package: None if package == name else found(package))
    text._stemmer.cache_clear()
    text._stem.cache_clear()
    text._tokenizers.cache_clear()
    text.word_tokens.cache_clear()
    return name


def test_a_run_says_so_before_anything_is_asked(without: str, examples: Dataset, tmp_path: Path) -> None:
    with pytest.raises(MissingDependency, match=rf"{without}: pip install 'memsvc\[evals\]'"):
        run(examples, tmp_path / "out", None, None)  # type: ignore[arg-type]  # neither plan nor parts are looked at
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("without", ["nltk"], indirect=True)
def test_scores_say_so(without: str) -> None:
    for score in (lambda: text.bleu1("a cat", "a cat"), lambda: text.f1("cats", "a cat", 4)):
        with pytest.raises(MissingDependency, match=without):
            score()
    assert text.f1_set("a cat", "a cat") == 1.0


@pytest.mark.parametrize("without", ["scipy"], indirect=True)
def test_intervals_say_so(without: str) -> None:
    for score in (lambda: statistics.wilson(1, 2), lambda: statistics.student([0.1, 0.2])):
        with pytest.raises(MissingDependency, match=without):
            score()
    assert statistics.bootstrap([0.5]).mean == 0.5


def test_a_module_that_was_put_aside_counts_as_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "nltk", None)
    with pytest.raises(MissingDependency, match="nltk"):
        extra.require(*extra.SCORING)
