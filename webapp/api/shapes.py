"""What goes in and out of the API, checked by the same rules as the desk's forms."""

from collections.abc import Callable
from typing import Annotated, Any, Literal, Self

from flask import g
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, field_validator
from sqlalchemy.orm import Session

from pipeline.catalog import assets
from pipeline.catalog.models import State
from webapp.customers.models import Link
from webapp.interventions import forms
from webapp.interventions.models import Intervention, Item
from webapp.interventions.reasons import advice
from webapp.interventions.states import Stage
from webapp.texts import clean

Kind = Literal["film", "photo", "document"]


def _text(limit: int) -> Any:
    return Annotated[str, StringConstraints(strip_whitespace=True, max_length=limit)]


def _checked(rule: Callable[[str], str]) -> Any:
    return Annotated[str, AfterValidator(rule)]


class _Clean(BaseModel):
    @field_validator("*", mode="before")
    @classmethod
    def _without_strange_signs(cls, value: Any) -> Any:
        return clean(value) if isinstance(value, str) else value


class _Written(_Clean):
    model_config = ConfigDict(extra="forbid")


class InterventionIn(_Written):
    """A new intervention. Only the reference is needed."""

    reference: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
    make: _text(60) = ""
    model: _text(60) = ""
    plate: _checked(forms.plate) = Field("", max_length=20)
    vin: _checked(forms.vin) = Field("", description="17 characters without I, O and Q", max_length=25)
    mileage: Annotated[int, Field(ge=0, le=9_999_999, description="km")] | None = None
    customer_name: _text(120) = ""
    customer_email: _checked(forms.email) = Field("", max_length=254)
    customer_phone: _checked(lambda text: forms.phone(text, g.dealership.country)) = Field(
        "", description="stored as E.164; without a prefix it is read as dialled in the dealership's country"
    )
    customer_language: Literal["en", "fr", "de"] = "en"
    asked: _text(5000) = Field("", description="what the customer asked for")
    notes: _text(5000) = Field("", description="for the workshop only")


def _without_defaults(schema: dict[str, Any]) -> None:
    """What is not sent is not changed: whoever writes a program from the document must not send it as empty."""
    for field in schema["properties"].values():
        field.pop("default", None)


class InterventionChange(InterventionIn):
    """What is to change; the rest stays."""

    model_config = ConfigDict(extra="forbid", json_schema_extra=_without_defaults)

    reference: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)] = ""


class InterventionOut(BaseModel):
    """An intervention as it stands."""

    id: str
    reference: str
    stage: Stage
    make: str
    model: str
    plate: str
    vin: str
    mileage: int | None
    customer_name: str
    customer_email: str
    customer_phone: str
    customer_language: str
    asked: str
    notes: str
    created_at: float = Field(description="seconds since 1970")
    updated_at: float = Field(description="seconds since 1970")
    capture_url: str = Field(description="the technician's page")

    @classmethod
    def of(cls, row: Intervention, stage: str, public_url: str) -> Self:
        names = cls.model_fields.keys() - {"stage", "capture_url"}
        values = {name: getattr(row, name) for name in names}
        return cls(stage=Stage(stage), capture_url=f"{public_url}/interventions/{row.id}/capture", **values)


class InterventionList(BaseModel):
    """A page of interventions, the newest first."""

    items: list[InterventionOut]
    next: str | None = Field(description="give it as `after` for the next page")


class Listing(_Clean):
    """Which interventions."""

    q: str = Field("", max_length=100, description="words in plate, VIN, reference, name or vehicle; or a phone number")
    stage: Stage | None = None
    after: str | None = None
    limit: int = Field(30, ge=1, le=100)


class OutputOut(BaseModel):
    """Something that was made of the file."""

    name: str
    bytes: int
    files: int


class AssetOut(BaseModel):
    """A film, photo or file of an intervention."""

    id: str
    intervention_id: str
    kind: Kind = Field(description="what it is, once measured; before that, what it was sent as")
    filename: str
    caption: str
    position: int
    size: int = Field(description="bytes announced")
    received: int = Field(description="bytes stored")
    state: State
    percent: int = Field(ge=0, le=100)
    eta_s: float | None = Field(description="seconds left; null when unknown")
    playable: bool
    reason: str | None = Field(description="stable; set when the state is rejected or failed")
    advice: str = Field(description="the reason as a sentence")
    outputs: list[OutputOut]

    @classmethod
    def of(cls, session: Session, item: Item) -> Self:
        asset = item.asset
        progress = assets.progress(session, asset)
        made = [
            OutputOut(name=row.name, bytes=sum(file["bytes"] for file in row.files), files=len(row.files))
            for row in assets.outputs(session, asset.id)
        ]
        return cls(
            id=asset.id, intervention_id=item.intervention_id, kind=asset.kind or item.kind, filename=item.filename,
            caption=item.caption, position=item.position, size=asset.size, received=asset.received,
            state=progress.state, percent=progress.percent, eta_s=progress.eta_s, playable=progress.playable,
            reason=progress.reason, advice=advice(progress.reason), outputs=made,
        )  # fmt: skip


class AssetList(BaseModel):
    """An intervention's assets, in the technician's order."""

    items: list[AssetOut]


class AssetChange(_Written):
    """A new caption."""

    caption: _text(300)


class LinkIn(_Written):
    """Whom a link is for."""

    recipient: _text(254) = ""


class LinkOut(BaseModel):
    """A customer's link; its address is known only to whoever made it."""

    id: str
    recipient: str
    created_at: float
    expires_at: float
    revoked_at: float | None
    shared_at: float | None = Field(description="when its address left the desk, or was given to a program")
    opened_at: float | None

    @classmethod
    def of(cls, row: Link) -> Self:
        return cls(**{name: getattr(row, name) for name in LinkOut.model_fields})


class LinkMade(LinkOut):
    """A new link, with its address for this once."""

    url: str = Field("", description="shown only now")


class LinkList(BaseModel):
    """An intervention's links, the newest first."""

    items: list[LinkOut]


class Problem(BaseModel):
    """RFC 9457."""

    type: str
    title: str
    status: int
    detail: str | None = None
    errors: list[dict[str, str]] | None = None
