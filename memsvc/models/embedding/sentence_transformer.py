"""Embeds with any sentence-transformers model, by name or by path, on CUDA where there is one.

torch and sentence-transformers take about 9 s to import, so they are, on the first use. Texts
longer than the model's limit are cut into windows as everywhere (see `texts`), so that a folder
gives the same vectors here and through `OnnxEmbedder`, and goes by the same name.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from memsvc.errors import EmbedderError, MissingDependency
from memsvc.models import hub, quiet
from memsvc.models.embedding.space import space_name
from memsvc.models.embedding.texts import checked, pooled, spans, unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from memsvc_retrievers.protocols import Purpose


class SentenceTransformerEmbedder:
    """Any sentence-transformers model; implements `Embedder`. Safe to share between threads.

    `model` is the name and the weights' checksum (see `space`): the same in every process, and
    another one when a hub name's weights change. Models with prompts get the one for the purpose.

    Args:
        name_or_path: a model hub name or a folder.
        device: torch's name of a device; CUDA where there is one, else the CPU, when None.
        batch_size: windows in one forward pass.
        name: what `model` calls it; the last part of `name_or_path` when None.
    """

    def __init__(
        self, name_or_path: str | Path, *, device: str | None = None, batch_size: int = 32, name: str | None = None
    ) -> None:
        self._where = str(name_or_path)
        self._device = device
        self._batch_size = batch_size
        self._name = name or Path(self._where).name
        self._lock = threading.RLock()
        self._loaded: Any = None
        self._space: str | None = None

    @property
    def model(self) -> str:
        """The space's name. A folder's is computed without loading it; a hub name's after loading."""
        with self._lock:
            if self._space is None:
                self._space = space_name(self._weights_folder(), name=self._name)
            return self._space

    @property
    def dimension(self) -> int:
        """Length of every vector."""
        loaded = self._ready()  # renamed in sentence-transformers 6
        ask = getattr(loaded, "get_embedding_dimension", None) or loaded.get_sentence_embedding_dimension
        return int(ask())

    def prepare(self) -> None:
        """Loads the model now.

        Raises:
            MissingDependency: torch or sentence-transformers is not installed.
            EmbedderError: the model cannot be loaded.
        """
        self._ready()

    def embed(self, texts: Sequence[str], *, purpose: Purpose = "document") -> NDArray[np.float32]:
        """Unit rows, float32 `(len(texts), dimension)`, in the texts' order.

        Raises:
            InvalidInput: not a list of strings.
            MissingDependency: torch or sentence-transformers is not installed.
            EmbedderError: the model cannot be loaded, failed, or gave a vector that is not finite.
        """
        plain = checked(texts)
        loaded = self._ready()
        if not plain:
            return np.empty((0, self.dimension), dtype=np.float32)
        # One call at a time: sentence-transformers changes the tokenizer's settings while it runs.
        with self._lock:
            return self._embed(loaded, plain, purpose)

    def _embed(self, loaded: Any, texts: list[str], purpose: Purpose) -> NDArray[np.float32]:
        """The forward pass; the one border where the libraries' errors in it become ours."""
        encode = loaded.encode_query if purpose == "query" else loaded.encode_document
        try:
            room = _room(loaded)
            windows = _windows(loaded.tokenizer, texts, room)
            vectors = encode(
                [window for mine in windows for window in mine],
                batch_size=self._batch_size,
                convert_to_numpy=True,
                show_progress_bar=False,
            )
        except Exception as error:
            raise EmbedderError(
                f"The model {self._where!r} failed on {len(texts)} texts ({type(error).__name__}: {error}): "
                "if memory is short, lower batch_size or choose device='cpu'."
            ) from error
        rows = unit(np.asarray(vectors, dtype=np.float32), model=self._where)
        return pooled(rows, [len(mine) for mine in windows])

    def _ready(self) -> Any:
        with self._lock:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded

    def _load(self) -> Any:
        """The one border where the libraries' errors while loading become ours."""
        try:
            with quiet.no_warnings():
                from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise MissingDependency(
                f"The model {self._where!r} needs sentence-transformers and torch (missing: {error.name}): "
                "pip install 'memsvc[torch]'."
            ) from error

        def load(local: bool) -> Any:
            return SentenceTransformer(self._where, device=self._device, local_files_only=local)

        try:
            with quiet.loading():
                return hub.loaded(self._where, load, also=[self._official])
        except hub.NoSuchModel as error:
            raise EmbedderError(
                f"There is no model {self._where!r}: {error}; check MEMSVC_EMBEDDER or the path."
            ) from None
        except Exception as error:
            raise EmbedderError(
                f"The model {self._where!r} cannot be loaded ({type(error).__name__}: {error}): check the name or "
                "path, and that the model hub can be reached or the model was downloaded before."
            ) from error

    @property
    def _official(self) -> str:
        """Where sentence-transformers looks for a name without an owner."""
        return f"sentence-transformers/{self._where}"

    def _weights_folder(self) -> Path:
        """The folder itself, or the hub's local copy of the named model."""
        if (folder := Path(self._where)).is_dir():
            return folder
        self._ready()
        from huggingface_hub import try_to_load_from_cache

        for repository in (self._where, self._official):
            if isinstance(found := try_to_load_from_cache(repository, "modules.json"), str):
                return Path(found).parent
        raise EmbedderError(
            f"The model {self._where!r} loaded, but its files are not in the model hub's cache: pass its folder."
        )


def _room(loaded: Any) -> int | None:
    """Tokens of text that one pass can read, beside special tokens and prompt; None when unlimited."""
    tokenizer, limit = loaded.tokenizer, loaded.max_seq_length
    if limit is None or not getattr(tokenizer, "is_fast", False):
        return None
    prompts = ["", *(getattr(loaded, "prompts", None) or {}).values()]
    return max(1, int(limit) - max(len(ids) for ids in tokenizer(prompts)["input_ids"]))


def _windows(tokenizer: Any, texts: list[str], room: int | None) -> list[list[str]]:
    """Each text alone, or its windows when it has more than `room` tokens."""
    if room is None:
        return [[text] for text in texts]
    found = tokenizer(texts, add_special_tokens=False, truncation=False, return_offsets_mapping=True, verbose=False)
    return [
        [text]
        if len(offsets) <= room
        else [text[start:end] for start, end in spans(offsets, found.word_ids(at), size=room)]
        for at, (text, offsets) in enumerate(zip(texts, found["offset_mapping"], strict=True))
    ]
