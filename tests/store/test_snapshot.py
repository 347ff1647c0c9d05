"""Snapshots: used when they can be trusted, set aside when not, never in the way."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from memsvc_store.projections import filtering
from memsvc_store.sql.records import Records
from memsvc_store.sql.rows import Entry, Namespace
from memsvc_store.store import Store
from memsvc_store.values.hits import Filter
from tests.store.values import Space, draft


@contextmanager
def opened(path: Path, space: Space | None = None) -> Iterator[Store]:
    store = Store(path, space=space or Space(), snapshot_rows=5)
    yield store
    store.close()


def written(path: Path, count: int = 20) -> Path:
    """A database with one namespace and its snapshot; returns the snapshot."""
    with opened(path) as store:
        receipts = store.add("ann", [draft(f"text {index} Oslo", minutes=index) for index in range(count)])
        with store.reading("ann"):
            pass  # so that the deleted memory below leaves a dead row behind
        store.delete("ann", receipts[3].id or "")
        assert store.verify("ann") == []
    [snapshot] = (path.parent / f"{path.name}.shards").glob("*.shard")
    return snapshot


def test_a_snapshot_replaces_the_build_and_later_writes_are_replayed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.db"
    written(path)
    whole = Records.entries

    def entries(
        self: Records,
        namespace: Namespace,
        name: str,
        model: str,
        now: int,
        ids: Sequence[str] | None = None,
        *,
        cold: bool,
    ) -> Iterator[Entry]:
        assert ids is not None, "the shard was built from SQL"
        return whole(self, namespace, name, model, now, ids, cold=cold)

    monkeypatch.setattr(Records, "entries", entries)
    with opened(path) as store:
        store.add("ann", [draft("later", minutes=99)])
        with store.reading("ann") as reading:
            assert (len(reading.shard), reading.shard.version) == (20, 3)
            found = reading.memories(reading.shard.rows_of(reading.shard.live_ids))
            assert found[-1].text == "later"


def test_a_restored_shard_equals_a_built_one(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    written(path)
    with opened(path) as store:
        assert store.verify("ann") == []
        with store.reading("ann") as reading:
            assert reading.shard.lexical.scores(reading.shard.lexical.postings(["text"])).shape == (20,)
            mask = filtering.mask(reading.shard, Filter(speaker=("Ann",)))
            assert mask is not None
            assert mask.sum() == 19


def test_a_snapshot_of_an_older_memsvc_goes_and_the_shard_is_built(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    snapshot = written(path)
    snapshot.write_bytes(resealed(snapshot.read_bytes().replace(b'"format": 4', b'"format": 1')))
    with opened(path) as store, store.reading("ann") as reading:
        assert len(reading.shard) == 19
        assert list(snapshot.parent.iterdir()) == []


def resealed(raw: bytes) -> bytes:
    """The bytes with a checksum that holds, as only a bug of ours could write them."""
    body = raw.partition(b"\n")[2]
    return hashlib.sha256(body).hexdigest().encode() + b"\n" + body


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw[: len(raw) // 2],
        lambda raw: raw[:-1] + bytes([raw[-1] ^ 1]),
        lambda raw: b"",
        lambda raw: b"no header at all",
        lambda raw: b"{}\n" + raw,
        lambda raw: b"[1]\n" + raw,
        lambda raw: raw.replace(b'"terms": [', b'"terms": ["more", '),
        lambda raw: resealed(raw.replace(b'"version": 2', b'"version": 9')),
        lambda raw: resealed(raw.replace(b'"format": 4', b'"format": 0')),
        lambda raw: resealed(raw.replace(b'"dimension": 16', b'"dimension": 17')),
        lambda raw: resealed(raw.replace(b'"namespace": "ann"', b'"namespace": "bob"')),
        lambda raw: resealed(re.sub(rb'"ids": \[[^]]*]', b'"ids": []', raw)),
        lambda raw: resealed(raw[:-400]),
    ],
)
def test_a_bad_snapshot_is_set_aside_and_the_shard_built(tmp_path: Path, damage: object) -> None:
    path = tmp_path / "a.db"
    snapshot = written(path)
    raw = snapshot.read_bytes()
    changed = damage(raw)  # type: ignore[operator]
    assert changed != raw
    snapshot.write_bytes(changed)
    with opened(path) as store:
        with store.reading("ann") as reading:
            assert len(reading.shard) == 19
        assert store.verify("ann") == []
    assert snapshot.with_suffix(".rejected").read_bytes() == changed
    assert snapshot.exists(), "closing wrote a good one"


def test_a_snapshot_of_another_database_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "one").mkdir()
    (tmp_path / "two").mkdir()
    mine, theirs = written(tmp_path / "one" / "a.db"), written(tmp_path / "two" / "a.db", count=30)
    shutil.copy(theirs, mine)
    with opened(tmp_path / "one" / "a.db") as store, store.reading("ann") as reading:
        assert len(reading.shard) == 19
    assert mine.with_suffix(".rejected").exists()


def test_a_restored_backup_is_not_served_from_a_newer_snapshot(tmp_path: Path) -> None:
    path, backup = tmp_path / "a.db", tmp_path / "backup.db"
    written(path)
    shutil.copy(path, backup)
    with opened(path) as store:
        store.add("ann", [draft("after the backup", minutes=50)])
        with store.reading("ann"):
            pass
    shutil.copy(backup, path)
    with opened(path) as store:
        store.add("ann", [draft("another history", minutes=60)])
        with store.reading("ann") as reading:
            live = reading.memories(reading.shard.rows_of(reading.shard.live_ids))
        assert "another history" in {memory.text for memory in live}
        assert "after the backup" not in {memory.text for memory in live}
        assert store.verify("ann") == []


def test_another_model_has_its_own_snapshot(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    written(path)
    with opened(path, Space("other", 8)) as store, store.reading("ann") as reading:
        assert reading.shard.stale == 19
    assert len(list((tmp_path / "a.db.shards").glob("*.shard"))) == 2


def test_small_shards_get_none_and_an_unwritable_folder_is_no_error(tmp_path: Path) -> None:
    with Store(tmp_path / "a.db", space=Space(), snapshot_rows=100) as store:
        store.add("ann", [draft("one")])
        with store.reading("ann"):
            pass
    assert not (tmp_path / "a.db.shards").exists()
    (tmp_path / "b.db.shards").write_text("a file where the folder should be")
    with Store(tmp_path / "b.db", space=Space(), snapshot_rows=1) as store:
        store.add("ann", [draft("one")])
        with store.reading("ann"):
            pass


def test_the_header_names_its_origin(tmp_path: Path) -> None:
    snapshot = written(tmp_path / "a.db")
    header = json.loads(snapshot.read_bytes().split(b"\n")[1])
    origin = {"format": 4, "model": "test-model:16", "dimension": 16, "namespace": "ann", "version": 2}
    assert {field: header[field] for field in origin} == origin
