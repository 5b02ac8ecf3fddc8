"""A technician sends files from the page, and neither a lost network, a killed server nor a reload loses a byte."""

import os
from pathlib import Path

import pytest
from handset import MIB, Hand
from sqlalchemy import select

from pipeline.catalog.models import State
from webapp.database import session
from webapp.interventions.models import Item

pytestmark = pytest.mark.browser


def test_many_files_at_once_arrive_whole_and_in_order(hand: Hand, tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a.mp4", "b.jpg", "c.heic")]
    for number, path in enumerate(files):
        path.write_bytes(os.urandom(1000 * (number + 1)))
    hand.pick("library", *files)
    hand.wait(lambda: hand.says("sent-making") and hand.cards.count() == 3)
    assert [asset.size for asset in hand.stored()] == [1000, 2000, 3000]
    for asset, path in zip(hand.stored(), files, strict=True):
        assert hand.garage.original(asset.id) == path.read_bytes()
        assert asset.state is State.PROCESSING


def test_a_lost_network_is_waited_for_and_the_upload_goes_on_by_itself(hand: Hand, film: Path) -> None:
    hand.slow_down()
    hand.pick("film", film)
    hand.wait(lambda: hand.shown() >= MIB)
    hand.context.set_offline(True)
    hand.wait(lambda: hand.says("no-network"))
    kept = hand.stored()[0].received
    assert MIB <= kept < film.stat().st_size
    hand.context.set_offline(False)
    hand.wait(lambda: hand.says("sent-making"))
    assert hand.garage.original(hand.stored()[0].id) == film.read_bytes()
    assert len(hand.stored()) == 1


def test_a_killed_upload_process_costs_nothing_that_was_acknowledged(hand: Hand, film: Path) -> None:
    hand.slow_down()
    hand.pick("film", film)
    hand.wait(lambda: hand.shown() >= MIB)
    shown = hand.shown()
    hand.garage.upload.stop(9)
    hand.wait(lambda: hand.says("no-network"))
    assert hand.shown() >= shown
    hand.garage.upload.start()
    hand.wait(lambda: hand.says("sent-making"), 45)
    assert hand.garage.original(hand.stored()[0].id) == film.read_bytes()


def test_a_reload_in_the_middle_goes_on_from_the_phones_own_memory(hand: Hand, film: Path) -> None:
    hand.slow_down()
    hand.pick("film", film)
    hand.wait(lambda: hand.shown() >= MIB)
    hand.context.set_offline(True)
    hand.wait(lambda: hand.says("no-network"))
    film_bytes = film.read_bytes()
    film.unlink()  # the picker's file is gone, as on a phone after a reload
    hand.context.set_offline(False)
    hand.page.reload()
    hand.wait(lambda: hand.says("sent-making"))
    assert hand.garage.original(hand.stored()[0].id) == film_bytes
    assert hand.cards.count() == len(hand.stored()) == 1


def test_a_lost_network_a_killed_process_and_a_reload_together_lose_nothing(hand: Hand, film: Path) -> None:
    hand.slow_down()
    hand.pick("film", film)
    hand.wait(lambda: hand.shown() >= MIB)
    hand.context.set_offline(True)
    hand.wait(lambda: hand.says("no-network"))
    hand.garage.upload.stop(9)
    hand.context.set_offline(False)
    hand.page.reload()
    hand.wait(lambda: hand.says("no-network"))
    hand.garage.upload.start()
    hand.wait(lambda: hand.says("sent-making"), 45)
    assert hand.garage.original(hand.stored()[0].id) == film.read_bytes()


def test_a_caption_written_while_sending_reaches_the_server(hand: Hand, film: Path) -> None:
    hand.slow_down()
    hand.pick("film", film)
    hand.page.get_by_role("button", name="Caption and order").click()
    hand.page.get_by_role("button", name="Brakes").click()
    hand.wait(hand.all_arrived)

    def caption() -> str:
        with hand.garage.app.app_context():
            return session.scalar(select(Item.caption).where(Item.intervention_id == hand.intervention)) or ""

    hand.wait(lambda: caption() == "Brakes")


def test_a_removed_file_is_gone_from_the_phone_and_from_the_server(hand: Hand, film: Path) -> None:
    hand.slow_down()
    hand.pick("film", film)
    hand.wait(lambda: len(hand.stored()) == 1)
    hand.page.get_by_role("button", name="Caption and order").click()
    hand.page.get_by_role("button", name="Remove").click()
    hand.page.wait_for_timeout(500)  # ms, as between two taps that are meant
    hand.page.get_by_role("button", name="Sure?").click()
    hand.wait(lambda: hand.stored() == [] and hand.cards.count() == 0)
    hand.page.reload()
    hand.wait(lambda: hand.says("nothing"))


def test_a_key_that_ended_is_renewed_without_a_word(hand: Hand, film: Path) -> None:
    def without_key(route: object) -> None:
        route.fulfill(status=401, headers={"Access-Control-Allow-Origin": hand.garage.settings.effective_public_url})

    hand.page.route("**/files", without_key, times=1)
    hand.pick("film", film)
    hand.wait(lambda: hand.says("sent-making"))
    assert hand.garage.original(hand.stored()[0].id) == film.read_bytes()
