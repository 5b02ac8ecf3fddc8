"""What is decided about an asset, and when: early, from the bytes that are here, and finally, from all of them.

A plan made while the film still arrives rests on its first bytes and perhaps on a hint, so it is only believed for the
moment: workers may begin, nothing they find is final. With the last byte the film is measured once more; the same
answer makes everything made so far good, another one replaces it. The claim on `ingest` is done when that is decided.
"""

from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from pipeline.catalog import keys
from pipeline.catalog.arrivals import Ranges, needs
from pipeline.catalog.endings import DONE, SHELVED, advance, stumble
from pipeline.catalog.leases import Lease, change, locked, mine
from pipeline.catalog.models import INGEST, Asset, Claim, Output, State
from pipeline.catalog.outbox import WINDOW, dispatch, is_confirmed, ring_claim
from pipeline.catalog.wanted import EXTRAS, begin_again
from pipeline.errors import EngineFailed, PlanOutdated

EARLY_BYTES = 1 << 18  # with fewer there is nothing to measure: not even what a phone writes before the first picture
HEAD_BYTES = 1 << 22  # what the first measurement is given of what is here
MOST_RANGES = 16  # that are asked for one after another; who wants more of a file gets all of it, at its end
# A unit fetches and measures about 34 MB/s: with this it is done in 3 s, the time of a chunk; ten minutes of film take
# 20 s, which nobody's first chunk may wait for. What is larger is measured whole where chunks are made, in turn.
EXPRESS_BYTES = 100_000_000
_BYTES_A_SECOND = 2e6  # of film, as phones write it: the weight of what nobody has measured


class NotReceiving(Exception):
    """The asset does not wait for bytes, or has no such place."""


def begin(asset: Asset) -> Claim:
    """The claim on measuring an asset whose first bytes are still to come."""
    head = [[0, min(HEAD_BYTES, asset.size)]]
    weight = asset.size / _BYTES_A_SECOND
    how = {"queue": "express", "weight": weight, "ranges": head, "needs": EARLY_BYTES}
    return Claim(asset_id=asset.id, name=INGEST, position=-1, **how)


def hint(session: Session, asset_id: str, *, offset: int, length: int, key: str, window: int = WINDOW) -> str | None:
    """Remember the film's index, stored under `key`, which will arrive at `offset`; the key no row names now: that of
    the one it replaces, or `key` where the same was sent before. That changes nothing; with another index, all that was
    decided and made so far is forgotten.

    Raises: NotReceiving.
    """
    asset = locked(session, asset_id)
    if asset is not None and asset.hint_key is not None and keys.same_hint(asset.hint_key, key):
        return key if asset.hint_key != key else None
    if asset is None or asset.state is not State.RECEIVING or offset + length > asset.size:
        raise NotReceiving(f"{length} bytes at {offset}")
    replaced = asset.hint_key
    asset.hint_key, asset.hint_offset, asset.hint_length = key, offset, length
    _forget(session, asset)
    dispatch(session, asset, window)
    session.flush()
    return replaced


def wait(session: Session, lease: Lease, ranges: Ranges | None, *, window: int = WINDOW) -> bool:
    """This cannot be done yet: again with these bytes, or (none, or too often) when all are here and measured. False:
    the lease was lost.

    Raises: EngineFailed where all of the file was there to be measured.
    """
    asset = locked(session, lease.asset_id)
    if asset is None or not change(session, lease, **SHELVED):
        return False
    if lease.name == INGEST and asset.state is not State.RECEIVING:
        raise EngineFailed("asked for bytes of a file that is all here")
    claim = session.scalars(mine(lease)).one()
    asked = [*(claim.ranges or []), *([start, end] for start, end in ranges or [])]
    if ranges and len(asked) <= MOST_RANGES:
        claim.ranges, claim.needs = asked, needs(asset, ranges)
    dispatch(session, asset, window)
    session.flush()
    return True


