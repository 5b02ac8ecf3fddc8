"""A preset says everything once, and all its faults at once."""

import pytest

from pipeline import presets

WRONG = """
like = "workshop"

[picture]
crff = 23
rate = "thirty"

[cut]
firts = 2.0
"""


def test_all_faults_of_a_preset_are_told_at_once() -> None:
    with pytest.raises(presets.PresetInvalid) as caught:
        presets.read(WRONG, "wrong")

    for fault in ("crff", "picture.rate", "firts"):
        assert fault in str(caught.value)


def test_a_preset_that_does_not_exist_is_named() -> None:
    with pytest.raises(presets.PresetInvalid, match="'no-such'"):
        presets.load("no-such")
    with pytest.raises(presets.PresetInvalid, match="passwd"):
        presets.load("../../etc/passwd")


def test_levelled_is_the_workshop_but_for_its_sound() -> None:
    workshop, levelled = presets.load("workshop"), presets.load("levelled")

    assert levelled.picture == workshop.picture
    assert workshop.sound.loudness is None
    assert levelled.sound.loudness == -16.0


def test_another_treatment_is_another_recipe() -> None:
    recipes = {presets.recipe("workshop"), presets.recipe("levelled")}

    assert len(recipes) == 2
    assert all(len(recipe) <= 40 for recipe in recipes)
