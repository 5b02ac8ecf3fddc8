"""tus-js-client's own test page on our upload process, as if it were the public demo server those tests expect.

The demo server asks for no token and no intervention. This wrapper adds both on the way in, and takes the one thing it
added to the metadata away on the way out; everything else reaches our application as the client sent it.
"""

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from landing import pairs

from webapp.app import upload

HOST = "tusd.tusdemo.net"
MODULES = Path(__file__).parent.parent / "frontend" / "node_modules"
SCRIPTS = {
    "/jasmine.js": MODULES / "jasmine-core/lib/jasmine-core/jasmine.js",
    "/html.js": MODULES / "jasmine-core/lib/jasmine-core/jasmine-html.js",
    "/boot0.js": MODULES / "jasmine-core/lib/jasmine-core/boot0.js",
    "/ajax.js": MODULES / "jasmine-ajax/lib/mock-ajax.js",
    "/specs.js": MODULES / "tus-js-client/dist/browser-test-bundle.js",
}
REPORT = """
window.results = {passed: 0, failed: [], over: false};
jasmine.getEnv().configure({random: false});
jasmine.getEnv().addReporter({
  specDone(spec) {
    if (spec.status === "passed") results.passed += 1;
    else results.failed.push(spec.fullName + ": " + spec.failedExpectations.map((fault) => fault.message).join("; "));
  },
  jasmineDone() { results.over = true; },
});
"""
PAGE = "<!doctype html><title>specs</title>" + "".join(
    f'<script src="{name}"></script>'
    for name in ("/jasmine.js", "/html.js", "/boot0.js", "/report.js", "/ajax.js", "/specs.js")
)


def app() -> Callable[..., Iterable[bytes]]:
    """For gunicorn: `demohost:app()`, with TOKEN and INTERVENTION in the environment."""
    ours, token = upload(), os.environ["TOKEN"]
    added = pairs(intervention=os.environ["INTERVENTION"])

    def serve(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if not path.startswith("/files"):
            kind = "text/html" if path == "/" else "text/javascript"
            start("200 OK", [("Content-Type", f"{kind}; charset=utf-8")])
            return [PAGE.encode() if path == "/" else REPORT.encode() if path == "/report.js" else _script(path)]
        environ["HTTP_AUTHORIZATION"] = f"Bearer {token}"
        if environ["REQUEST_METHOD"] == "POST":
            given = environ.get("HTTP_UPLOAD_METADATA", "")
            environ["HTTP_UPLOAD_METADATA"] = ",".join(filter(None, [given, added]))

        def answer(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            return start(status, [(name, value.removesuffix(added).rstrip(",")) for name, value in headers], *more)

        return ours(environ, answer)

    return serve


def _script(path: str) -> bytes:
    return SCRIPTS[path].read_bytes() if path in SCRIPTS else b""