def complete(session: Session, asset: Asset, window: int = WINDOW) -> None:
    """The last byte is here: whoever measures without it may no longer write, and all of it is measured."""
    begin_again(session, asset.id, Claim.name == INGEST)
    ingest = session.scalars(select(Claim).where(Claim.asset_id == asset.id, Claim.name == INGEST)).one_or_none()
    if ingest is None:
        ingest = begin(asset)
        session.add(ingest)
    ingest.done, ingest.progress = False, 0.0
    ingest.ranges = ingest.needs = None
    ingest.queue = "express" if asset.size <= EXPRESS_BYTES else "film"
    ring_claim(session, asset, ingest)
    dispatch(session, asset, window)


def decide_again(session: Session, asset: Asset, window: int = WINDOW) -> None:
    """Measure a file that is all here once more. What is made stays if the same is decided; what is not waits for that,
    and who works on it may no longer write.
    """
    open_ones = (Claim.asset_id == asset.id, Claim.name != INGEST, Claim.done.is_(False))
    counted = {field: value for field, value in SHELVED.items() if field != "attempts"}
    held = update(Claim).where(*open_ones).values(**counted, fence=Claim.fence + 1)
    session.execute(held.execution_options(synchronize_session=False))
    complete(session, asset, window)


def outdated(session: Session, lease: Lease, *, detail: str, max_attempts: int = 3, window: int = WINDOW) -> bool:
    """What was decided cannot be read: other code wrote it, before an upgrade. The film is measured again, and its
    names wait for that. The attempt counts, so that code which cannot read its own words comes to an end. False: the
    lease was lost.

    An extra only ends badly: a film that is worth showing stays. So does what is not measured with all its bytes yet.
    """
    asset = locked(session, lease.asset_id)
    claim = session.scalars(mine(lease)).one_or_none()
    if asset is None or claim is None:
        return False
    decided = asset.state is State.PROCESSING and session.scalar(select(is_confirmed(asset.id)))
    if not decided or claim.queue == EXTRAS or lease.attempt >= max_attempts:
        reason = PlanOutdated.reason
        return stumble(session, lease, reason=reason, detail=detail, max_attempts=max_attempts, window=window)
    if not change(session, lease, reason=PlanOutdated.reason, last_error=detail):
        return False
    decide_again(session, asset, window)
    return True


def plan(
    session: Session, lease: Lease, measured: dict[str, Any], *, hint_held: bool = True, window: int = WINDOW
) -> bool:
    """Save what was measured and decided, and wake workers for the first outputs. False: another took the name over, or
    the file was refused meanwhile. True again for whoever did not hear the first answer.

    `measured` is the child's result: kind, recipe, source, plan; `hint_held` whether the hint, if there was one, turned
    out to be what arrived. Where the same was decided before, from what had arrived by then, what is made or being made
    stays; so it does where outputs were added, and of all others source and plan say the same. Otherwise everything is
    wanted anew, and who works on the old plan may no longer write; but not before all bytes are here. Only the lease on
    `ingest` confirms a plan; an output's may change it, where its encoder turned out not to work.

    `more` in `measured`, of a plan that will grow: the ranges to measure next, and how much `needs` to arrive before.

    What was measured early and comes after the last byte is a plan like any early one, as long as there is none.
    """
    asset = locked(session, lease.asset_id)
    if asset is None or asset.state is State.REJECTED:
        return False
    early = asset.state is State.RECEIVING
    if not change(session, lease, Claim.worker.is_not(None), **(SHELVED if early else DONE)):
        if lease.early and not early:
            return _too_late(session, asset, measured, window)
        ours = session.scalars(mine(lease)).one_or_none()
        return ours is not None and (ours.done or (early and asset.recipe is not None))
    if lease.name == INGEST and not early:
        asset.hint_key = asset.hint_offset = asset.hint_length = None
    if hint_held and _has_grown(asset, measured):
        _add(session, asset, measured)
    elif not (hint_held and _is_known(asset, measured)) and not (lease.name == INGEST and early and asset.recipe):
        # Of every recipe: what no row names is swept once the asset has come to its end.
        session.execute(delete(Output).where(Output.asset_id == asset.id))
        _replace(session, asset, measured)
    if lease.name == INGEST and early and (more := measured.get("more")):
        _go_on(session, asset, more)
    advance(session, asset, window)
    return True


