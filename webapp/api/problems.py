"""Errors as RFC 9457 problem details."""

from typing import Any

from flask import Flask, Response, json, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

INVALID = "urn:walkaround:problem:invalid"


def problem(status: int, title: str, detail: str = "", *, type: str = "about:blank", **more: Any) -> Response:
    """One problem; `detail` is for the reader, `type` for the program."""
    body = {"type": type, "title": title, "status": status} | ({"detail": detail} if detail else {}) | more
    return Response(json.dumps(body), status, content_type="application/problem+json")


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
    if not request.path.startswith("/api/"):
        if request.path.startswith("/m/") or error.code is None or 300 <= code < 400:
            return error
        return render_template("error.html", code=code), code
    made = problem(code, error.name, error.description or "")
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            made.headers[name] = value
    return made


def init_app(app: Flask) -> None:
    """Answer every HTTP error in the form its reader understands."""
    app.register_error_handler(HTTPException, answer)
