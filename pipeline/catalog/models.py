"""The rows. An asset has parts (what arrived), outputs (what was made) and claims (who is making).

Only `pipeline.catalog.assets` changes them. Times are seconds since 1970 by the database's clock, so that worker
machines need not agree on the time.
"""

from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, BigInteger, Enum, Float, ForeignKey, Index, MetaData, String, Text, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

INGEST = "ingest"  # the name of the claim on measuring and planning; every other claim is on an output

CONVENTION = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    """Shared by every floor: one database, one migration history."""

    metadata = MetaData(naming_convention=CONVENTION)
    type_annotation_map = {dict[str, Any]: JSON, list[dict[str, Any]]: JSON, list[str]: JSON}


class State(StrEnum):
    """The life of an asset. `rejected` is the file's fault, `failed` is ours."""

    RECEIVING = "receiving"
    PROCESSING = "processing"
    READY = "ready"
    REJECTED = "rejected"
    FAILED = "failed"


class Asset(Base):
    """One file a stranger sent, and everything decided about it."""

    __tablename__ = "asset"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)  # uuid7
    owner: Mapped[str] = mapped_column(String(64), index=True)  # opaque to this floor
    preset: Mapped[str] = mapped_column(String(40))
    watermark_key: Mapped[str | None] = mapped_column(String(200))
    state: Mapped[State] = mapped_column(
        Enum(State, native_enum=False, length=12, values_callable=lambda states: [state.value for state in states]),
        default=State.RECEIVING,
        index=True,
    )
    reason: Mapped[str | None] = mapped_column(String(40))  # stable, see pipeline.errors
    detail: Mapped[str | None] = mapped_column(Text)  # for engineers: value and limit
    size: Mapped[int] = mapped_column(BigInteger)  # bytes announced
    received: Mapped[int] = mapped_column(BigInteger, default=0)  # bytes durably stored, without a hole from 0
    speed: Mapped[float | None]  # bytes/s of what came last, smoothed; none: not known yet
    # The index of a film that is still arriving, sent ahead: a hint, believed only when the same bytes have come.
    hint_key: Mapped[str | None] = mapped_column(String(200))
    hint_offset: Mapped[int | None] = mapped_column(BigInteger)  # where in the file it lies
    hint_length: Mapped[int | None] = mapped_column(BigInteger)
    kind: Mapped[str | None] = mapped_column(String(12))  # film | photo | document, once measured
    recipe: Mapped[str | None] = mapped_column(String(40))  # preset and code version the plan was made with
    source: Mapped[dict[str, Any] | None] = mapped_column(deferred=True)  # these two are large; few need them
    plan: Mapped[dict[str, Any] | None] = mapped_column(deferred=True)
    request_id: Mapped[str | None] = mapped_column(String(64))  # of the request that began it; follows it into the logs
    created_at: Mapped[float] = mapped_column(Float)
    touched_at: Mapped[float] = mapped_column(Float)  # when bytes last arrived
    completed_at: Mapped[float | None]  # all bytes arrived
    finished_at: Mapped[float | None]  # ready, rejected or failed
    tidied_at: Mapped[float | None]  # objects no row names were removed

    parts: Mapped[list["Part"]] = relationship(order_by="Part.offset", passive_deletes=True)
    outputs: Mapped[list["Output"]] = relationship(passive_deletes=True)


class Part(Base):
    """A run of the file's bytes, stored as its own object before it was acknowledged."""

    __tablename__ = "part"
    __table_args__ = (UniqueConstraint("asset_id", "offset"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    asset_id: Mapped[str] = mapped_column(ForeignKey("asset.id", ondelete="CASCADE"))
    offset: Mapped[int] = mapped_column(BigInteger)
    length: Mapped[int] = mapped_column(BigInteger)
    key: Mapped[str] = mapped_column(String(200))


class Output(Base):
    """Something that was made, proved and stored. Never rewritten; (asset, recipe, name) is made once."""

    __tablename__ = "output"
    __table_args__ = (UniqueConstraint("asset_id", "recipe", "name"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)  # uuid7
    asset_id: Mapped[str] = mapped_column(ForeignKey("asset.id", ondelete="CASCADE"))
    recipe: Mapped[str] = mapped_column(String(40))
    name: Mapped[str] = mapped_column(String(40))  # poster, chunk/0000, storyboard, preview, sizes, document
    prefix: Mapped[str] = mapped_column(String(200))  # storage prefix; holds the fence of the attempt that won
    files: Mapped[list[dict[str, Any]]]  # [{"path", "bytes", "content_type"}, …]
    facts: Mapped[dict[str, Any]]  # what proof measured
    made_at: Mapped[float]


class Claim(Base):
    """Who is making a name, or how often it was tried. One row for each wanted name, and one for `ingest`."""

    __tablename__ = "claim"
    __table_args__ = (UniqueConstraint("asset_id", "name"), Index("ix_claim_lease", "lease_until"))

    id: Mapped[int] = mapped_column(primary_key=True)
    asset_id: Mapped[str] = mapped_column(ForeignKey("asset.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(40))
    position: Mapped[int] = mapped_column(default=0)  # place in the plan's order of urgency
    queue: Mapped[str] = mapped_column(String(20))
    weight: Mapped[float] = mapped_column(default=0.0)  # expected share of the work
    ranges: Mapped[list[list[int]] | None] = mapped_column(JSON(none_as_null=True))  # bytes it needs; none: all
    needs: Mapped[int | None] = mapped_column(BigInteger)  # bytes received before it can be made; none: all, measured
    attempts: Mapped[int] = mapped_column(default=0)
    fence: Mapped[int] = mapped_column(default=0)
    lease_until: Mapped[float | None]
    worker: Mapped[str | None] = mapped_column(String(80))
    progress: Mapped[float] = mapped_column(default=0.0)  # 0…1 of this name
    started_at: Mapped[float | None]
    queued_at: Mapped[float | None]  # when it was last put in the outbox
    done: Mapped[bool] = mapped_column(default=False)
    reason: Mapped[str | None] = mapped_column(String(40))  # of the last attempt that ended badly
    last_error: Mapped[str | None] = mapped_column(Text)


class Outbox(Base):
    """A message to send once the change it belongs to is committed."""

    __tablename__ = "outbox"

    id: Mapped[int] = mapped_column(primary_key=True)
    queue: Mapped[str] = mapped_column(String(20))
    actor: Mapped[str] = mapped_column(String(40))
    args: Mapped[dict[str, Any]]
    created_at: Mapped[float]
    request_id: Mapped[str | None] = mapped_column(String(64))
    sent_at: Mapped[float | None] = mapped_column(Float, index=True)


class Erasure(Base):
    """An asset that is no more. Kept until no worker can still be storing objects for it."""

    __tablename__ = "erasure"

    asset_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    erased_at: Mapped[float]
    looked_at: Mapped[float | None]  # when its bytes were last removed