def _too_late(session: Session, asset: Asset, measured: dict[str, Any], window: int) -> bool:
    """Begin with what was measured of the first bytes while the last ones came: somebody measures the whole file, says
    whether it holds, and has not yet. Whether this is the plan now."""
    if asset.state is State.PROCESSING and asset.recipe is None:
        _replace(session, asset, measured)
        dispatch(session, asset, window)
        session.flush()
    return _is_known(asset, measured) and not session.scalar(select(is_confirmed(asset.id)))


def _is_known(asset: Asset, measured: dict[str, Any]) -> bool:
    """Whether exactly this was decided before."""
    before = {"kind": asset.kind, "recipe": asset.recipe, "source": asset.source, "plan": asset.plan}
    return before == {field: measured[field] for field in before}


def _has_grown(asset: Asset, measured: dict[str, Any]) -> bool:
    """Whether the plan names more, and everything it named before is to be made of exactly the same."""
    if (asset.kind, asset.recipe) != (measured["kind"], measured["recipe"]) or asset.plan is None:
        return False
    before, after = asset.plan["outputs"], {output["name"]: output for output in measured["plan"]["outputs"]}
    stays = all(output.get("reads") and output == after.get(output["name"]) for output in before)
    return stays and 0 < len(before) < len(after)


def _replace(session: Session, asset: Asset, measured: dict[str, Any]) -> None:
    asset.kind, asset.recipe = measured["kind"], measured["recipe"]
    begin_again(session, asset.id, Claim.name != INGEST)
    _add(session, asset, measured, anew=True)


def _add(session: Session, asset: Asset, measured: dict[str, Any], *, anew: bool = False) -> None:
    """Save the plan and claim what it names besides; `anew`: claim everything again."""
    asset.source, asset.plan = measured["source"], measured["plan"]
    known = {row.name: row for row in session.scalars(select(Claim).where(Claim.asset_id == asset.id))}
    if INGEST in known:
        known[INGEST].weight = 0.0  # its guess is replaced by what the plan says
    # A name that comes back must not meet a worker from before its row was removed.
    fence = max(row.fence for row in known.values()) if len(known) > 1 else 0
    wanted = measured["plan"]["outputs"]
    for position, output in enumerate(wanted):
        row = known.get(output["name"])
        if row is None or anew:
            row = row or Claim(asset_id=asset.id, name=output["name"], fence=fence)
            row.queue, row.weight, row.ranges = output["queue"], float(output["weight"]), output.get("ranges")
            row.needs = needs(asset, row.ranges) if row.ranges is not None else None
            row.done, row.progress = False, 0.0
        row.position = position
        session.add(row)
    for name in known.keys() - {output["name"] for output in wanted} - {INGEST}:
        session.delete(known[name])


def _go_on(session: Session, asset: Asset, more: dict[str, Any]) -> None:
    """Have more of the film measured when it has come, where its chunks are made: nobody's first one waits for that.
    What the plan does not name yet is guessed."""
    ingest = session.scalars(select(Claim).where(Claim.asset_id == asset.id, Claim.name == INGEST)).one()
    ingest.queue, ingest.ranges, ingest.needs = "film", more["ranges"], min(more["needs"], asset.size)
    planned = sum(output["weight"] for output in (asset.plan or {}).get("outputs", ()))
    ingest.weight = max(0.0, asset.size / _BYTES_A_SECOND - planned)


def _forget(session: Session, asset: Asset) -> None:
    """Begin from nothing: no plan, nothing made, and nobody who works on it may write."""
    asset.kind = asset.recipe = asset.source = asset.plan = None
    session.execute(delete(Output).where(Output.asset_id == asset.id))
    begin_again(session, asset.id)
    mine = Claim.asset_id == asset.id
    session.execute(update(Claim).where(mine).values(**SHELVED, done=False))
    highest = session.scalar(select(func.max(Claim.fence)).where(mine)) or 0
    first = begin(asset)
    row = session.scalars(select(Claim).where(mine, Claim.name == INGEST)).one_or_none() or first
    row.fence, row.queue, row.weight = highest + 1, first.queue, first.weight
    row.ranges, row.needs = first.ranges, first.needs
    session.add(row)
