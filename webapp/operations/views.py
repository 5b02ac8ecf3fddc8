"""What ops look at."""

from flask import Blueprint

blueprint = Blueprint("operations", __name__, template_folder="templates")


@blueprint.get("/healthz")
def healthz() -> dict[str, str]:
    """The process answers."""
    return {"status": "ok"}
