"""The customer's link: one per recipient, known to us only by its hash."""

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from pipeline.catalog.models import Base
from webapp.interventions.models import Intervention


class Link(Base):
    """A key to one intervention's page. Revoking it stops playback at once."""

    __tablename__ = "link"

    id: Mapped[str] = mapped_column(String(36), primary_key=True)  # uuid7
    intervention_id: Mapped[str] = mapped_column(ForeignKey("intervention.id", ondelete="CASCADE"), index=True)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)  # of the token; the token itself is never stored
    recipient: Mapped[str] = mapped_column(String(254), default="")
    created_at: Mapped[float]
    expires_at: Mapped[float]
    revoked_at: Mapped[float | None]
    shared_at: Mapped[float | None]  # when its address left the desk: copied, shared, or given to a program
    opened_at: Mapped[float | None]  # confirmed by the page, not by a GET

    intervention: Mapped[Intervention] = relationship()
