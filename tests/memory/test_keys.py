"""Keys hold ids, numbers, recipes and digests; nothing a client sends fits into one."""

import pytest

from pipeline.catalog import keys

ID = "0199d1f2-7c3e-7a10-8f00-2b6f0c9d1e55"


def test_everything_of_an_asset_lies_under_its_prefix() -> None:
    assert keys.part(ID, 8_388_608, "a1b2").startswith(keys.asset(ID))
    assert keys.output_prefix(ID, "workshop-3f", 2, "chunk/0004").startswith(keys.made(ID))
    assert keys.made(ID).startswith(keys.asset(ID))


def test_parts_sort_by_their_offset() -> None:
    offsets = [0, 9, 10, 8_388_608, 9_000_000_000]

    assert [keys.part(ID, offset, "n") for offset in offsets] == sorted(
        keys.part(ID, offset, "n") for offset in offsets
    )


def test_two_attempts_never_write_to_the_same_place() -> None:
    first, second = (keys.output_prefix(ID, "workshop-3f", fence, "poster") for fence in (1, 11))

    assert not first.startswith(second)
    assert not second.startswith(first)


@pytest.mark.parametrize("bad", ["", "..", "../x", "a/b", "a b", "x\n", ".hidden", "é", "a" * 81])
def test_nothing_strange_becomes_part_of_a_key(bad: str) -> None:
    with pytest.raises(ValueError, match="not fit"):
        keys.part(ID, 0, bad)
    with pytest.raises(ValueError, match="not fit"):
        keys.logo("dealer", bad)
    with pytest.raises(ValueError, match="not fit"):
        keys.file("assets/", bad)
    with pytest.raises(ValueError, match="not fit"):
        keys.asset(bad)
    with pytest.raises(ValueError, match="not fit"):
        keys.output_prefix(ID, "workshop-3f", 1, bad.upper() or bad)
