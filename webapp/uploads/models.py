"""A tus upload: the changing part of an asset that is still arriving."""

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from pipeline.catalog.models import Asset, Base


class Upload(Base):
    """One upload URL. `fence` rises with every HEAD and PATCH: the newest request takes over from a stalled one."""

    __tablename__ = "upload"

    id: Mapped[str] = mapped_column(
        String(36), primary_key=True
    )  # uuid4: it is in the URL, so it must not be guessable
    asset_id: Mapped[str] = mapped_column(ForeignKey("asset.id", ondelete="CASCADE"), unique=True)
    dealership_id: Mapped[str] = mapped_column(ForeignKey("dealership.id", ondelete="CASCADE"), index=True)
    metadata_header: Mapped[str] = mapped_column(String(4000), default="")
    fence: Mapped[int] = mapped_column(default=0)
    expires_at: Mapped[float]

    asset: Mapped[Asset] = relationship()
