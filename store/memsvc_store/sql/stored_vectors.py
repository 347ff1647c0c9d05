"""Vectors in and out, under the digest of their text and their model: a text is embedded once a namespace."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import sqlalchemy as sa

from memsvc_store.sql import schema
from memsvc_store.sql.dialect import Statements

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from memsvc_store.sql.rows import Namespace

_mem, _vec = schema.memories, schema.vectors

SAME_TEXT = (
    (_vec.c.namespace_key == _mem.c.namespace_key)
    & (_vec.c.digest == _mem.c.digest)
    & (_vec.c.model == sa.bindparam("model"))
)
"""Joins a memory to its vector of the model that is bound as `model`."""


class StoredVectors(Statements):
    """The vectors, under the digest of their text."""

    def known(self, namespace: Namespace, model: str, digests: Sequence[bytes]) -> set[bytes]:
        """Which of these texts the model has already embedded in this namespace."""
        where = (_vec.c.namespace_key == namespace.key) & (_vec.c.model == model)
        rows = self.rows_in(sa.select(_vec.c.digest).where(where), _vec.c.digest, digests)
        return {bytes(row.digest) for row in rows}

    def insert(self, namespace: Namespace, model: str, vectors: Mapping[bytes, NDArray[np.float32]]) -> None:
        """Store vectors under their text's digest; one that is there already stays."""
        rows = [
            {"namespace_key": namespace.key, "digest": digest, "model": model, "dimension": len(vector),
             "data": np.asarray(vector, dtype="<f4").tobytes()}
            for digest, vector in vectors.items()
        ]  # fmt: skip
        if rows:
            self.connection.execute(self.insert_into(_vec).on_conflict_do_nothing(), rows)

    def stale(self, namespace: Namespace, model: str, limit: int) -> list[tuple[str, str]]:
        """(id, text) of live memories that the model has not embedded yet."""
        statement = _STALE.where(_mem.c.namespace_key == namespace.key).limit(limit)
        return [(row.id, row.text) for row in self.connection.execute(statement, {"model": model})]

    def count_stale(self, namespace: Namespace, model: str) -> int:
        """How many live memories the model has not embedded yet."""
        missing = _STALE.where(_mem.c.namespace_key == namespace.key).order_by(None).subquery()
        return int(
            self.connection.execute(sa.select(sa.func.count()).select_from(missing), {"model": model}).scalar_one()
        )

    def drop_orphans(self, namespace: Namespace, digests: Sequence[bytes]) -> None:
        """Delete the vectors of these texts that no live memory says any more."""
        says = sa.exists().where(
            _mem.c.namespace_key == namespace.key, _mem.c.digest == _vec.c.digest, _mem.c.retired_at.is_(None)
        )
        where = (_vec.c.namespace_key == namespace.key) & _vec.c.digest.in_(list(digests)) & ~says
        self.connection.execute(sa.delete(_vec).where(where))

    def sizes(self, namespace: Namespace) -> list[tuple[str, int, int]]:
        """(model, stated dimension, bytes) of every vector, for `verify`."""
        select = sa.select(_vec.c.model, _vec.c.dimension, sa.func.length(_vec.c.data))
        return [tuple(row) for row in self.connection.execute(select.where(_vec.c.namespace_key == namespace.key))]


_STALE = (
    sa.select(_mem.c.id, _mem.c.text)
    .select_from(_mem.outerjoin(_vec, SAME_TEXT))
    .where(_mem.c.retired_at.is_(None), _vec.c.digest.is_(None))
    .order_by(_mem.c.key)
)
