"""Turns a sentence-transformers folder into one ONNX graph: token ids in, unit vectors out.

    torch.onnx.export  →  fusion for BERT  →  tensors beside the graph  →  publish

Covered: BERT-like encoders with mean pooling and no prompts. Anything else is refused, and
`SentenceTransformerEmbedder` takes it. Needs torch, sentence-transformers and onnx, which are
imported here only; an embedding from a finished export needs none of them.

What each stage pays, cold process on 2 cores: session creation 264 ms from the exporter's own file
(534 nodes), 200 ms when fused (50 nodes, difference 2e-7), 55 ms when fused with the tensors in a
file that onnxruntime maps instead of copying.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import warnings
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from memsvc.errors import EmbedderError, MissingDependency
from memsvc.models.embedding import onnx_cache as cache
from memsvc.models.embedding.sentence_transformer import quiet_loading
from memsvc.models.embedding.space import PLAIN, named, recipe_of, weights_of

if TYPE_CHECKING:
    from collections.abc import Iterator

_OPSET = 17
_STALE_S = 3600
_SMALL = 1024  # bytes; smaller tensors stay in the graph, where shapes are read from


def export(source: Path, folder: Path, *, name: str | None = None, sha256: str | None = None) -> None:
    """Exports the model in `source` to `folder`; takes about 10 s, most of it importing torch.

    Args:
        source: a sentence-transformers folder.
        folder: where the export goes; replaced when it holds something else.
        name: the model's name; the source folder's when None.
        sha256: what the weights must hash to; anything goes when None.

    Raises:
        MissingDependency: torch, sentence-transformers or onnx is not installed.
        EmbedderError: the model cannot be exported, is not the wanted one, or there is no room.
    """
    if not source.is_dir():
        raise EmbedderError(f"No model folder at {source}: pass the folder of a sentence-transformers model.")
    recipe = recipe_of(source)
    if recipe._replace(max_tokens=PLAIN.max_tokens) != PLAIN:
        raise EmbedderError(
            f"{source} uses {recipe}; the ONNX export covers mean pooling without prompts: "
            "use SentenceTransformerEmbedder for this model."
        )
    stamps = _source_stamps(source)
    weights = next(iter(stamps.values())).sha256
    if sha256 is not None and weights != sha256:
        raise EmbedderError(
            f"The weights in {source} have sha256 {weights}, wanted {sha256}: "
            "the package is damaged or not the official model; install it again."
        )
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder.parent)
        made = Path(tempfile.mkdtemp(prefix=f".{folder.name}.new-", dir=folder.parent))
        try:
            shape = _write_files(source, made)
            cache.Manifest(
                model=named(name or source.name, weights, recipe._replace(max_tokens=shape["max_tokens"])),
                files={file: cache.Stamp.of(made / file) for file in (cache.GRAPH, cache.WEIGHTS, cache.TOKENIZER)},
                sources=stamps,
                **shape,
            ).write(made)
            cache.publish(made, folder, source)
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        raise EmbedderError(
            f"The export of {source} to {folder} failed ({error}): it needs about 300 MB of room in a folder that "
            "can be written; choose another with cache_dir."
        ) from error


def _source_stamps(source: Path) -> dict[str, cache.Stamp]:
    """Stamps of the files that decide the vectors, the weights first."""
    weights = weights_of(source)
    tokenizer = source / cache.TOKENIZER
    if len(weights) != 1 or not tokenizer.is_file():
        raise EmbedderError(
            f"{source} has {len(weights)} weight files and tokenizer.json {'is' if tokenizer.is_file() else 'is not'} "
            "there; the ONNX export covers one file with its tokenizer.json: use SentenceTransformerEmbedder."
        )
    return {str(path.relative_to(source)): cache.Stamp.of(path) for path in (weights[0], tokenizer)}


def _write_files(source: Path, made: Path) -> dict[str, int]:
    """Writes graph, tensors and tokenizer; the one border where the libraries' errors become ours."""
    try:
        import onnx  # noqa: F401  # asked for here, before ten seconds of work without it
        import torch  # noqa: F401
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise MissingDependency(
            f"Exporting {source.name} needs {error.name}, once: pip install 'memsvc[offline]'."
        ) from error
    try:
        with _offline(), quiet_loading():
            model = SentenceTransformer(str(source), device="cpu", local_files_only=True)
        _trace(model[0], made / "raw.onnx")
        _fuse(made / "raw.onnx", made, model[0])
        (made / "raw.onnx").unlink()
        shutil.copyfile(source / cache.TOKENIZER, made / cache.TOKENIZER)
        return {
            "dimension": int(_encoder(model[0]).config.hidden_size),
            "max_tokens": int(model.max_seq_length),
            "pad_id": int(model.tokenizer.pad_token_id),
        }
    except OSError:
        raise  # no room, no rights, no such file: export() says so
    except Exception as error:
        raise EmbedderError(
            f"The model in {source} cannot be exported to ONNX ({type(error).__name__}: {error}): "
            "use SentenceTransformerEmbedder for it."
        ) from error


