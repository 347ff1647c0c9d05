"""What BM25 finds in Chinese by how its words are cut, and how long reading takes in some scripts.

    python benchmarks/unspaced.py --memdaily FOLDER

Recall@10 of the evidence in the stories of MemDaily (nuster1128/MemSim), and CPU time against one plain pattern without
the tables of Unicode, as memsvc had it before.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from memsvc_store.projections import lexical
from memsvc_store.projections.lexical import LexicalIndex
from memsvc_store.values.text import STOP_WORDS, W_CHARACTER, stems, terms, unspaced, words

Stories = Sequence[dict[str, Any]]
_EAST = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_PLAIN = re.compile(rf"[{_EAST}]|[^\W_{_EAST}]+")
_APOSTROPHE = re.compile(r"['’](?:s|re|ve|ll|d|m|t)?\b")


def plain(text: str) -> list[str]:
    """One pattern, each Chinese or Japanese character a word."""
    return stems(one for one in _PLAIN.findall(_APOSTROPHE.sub(" ", text.casefold())) if one not in STOP_WORDS)


def pairs(text: str) -> list[str]:
    """No characters but those in pairs."""
    return [term for term in terms(text) if len(term) > 1 or not unspaced(term)]


CUTS: tuple[tuple[str, Callable[[str], list[str]], float], ...] = (
    ("characters", plain, 1.0),
    ("pairs", pairs, 1.0),
    ("both alike", terms, 1.0),
    ("both, as it is", terms, W_CHARACTER),
)


def recall(groups: Iterable[Stories], cut: Callable[[str], list[str]]) -> float:
    """Mean recall@10 (%), each group of stories one namespace."""
    return 100 * float(np.mean([share for stories in groups for share in _shares(stories, cut)]))


def _shares(stories: Stories, cut: Callable[[str], list[str]]) -> Iterator[float]:
    index, rows = LexicalIndex(), {}
    for number, story in enumerate(stories):
        for message in story["message_list"]:
            rows[number, message["mid"]] = len(index)
            index.add(cut(message["message"]))
    for number, story in enumerate(stories):
        for asked in story["question_list"]:
            scores = index.scores(index.postings(dict.fromkeys(cut(asked["question"]))))
            best = np.lexsort((np.arange(len(scores)), -scores))[:10].tolist()
            wanted = {rows[number, one] for one in asked["target_step_id"]}
            yield len(wanted.intersection(best)) / len(wanted)


def seconds(read: Callable[[str], object], text: str) -> float:
    """CPU time of the quickest of ten readings."""
    found = []
    for _ in range(10):
        begun = time.process_time()
        read(text)
        found.append(time.process_time() - begun)
    return min(found)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--memdaily", type=Path, required=True)
    files = [json.loads(path.read_text()) for path in sorted(parser.parse_args().memdaily.glob("*.json"))]
    tens = [stories[start : start + 10] for stories in files for start in range(0, len(stories), 10)]
    for name, cut, character in CUTS:
        lexical.weight = lambda term, of=character: of if len(term) == 1 and unspaced(term) else 1.0  # type: ignore[misc]
        print(f"{name:<16} a file {recall(files, cut):5.1f}   ten stories {recall(tens, cut):5.1f}")
    english = " ".join(["She said that we'd meet in Oslo on the 5th, near the old harbour."] * 1_600)[:100_000]
    chinese = "".join(one["message"] for stories in files for story in stories for one in story["message_list"])[
        :100_000
    ]
    texts = {"English": english, "with quotes": f"“{english}”", "with an emoji": f"{english} 😊", "Chinese": chinese}
    for name, text in texts.items():
        print(f"{name:<16} {seconds(terms, text) * 1e3:5.1f} ms, x {seconds(terms, text) / seconds(plain, text):.2f}; "
              f"{len(words(text)):,} words")  # fmt: skip


if __name__ == "__main__":
    main()
