"""Whose turn it is when several ask at once, and while others write."""

import threading
import time
from typing import Any
from unittest.mock import patch

import pytest
from filming import called, film_of, rung
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from pipeline.catalog import turn
from pipeline.catalog.engine import BUSY_S
from pipeline.catalog.leases import claim
from pipeline.catalog.models import Asset

pytestmark = pytest.mark.xdist_group("servers")


def test_many_workers_at_once_take_a_name_each(engine: Engine) -> None:
    with Session(engine) as session:
        long = film_of("A", 9, session)
        short = film_of("B", 4, session)
    taken: list[tuple[str, str] | None] = []
    start = threading.Barrier(6)

    def work(number: int) -> None:
        start.wait()
        with Session(engine) as session:
            taken.append(called(session, long, f"chunk/{number:04}"))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(1, 7)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len({*taken}) == 6
    assert {(short, f"chunk/{number:04}") for number in (1, 2, 3)} < {*taken}


def test_a_turn_is_chosen_while_others_write(engine: Engine, session: Session) -> None:
    long, short = film_of("A", 9, session), film_of("B", 3, session)
    chosen = turn._most_urgent

    def while_a_part_is_acknowledged(*args: Any) -> Any:
        first = chosen(*args)
        with Session(engine) as other:  # waits for nobody: on SQLite there is one lock for all
            other.execute(update(Asset).where(Asset.id == long).values(speed=1.0))
            other.commit()
        return first

    with patch.object(turn, "_most_urgent", while_a_part_is_acknowledged):
        began = time.monotonic()
        assert called(session, long, "chunk/0001") == (short, "chunk/0001")

    assert time.monotonic() - began < BUSY_S / 2


def test_who_was_woken_twice_for_one_name_makes_nothing_else(engine: Engine, session: Session) -> None:
    long, _ = film_of("A", 9, session), film_of("B", 3, session)
    chosen = turn._most_urgent

    def and_the_first_one_begins(*args: Any) -> Any:
        with Session(engine) as other:
            claim(other, long, "chunk/0001", worker="first")
            other.commit()
        return chosen(*args)

    with patch.object(turn, "_most_urgent", and_the_first_one_begins):
        assert called(session, long, "chunk/0001") is None


def test_what_another_took_while_a_turn_was_chosen_is_left_to_it(engine: Engine, session: Session) -> None:
    long, short = film_of("A", 9, session), film_of("B", 3, session)
    chosen = turn._most_urgent

    def and_somebody_is_faster(*args: Any) -> Any:
        first = chosen(*args)
        if first and first.name == "chunk/0001":
            with Session(engine) as other:
                assert claim(other, first.asset_id, first.name, worker="faster")
                other.commit()
        return first

    with patch.object(turn, "_most_urgent", and_somebody_is_faster):
        assert called(session, long, "chunk/0001") == (short, "chunk/0002")

    assert rung(session)[-1] == "film make chunk/0001"
