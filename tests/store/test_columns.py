"""A law for every column of a shard, listed or not: it is filled, survives a snapshot, and is verified."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from memsvc_store.projections.columns import Column
from memsvc_store.projections.shard import Shard
from memsvc_store.store import Store
from tests.store.values import DIMENSION, Space, draft, fact

COLUMNS = sorted(name for name, part in vars(Shard(1, exact_limit=1)).items() if isinstance(part, Column))
EXACT = 20_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "store.db", space=Space()) as store:
        said = [draft("Where is it?"), draft("In Oslo.", minutes=1, role="assistant"), draft("Good.", minutes=2)]
        stored = store.add("ann", [*said, draft("Hm?", session="s2", speaker="Bob", minutes=3)])
        store.add_facts("ann", [fact("It is in Oslo.", str(stored[1].id))])
        yield store


@pytest.mark.parametrize("name", COLUMNS)
def test_a_spoilt_value_is_found(store: Store, name: str) -> None:
    with store.reading("ann") as reading:
        values = vars(reading.shard)[name].values
        assert len(values) == reading.shard.rows == 5, "a column has one value a row"
        values[1] = values[1] + 1 if values.dtype == np.float64 else values[1] ^ 1
    assert f"ann: the shard's column {name} differs from SQL" in store.verify("ann")
    store.reindex("ann")
    assert store.verify("ann") == []


@pytest.mark.parametrize("name", COLUMNS)
def test_a_snapshot_brings_it_back(store: Store, name: str) -> None:
    with store.reading("ann") as reading:
        shard, again = reading.shard, Shard(DIMENSION, exact_limit=EXACT)
        shard.learn({shard.ids[1]: 0.5})
        again.unpack(*shard.pack())
        again.learn(shard.utilities)
        assert vars(again)[name].values.tolist() == vars(shard)[name].values.tolist()
        again.clear()
        assert not len(vars(again)[name])
