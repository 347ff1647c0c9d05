"""Writers take turns, in the order in which they came, and nobody keeps a turn that is over."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from memsvc_store.errors import DatabaseBusy
from memsvc_store.sql.database import Database, Turns


def until(true: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not true():
        assert time.monotonic() < end, "it never came true"
        time.sleep(0.001)


def test_turns_are_given_in_the_order_in_which_they_were_asked_for() -> None:
    turns, served = Turns("a.db", 10), list[int]()

    def work(number: int) -> None:
        with turns.turn():
            served.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(20)]
    with turns.turn():
        for number, thread in enumerate(threads):
            thread.start()
            until(lambda number=number: len(turns._line) == number + 2)  # type: ignore[misc]
        assert served == []
    for thread in threads:
        thread.join()
    assert served == list(range(20))


def test_one_at_a_time() -> None:
    turns, inside, most = Turns("a.db", 10), 0, 0

    def work(_: int) -> None:
        nonlocal inside, most
        for _ in range(50):
            with turns.turn():
                inside += 1
                most = max(most, inside)
                time.sleep(0)
                inside -= 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert (inside, most) == (0, 1)


def test_who_waits_too_long_is_told_and_holds_up_nobody() -> None:
    turns = Turns("a.db", 0.02)
    with turns.turn(), pytest.raises(DatabaseBusy, match=r"^a.db: .* writing for 0\.02 s; retry"), turns.turn():
        pytest.fail("there were two at a time")
    with turns.turn():
        pass


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_a_turn_ends_with_what_was_raised_in_it(error: type[BaseException]) -> None:
    turns = Turns("a.db", 0.1)
    with pytest.raises(error), turns.turn():
        raise error
    with turns.turn():
        pass


def test_who_waits_to_write_holds_no_connection(tmp_path: Path) -> None:
    database = Database(tmp_path / "a.db")
    done = threading.Barrier(21)

    def write() -> None:
        with database.write():
            pass
        done.wait(10)

    threads = [threading.Thread(target=write) for _ in range(20)]
    with database.write():
        for thread in threads:
            thread.start()
        until(lambda: len(database._turns._line) == 21)
        assert database._engine.pool.checkedout() == 1  # type: ignore[attr-defined]
        with database.read() as connection:  # and readers are not in line
            assert connection.exec_driver_sql("SELECT 1").scalar() == 1
    done.wait(10)
    for thread in threads:
        thread.join()
    database.close()
