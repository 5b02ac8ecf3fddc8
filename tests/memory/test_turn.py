"""Whose turn it is, on both databases: a message wakes a worker, which then takes what is most urgent in its queue."""

import pytest
from filming import PHOTO, called, film_of, lease_of, planned, publish, received, rung
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from pipeline.catalog import turn
from pipeline.catalog.engine import now
from pipeline.catalog.models import Asset, Claim, State
from pipeline.catalog.plans import EXPRESS_BYTES
from pipeline.names import REST

pytestmark = pytest.mark.xdist_group("servers")


def test_a_chunk_of_a_long_film_makes_way_for_another_dealers_short_film(session: Session) -> None:
    long = film_of("A", 9, session)
    short = film_of("B", 3, session)

    assert called(session, long, "chunk/0001") == (short, "chunk/0001")
    assert called(session, long, "chunk/0002") == (short, "chunk/0002")
    assert called(session, short, "chunk/0001") is None
    assert called(session, long, "chunk/0001") == (long, "chunk/0001")


def test_what_made_way_is_rung_for_again(session: Session) -> None:
    long = film_of("A", 9, session)
    short = film_of("B", 3, session)
    before = len(rung(session))

    assert called(session, long, "chunk/0004") == (short, "chunk/0001")
    assert called(session, long, "poster") == (short, "poster")

    assert rung(session)[before:] == ["film make chunk/0004", "express make poster"]
    assert called(session, short, "chunk/0002") == (short, "chunk/0002")
    assert len(rung(session)) == before + 2


def test_a_film_that_waits_to_be_measured_makes_way_and_is_rung_for_again(session: Session) -> None:
    film_of("A", 3, session)
    new = received(session).id
    session.execute(update(Asset).where(Asset.id == new).values(owner="A"))
    small = film_of("B", 1, session)
    before = len(rung(session))

    assert called(session, new, "ingest") == (small, "poster")
    assert rung(session)[before:] == ["express ingest"]


def test_a_large_film_is_measured_before_the_small_photos_that_were_sent_after_it(session: Session) -> None:
    large = received(session, size=90_000_000).id
    photo = planned(session, PHOTO).id
    session.commit()

    assert called(session, photo, "sizes") == (large, "ingest")
    assert called(session, photo, "sizes") == (photo, "sizes")


def test_a_dealer_who_sends_much_does_not_stand_in_the_way_of_one_who_sends_little(session: Session) -> None:
    many = [film_of("A", 3, session) for _ in range(5)]
    one = film_of("B", 6, session)

    assert [called(session, many[0], "chunk/0001") for _ in range(5)] == [
        (one, f"chunk/{number:04}") for number in range(1, 6)
    ]
    assert called(session, many[0], "chunk/0001") == (many[0], "chunk/0001")


def test_of_one_dealers_films_the_smaller_goes_first_then_the_older(session: Session) -> None:
    long, older, newer = (film_of("A", chunks, session) for chunks in (9, 3, 3))
    order = [(film, name) for film in (older, newer) for name in ("chunk/0001", "chunk/0002")]

    assert [called(session, long, "chunk/0001") for _ in order] == order


def test_what_waits_in_one_queue_is_not_made_for_a_message_in_another(session: Session) -> None:
    long = film_of("A", 9, session)
    short = film_of("B", 1, session)

    assert called(session, long, "chunk/0001") == (long, "chunk/0001")
    assert called(session, long, "storyboard") == (short, "storyboard")


def test_a_film_nobody_began_anything_of_for_long_goes_before_all(session: Session) -> None:
    long = film_of("A", 9, session)
    short = film_of("B", 6, session)
    past = now() - turn.NEGLECTED_S - 1
    session.execute(update(Claim).where(Claim.asset_id == long, Claim.started_at.is_not(None)).values(started_at=past))
    session.commit()

    assert called(session, short, "chunk/0001") == (long, "chunk/0001")
    assert called(session, short, "chunk/0001") == (short, "chunk/0001")  # one chunk, and it is neglected no more


def test_what_is_not_called_for_or_may_not_be_made_has_no_turn(session: Session) -> None:
    long = film_of("A", 9, session)
    unrung, failed, spent = (film_of(owner, 2, session) for owner in "BCD")
    session.execute(update(Claim).where(Claim.asset_id == unrung).values(queued_at=None))
    session.execute(update(Asset).where(Asset.id == failed).values(state=State.FAILED))
    session.execute(update(Claim).where(Claim.asset_id == spent).values(attempts=3))
    session.commit()

    assert called(session, long, "chunk/0001", max_attempts=3) == (long, "chunk/0001")
    for film_id in (unrung, failed, spent):
        assert called(session, film_id, "chunk/0001", max_attempts=3) is None


def test_a_unit_that_measured_goes_on_with_what_is_most_urgent_and_leaves_other_queues_alone(session: Session) -> None:
    long, short = film_of("A", 9, session), film_of("B", 2, session)

    taken = [turn.follow(session, "express", worker="test") for _ in range(5)]

    first = [(film_id, name) for film_id in (short, long) for name in ("poster", "chunk/0000")]
    assert [mine and (mine.lease.asset_id, mine.lease.name) for mine in taken] == [*first, None]
    assert called(session, short, "chunk/0000") is None  # whoever is woken for it finds it taken


