"""Every key string. Nothing a client sends becomes part of one: ids, numbers, recipes and digests only."""

import re

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,79}")
_FILE = re.compile(r"[a-z0-9][A-Za-z0-9._-]{0,79}")
_NAME = re.compile(r"[a-z]+(/[0-9]{4,6}(-[a-z]+)?)?")


def asset(asset_id: str) -> str:
    """The prefix of everything stored for an asset; removing it erases the asset."""
    return f"assets/{_check(_ID, asset_id)}/"


def part(asset_id: str, offset: int, nonce: str) -> str:
    """A run of the original's bytes. `nonce` keeps two requests that send the same offset apart."""
    return f"{asset(asset_id)}parts/{offset:013d}-{_check(_WORD, nonce)}"


def hint(asset_id: str, offset: int, digest: str, nonce: str) -> str:
    """An index sent ahead of its film: where it lies and what it says. `nonce` keeps requests that send the same index
    apart, so that what one of them removes is its own.
    """
    return f"{asset(asset_id)}hints/{offset:013d}-{_check(_WORD, digest)}/{_check(_WORD, nonce)}"


def same_hint(one: str, other: str) -> bool:
    """Whether two keys are of the same index at the same place."""
    return one.rpartition("/")[0] == other.rpartition("/")[0]


def made(asset_id: str) -> str:
    """The prefix of everything made for an asset."""
    return f"{asset(asset_id)}made/"


def output_prefix(asset_id: str, recipe: str, fence: int, name: str) -> str:
    """Where one attempt at one output writes. The fence keeps attempts apart; the recorded row names the winner's."""
    return f"{made(asset_id)}{_check(_WORD, recipe)}/{_check(_NAME, name)}/{fence}/"


def file(prefix: str, path: str) -> str:
    """One file of an output."""
    return f"{prefix}{_check(_FILE, path)}"


def logo(owner: str, digest: str) -> str:
    """A dealer's cleaned logo, by its content, so that a new one never changes films already made."""
    return f"logos/{_check(_WORD, owner)}/{_check(_WORD, digest)}.png"


def _check(form: re.Pattern[str], value: str) -> str:
    if not form.fullmatch(value):
        raise ValueError(f"not fit for a key: {value!r}")
    return value
