"""A dealership and its people. Everything in the shop belongs to exactly one dealership."""

from enum import StrEnum

from flask_security import RoleMixin, UserMixin
from sqlalchemy import Column, ForeignKey, Integer, String, Table
from sqlalchemy.orm import Mapped, mapped_column, relationship

from pipeline.catalog.models import Base


class RoleName(StrEnum):
    TECHNICIAN = "technician"
    ADVISOR = "advisor"
    MANAGER = "manager"


class Dealership(Base):
    """The tenant: whose name, logo and colour the customer sees."""

    __tablename__ = "dealership"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)  # uuid7
    name: Mapped[str] = mapped_column(String(120))
    colour: Mapped[str] = mapped_column(String(7), default="#1f6feb")  # #rrggbb
    phone: Mapped[str | None] = mapped_column(String(20))  # E.164
    email: Mapped[str | None] = mapped_column(String(254))
    address: Mapped[str | None] = mapped_column(String(300))
    country: Mapped[str] = mapped_column(String(2), default="FR")  # reads phone numbers written without a prefix
    logo_key: Mapped[str | None] = mapped_column(String(200))  # our own cleaned PNG in storage; also the watermark
    created_at: Mapped[float]


membership = Table(
    "user_role",
    Base.metadata,
    Column("user_id", Integer, ForeignKey("user.id", ondelete="CASCADE"), primary_key=True),
    Column("role_id", Integer, ForeignKey("role.id", ondelete="CASCADE"), primary_key=True),
)


class Role(Base, RoleMixin):
    __tablename__ = "role"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(20), unique=True)


class User(Base, UserMixin):
    """One person of one dealership."""

    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)
    dealership_id: Mapped[str] = mapped_column(ForeignKey("dealership.id", ondelete="CASCADE"), index=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(120))
    password: Mapped[str | None] = mapped_column(String(255))
    active: Mapped[bool] = mapped_column(default=True)
    fs_uniquifier: Mapped[str] = mapped_column(String(64), unique=True)
    language: Mapped[str] = mapped_column(String(5), default="en")

    dealership: Mapped[Dealership] = relationship(lazy="joined")
    roles: Mapped[list[Role]] = relationship(secondary=membership, lazy="selectin")


class ApiToken(Base):
    """A bearer token of the API; only its SHA-256 is stored."""

    __tablename__ = "api_token"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)
    dealership_id: Mapped[str] = mapped_column(ForeignKey("dealership.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(120))
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[float]
    expires_at: Mapped[float | None]
    revoked_at: Mapped[float | None]