def test_a_whole_film_is_made_whoever_makes_way(session: Session) -> None:
    films = [film_of(owner, chunks, session) for owner, chunks in (("A", 5), ("B", 2), ("A", 1))]
    left = select(Claim.asset_id, Claim.name).where(Claim.done.is_(False)).limit(1)
    made = 0

    while waiting := session.execute(left).first():
        mine = turn.take(session, *waiting, worker="test")
        assert mine is not None
        assert publish(session, mine.lease)
        made += 1

    assert {session.get_one(Asset, film_id).state for film_id in films} == {State.READY}
    assert made == sum(chunks + 3 for chunks in (5, 2, 1))


@pytest.mark.parametrize("left", ["abandoned", "made"])
def test_what_never_came_or_is_made_does_not_count_against_its_dealer(session: Session, left: str) -> None:
    before = film_of("A", 30, session)
    if left == "abandoned":  # planned early, and then no byte more
        session.execute(update(Asset).where(Asset.id == before).values(state=State.RECEIVING, received=500, size=9000))
        session.execute(update(Claim).where(Claim.asset_id == before, Claim.name == "ingest").values(done=False))
        session.execute(update(Claim).where(Claim.asset_id == before).values(needs=501, queued_at=None))
    else:
        of_film = (Claim.asset_id == before, Claim.name != "storyboard")
        session.execute(update(Claim).where(*of_film).values(done=True, queued_at=None))
    session.commit()
    other = film_of("B", 9, session)
    new = film_of("A", 6, session)

    assert called(session, other, "chunk/0001") == (new, "chunk/0001")


def test_what_came_of_a_film_that_still_arrives_counts_for_its_dealer(session: Session) -> None:
    arriving, new = film_of("A", 30, session), film_of("A", 3, session)
    session.execute(update(Asset).where(Asset.id == arriving).values(state=State.RECEIVING, size=9000))
    session.execute(update(Claim).where(Claim.asset_id == arriving, Claim.name == "ingest").values(done=False))
    session.execute(update(Claim).where(Claim.asset_id == arriving).values(needs=1000))
    other = film_of("B", 9, session)

    assert called(session, new, "chunk/0001") == (other, "chunk/0001")


def test_the_whole_of_a_large_film_is_measured_where_no_first_chunk_waits(session: Session) -> None:
    large = received(session, size=EXPRESS_BYTES + 1).id
    assert rung(session)[-1] == "film ingest"
    other = received(session, size=EXPRESS_BYTES).id
    assert rung(session)[-1] == "express ingest"

    assert called(session, other, "ingest") == (other, "ingest")
    short = film_of("B", 2, session)
    assert called(session, large, "ingest") == (short, "chunk/0001")
    assert rung(session)[-1] == "film ingest"
    assert called(session, large, "ingest") == (large, "ingest")


def test_many_files_that_nobody_measured_yet_weigh_what_their_bytes_say(session: Session) -> None:
    one = film_of("A", 3, session)
    photos = [received(session, size=4_000_000).id for _ in range(20)]
    session.execute(update(Asset).where(Asset.id.in_(photos)).values(owner="B"))
    session.commit()

    assert called(session, photos[0], "ingest") == (one, "poster")
    assert called(session, photos[0], "ingest") == (one, "chunk/0000")
    assert called(session, photos[0], "ingest") == (photos[0], "ingest")


def test_while_a_first_chunk_is_made_on_a_machine_what_comes_later_stands_behind_it_there(session: Session) -> None:
    film, other = film_of("A", 3, session), film_of("B", 3, session)
    assert turn.in_front(session, other, "chunk/0001", "test") == 0
    assert called(session, film, "poster") == (film, "poster")
    assert turn.in_front(session, other, "chunk/0001", "test") == 0
    first = turn.take(session, film, "chunk/0000", worker="test_1:9")
    session.commit()

    def stands_behind(name: str, machine: str = "test_1:") -> int:
        return turn.in_front(session, other, name, machine)

    assert [stands_behind(name) for name in ("chunk/0001", "preview", "chunk/0000", "poster")] == [1, 1, 0, 0]
    assert stands_behind("chunk/0001", "test:1:") == stands_behind("chunk/0001", "test1:") == 0
    rest = {"name": REST, "position": 9}
    session.execute(update(Claim).where(Claim.asset_id == other, Claim.name == "poster").values(**rest))
    assert stands_behind(REST) == 0  # whoever is woken for it makes this film's own first chunk
    session.execute(update(Claim).where(Claim.asset_id == other, Claim.name == "chunk/0000").values(done=True))
    assert stands_behind(REST) == 1
    taken = lease_of(session, other, REST)
    assert stands_behind(REST) == 0
    publish(session, taken)
    assert stands_behind(REST) == 0
    publish(session, first.lease)
    assert stands_behind("chunk/0001") == stands_behind(REST) == 0
