"""The heavy half of an export, in a process of its own: `python -m memsvc.models.embedding.onnx_tracing SOURCE FOLDER`.

It writes the graph, its tensors and the tokenizer into the folder, and a line of JSON: what the model is like, or what
went wrong. torch and its neighbours stay in memory until their process ends: 1.4 GB of a service that needs 0.2.
"""

from __future__ import annotations

import json
import shutil
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from memsvc.errors import EmbedderError
from memsvc.models import quiet
from memsvc.models.embedding import onnx_cache as cache

_OPSET = 17
_SMALL = 1024  # bytes; smaller tensors stay in the graph, where shapes are read from


def main(source: Path, made: Path) -> dict[str, Any]:
    """`{"shape": {"dimension", "max_tokens", "pad_id"}}`, or `{"error", "why"}`, of kind `model` or `room`."""
    try:
        with redirect_stdout(sys.stderr):
            return {"shape": write_files(source, made)}
    except EmbedderError as error:
        return {"error": "model", "why": str(error)}
    except OSError as error:
        return {"error": "room", "why": str(error)}


def write_files(source: Path, made: Path) -> dict[str, int]:
    """Writes graph, tensors and tokenizer; the one border where the libraries' errors become ours."""
    with quiet.no_warnings():
        from sentence_transformers import SentenceTransformer

    try:
        with quiet.loading():
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
    with quiet.no_warnings(), torch.no_grad():  # the tracing exporter says that it will be replaced
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


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(Path(sys.argv[1]), Path(sys.argv[2]))) + "\n")