def _encoder(transformer: Any) -> Any:
    """The transformers model inside; its attribute was renamed in sentence-transformers 6."""
    return getattr(transformer, "model", None) or transformer.auto_model


def _sweep(parent: Path) -> None:
    """Deletes what killed exports left behind; a living one is far younger than an hour."""
    for left in [*parent.glob(".*.new-*"), *parent.glob(".*.aside-*")]:
        with suppress(OSError):
            if time.time() - left.stat().st_mtime > _STALE_S:
                shutil.rmtree(left, ignore_errors=True)


def _trace(transformer: Any, path: Path) -> None:
    """Writes the encoder with mean pooling and normalisation as the exporter draws it."""
    import torch

    encoder = _encoder(transformer)
    encoder.set_attn_implementation("eager")  # the form that the fusion recognises

    class Sentence(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.encoder = encoder

        def forward(self, input_ids: Any, attention_mask: Any) -> Any:
            tokens = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
            mask = attention_mask.unsqueeze(-1).to(tokens.dtype)
            mean = (tokens * mask).sum(1) / mask.sum(1).clamp(min=1e-9)
            return torch.nn.functional.normalize(mean, dim=1)

    ids = torch.ones((2, 7), dtype=torch.int64)
    axes = {0: "texts", 1: "tokens"}
    with warnings.catch_warnings(), torch.no_grad():
        # The tracing exporter says that it will be replaced; its successor needs onnxscript as well.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            Sentence().eval(),
            (ids, torch.ones_like(ids)),
            str(path),
            input_names=["input_ids", "attention_mask"],
            output_names=["vectors"],
            dynamic_axes={"input_ids": axes, "attention_mask": axes, "vectors": {0: "texts"}},
            opset_version=_OPSET,
            dynamo=False,
        )


def _fuse(raw: Path, made: Path, transformer: Any) -> None:
    """Merges attention, layer norms and GELU into single nodes (exact forms only), tensors apart."""
    import onnx
    from onnxruntime.transformers.optimizer import optimize_model

    config = _encoder(transformer).config
    graph = onnx.load(str(raw))
    if config.model_type == "bert":
        graph = optimize_model(
            str(raw),
            model_type="bert",
            num_heads=config.num_attention_heads,
            hidden_size=config.hidden_size,
            opt_level=0,
        ).model
    onnx.save_model(
        graph, str(made / cache.GRAPH), save_as_external_data=True, location=cache.WEIGHTS, size_threshold=_SMALL
    )


@contextmanager
def _offline() -> Iterator[None]:
    """No model hub while the model loads: the folder is complete, and a question to the hub would hang."""
    from huggingface_hub import constants

    before, constant = os.environ.get("HF_HUB_OFFLINE"), constants.HF_HUB_OFFLINE
    # Both: the library reads the variable once, at its import, and would stay offline for good.
    os.environ["HF_HUB_OFFLINE"], constants.HF_HUB_OFFLINE = "1", True
    try:
        yield
    finally:
        constants.HF_HUB_OFFLINE = constant
        if before is None:
            del os.environ["HF_HUB_OFFLINE"]
        else:
            os.environ["HF_HUB_OFFLINE"] = before
