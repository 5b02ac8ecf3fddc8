"""Pages about the dealership and its people."""

from flask import Blueprint, redirect
from flask.typing import ResponseReturnValue

blueprint = Blueprint("accounts", __name__, template_folder="templates")


@blueprint.get("/")
def home() -> ResponseReturnValue:
    """The staff's work begins with the list of interventions."""
    return redirect("/interventions")
