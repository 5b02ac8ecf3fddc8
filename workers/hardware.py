"""Which encoder makes a film's H.264: x264, unless the preset asks for a graphics card and this machine has one.

Whether it has one is found by trying: a child encodes half a second, in the sandbox, with the card's device nodes. All
chunks of a film come from one encoder, which its plan holds; where that fails, the film is made again by x264.
"""

from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import structlog

from pipeline import presets
from pipeline.errors import PipelineFailed, SandboxUnavailable
from pipeline.presets import Encoder
from workers import child, sandbox
from workers.settings import settings

_CARDS = {
    Encoder.NVENC: ("nvidiactl", "nvidia-uvm", "nvidia[0-9]*"),
    Encoder.QSV: ("dri/renderD*",),
    Encoder.VAAPI: ("dri/renderD*",),
}
_TRIAL_S = 20  # a card that has slept takes some seconds to wake
# Seconds that one of film may take in the one chunk of a long film: the dearest preset needs 12 of one core
# (docs/encoders.md), and the machine is shared. A child that says nothing is stopped long before.
_SLOWEST = 40
_ADDRESSES = 2**40  # bytes: CUDA maps all memory of machine and card at once

log = structlog.get_logger("walkaround.hardware")

Measured = dict[str, Any]


def decided(measured: Measured, preset: str, before: dict[str, Any] | None = None) -> Measured:
    """What was measured, with the encoder of the plan `before`, or one that this machine has for it. Anything but a
    planned film stays as it is.
    """
    return planned(measured, encoder(before) or choose(preset)) if encoder(measured.get("plan")) else measured


def choose(preset: str) -> Encoder:
    """The encoder for films of a preset on this machine. Cheap after the first call.

    Raises: PresetInvalid; SandboxUnavailable.
    """
    asked = presets.load(preset).picture.encoder
    if asked is Encoder.X264:
        return asked
    return _found(tuple(_CARDS) if asked is Encoder.AUTO else (asked,))


def limits(plan: dict[str, Any] | None, name: str, usual: sandbox.Limits | None = None) -> sandbox.Limits | None:
    """What the child that makes `name` may use: as usual, more time if it is much of a film at once, and the card if it
    is a chunk encoded by one.
    """
    film_s = next((one["weight"] for one in (plan or {}).get("outputs", ()) if one["name"] == name), 0)
    if _SLOWEST * film_s > (usual or sandbox.Limits.of(settings())).timeout_s:
        usual = replace(usual or sandbox.Limits.of(settings()), timeout_s=_SLOWEST * film_s)
    which = encoder(plan) if name.startswith("chunk/") else None
    return _with_card(which, usual or sandbox.Limits.of(settings())) if which in _CARDS else usual


def instead(measured: Measured, error: Exception) -> Measured | None:
    """The same film by x264, where an `error` of ours may be the card's; None where it cannot be."""
    was = encoder(measured["plan"])
    if was in (None, Encoder.X264) or not isinstance(error, PipelineFailed) or isinstance(error, SandboxUnavailable):
        return None
    log.warning("encoder.failed", encoder=was, instead=Encoder.X264, detail=str(error))
    return planned(measured, Encoder.X264)


def encoder(plan: dict[str, Any] | None) -> Encoder | None:
    """What makes the H.264 of a plan; None where there is none."""
    film = (plan or {}).get("film")
    return Encoder(film.get("encoder", Encoder.X264)) if film else None


def planned(measured: Measured, which: Encoder) -> Measured:
    """What was measured, to be made by another encoder. Another recipe too, so that nothing made before is kept."""
    plan = measured["plan"]
    if encoder(plan) is which:
        return measured
    recipe = presets.recipe(plan["preset"], which)
    plan = {**plan, "recipe": recipe, "film": {**plan["film"], "encoder": str(which)}}
    return {**measured, "recipe": recipe, "plan": plan}


@cache
def _found(asked: tuple[Encoder, ...]) -> Encoder:
    why = {}
    for one in asked:
        try:
            _try(one)
        except SandboxUnavailable:
            raise  # says nothing about the card
        except PipelineFailed as error:
            why[one] = str(error)
        else:
            log.info("encoder.found", encoder=one)
            return one
    log.warning("encoder.missing", instead=Encoder.X264, **why)
    return Encoder.X264


def _try(one: Encoder) -> None:
    """Raises: PipelineFailed where this machine has no such card, or it does not encode."""
    usual = replace(sandbox.Limits.of(settings()), timeout_s=_TRIAL_S)
    child.run({"verb": "try", "encoder": one}, inputs={}, limits=_with_card(one, usual))


def _with_card(which: Encoder, usual: sandbox.Limits) -> sandbox.Limits:
    return replace(usual, devices=_devices(which), address_bytes=_ADDRESSES)


def _devices(which: Encoder) -> tuple[Path, ...]:
    return tuple(sorted(node for name in _CARDS[which] for node in Path("/dev").glob(name)))
