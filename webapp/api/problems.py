"""Errors as RFC 9457 problem details, or as a page for people."""

from typing import Any

import structlog
from flask import Flask, Response, current_app, g, json, render_template, request
from flask.typing import ResponseReturnValue
from flask_limiter import RateLimitExceeded
from sqlalchemy.exc import InterfaceError, OperationalError, TimeoutError
from sqlalchemy.orm.exc import ObjectDeletedError, StaleDataError
from werkzeug.exceptions import HTTPException, NotFound

from pipeline.catalog.storage import StorageDown
from webapp.database import session
from webapp.guards import seconds_to_wait
from webapp.languages import LANGUAGES

RETRY_S = 10  # when to come again while a part of ours is away
_log = structlog.get_logger("walkaround.web")
TYPE = "application/problem+json"
INVALID = "urn:walkaround:problem:invalid"


def problem(status: int, title: str, detail: str = "", *, type: str = "about:blank", **more: Any) -> Response:
    """One problem; `detail` is for the reader, `type` for the program."""
    body = {"type": type, "title": title, "status": status} | ({"detail": detail} if detail else {}) | more
    return Response(json.dumps(body), status, content_type=TYPE)


def documented(document: dict[str, Any]) -> dict[str, Any]:
    """An OpenAPI document whose refusals are those that are sent, with their type; doing it twice is harmless."""
    for operation in (one for item in document["paths"].values() for one in item.values()):
        asks = [parameter for parameter in operation.get("parameters", ()) if parameter["in"] == "query"]
        if not asks and "requestBody" not in operation:
            operation["responses"].pop("422", None)  # nothing that could be invalid
        for status, told in operation["responses"].items():
            if status >= "400" and "application/json" in told.get("content", {}):
                told["content"][TYPE] = told["content"].pop("application/json")
    return document


def invalid(errors: list[dict[str, Any]]) -> Response:
    """422 with every fault of the body at once, each with a JSON pointer to where it is."""
    faults = [
        {"pointer": "#/" + "/".join(map(str, error["loc"])), "detail": error["msg"].removeprefix("Value error, ")}
        for error in errors
    ]
    return problem(422, "What was sent is not valid", type=INVALID, errors=faults)


def answer(error: HTTPException) -> ResponseReturnValue:
    """An HTTP error: problem details under /api, a page for people elsewhere."""
    if error.response is not None:
        return error.get_response()
    code = error.code or 500
    later = {"Retry-After": str(seconds_to_wait())} if isinstance(error, RateLimitExceeded) else {}
    if not request.path.startswith("/api/"):
        if request.path.startswith("/m/") or error.code is None or 300 <= code < 400:
            return error
        return render_template("error.html", code=code), code, later
    made = problem(code, error.name, error.description or "")
    made.headers.update(later)
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            made.headers[name] = value
    return made


def erased(_: Exception) -> ResponseReturnValue:
    """404 for what was there when it was looked for, and was erased by somebody else before it could be changed."""
    session.rollback()
    return answer(NotFound())


def unavailable(error: Exception) -> ResponseReturnValue:
    """503 while the database or the storage is away. Nothing here asks the database again."""
    session.remove()
    # The driver's own words only: the statement's hold rows.
    why = str(getattr(error, "orig", None) or error)
    route = request.url_rule.rule if request.url_rule else None
    _log.error("request.unavailable", route=route, error=type(error).__name__, why=why)
    if request.path.startswith("/api/"):
        made = problem(503, "Service Unavailable", "a part of ours does not answer; try again in a moment")
    elif current_app.extensions["role"] == "upload" or request.path.startswith("/m/"):
        made = Response("try again in a moment\n", 503, mimetype="text/plain")
    else:
        g.pop("dealership", None)
        g.language = request.accept_languages.best_match(list(LANGUAGES)) or "en"
        # Without the context processors: one of them looks up who is signed in.
        made = Response(current_app.jinja_env.get_template("error.html").render(code=503), 503, mimetype="text/html")
    made.headers["Retry-After"] = str(RETRY_S)
    return made


def init_app(app: Flask) -> None:
    """Answer every error in the form its reader understands."""
    for gone in (StorageDown, OperationalError, InterfaceError, TimeoutError):
        app.register_error_handler(gone, unavailable)
    if app.extensions["role"] == "web":
        app.register_error_handler(HTTPException, answer)
        for gone in (StaleDataError, ObjectDeletedError):
            app.register_error_handler(gone, erased)
