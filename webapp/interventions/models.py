"""An intervention and its media, in the technician's order."""

from sqlalchemy import ForeignKey, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from pipeline.catalog.models import Asset, Base
from webapp.accounts.models import Dealership


class Intervention(Base):
    """One visit of one vehicle: what was asked, what was found, what is shown to the customer."""

    __tablename__ = "intervention"
    __table_args__ = (UniqueConstraint("dealership_id", "reference"),)

    id: Mapped[str] = mapped_column(String(36), primary_key=True)  # uuid7
    dealership_id: Mapped[str] = mapped_column(ForeignKey("dealership.id", ondelete="CASCADE"), index=True)
    reference: Mapped[str] = mapped_column(String(40))  # the repair order's number
    make: Mapped[str] = mapped_column(String(60), default="")
    model: Mapped[str] = mapped_column(String(60), default="")
    plate: Mapped[str] = mapped_column(String(20), default="")
    vin: Mapped[str] = mapped_column(String(17), default="")
    mileage: Mapped[int | None]  # km
    customer_name: Mapped[str] = mapped_column(String(120), default="")
    customer_email: Mapped[str] = mapped_column(String(254), default="")
    customer_phone: Mapped[str] = mapped_column(String(20), default="")  # E.164
    customer_language: Mapped[str] = mapped_column(String(5), default="en")
    asked: Mapped[str] = mapped_column(Text, default="")  # what the customer asked for
    notes: Mapped[str] = mapped_column(Text, default="")  # for the workshop only, never shown to the customer
    created_at: Mapped[float]
    updated_at: Mapped[float]

    dealership: Mapped[Dealership] = relationship()
    items: Mapped[list["Item"]] = relationship(order_by="Item.position, Item.id", back_populates="intervention")


class Item(Base):
    """A film, photo or file of an intervention: an asset with a caption and a place in the order."""

    __tablename__ = "item"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)  # uuid7
    intervention_id: Mapped[str] = mapped_column(ForeignKey("intervention.id", ondelete="CASCADE"), index=True)
    asset_id: Mapped[str] = mapped_column(ForeignKey("asset.id", ondelete="CASCADE"), unique=True)
    kind: Mapped[str] = mapped_column(String(12))  # film | photo | document, as chosen; Asset.kind is what it really is
    filename: Mapped[str] = mapped_column(String(255), default="")  # as named on the phone: staff only, never in a path
    caption: Mapped[str] = mapped_column(String(300), default="")
    position: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[float]

    intervention: Mapped[Intervention] = relationship(back_populates="items")
    asset: Mapped[Asset] = relationship()
