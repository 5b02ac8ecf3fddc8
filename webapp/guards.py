"""What stands before and after every view: request ids, rate limits, CSRF, security headers, the access log.

`csrf` and `limiter` are for features: `@limiter.limit("10/minute")`, `csrf.exempt(blueprint)`. A response
that brings its own Content-Security-Policy keeps it.
"""

import math
import re
import secrets
import time
from typing import Any

import structlog
from flask import Flask, Response, g, request
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_wtf import CSRFProtect
from redis.backoff import NoBackoff
from redis.retry import Retry
from secure import Secure
from secure.headers import (
    CrossOriginOpenerPolicy,
    PermissionsPolicy,
    ReferrerPolicy,
    StrictTransportSecurity,
    XContentTypeOptions,
)
from sqlalchemy.exc import StatementError
from werkzeug.middleware.proxy_fix import ProxyFix

from workers.settings import Settings

csrf = CSRFProtect()
# Of several requests that find the broker away at the same time, the limiter lets only the first one fall back: the
# others go uncounted.
limiter = Limiter(get_remote_address, strategy="fixed-window", swallow_errors=True)

BROKER_S = 1.0  # what a count may take

_SANE_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")
_log = structlog.get_logger("walkaround.web")


def seconds_to_wait() -> int:
    """Of a request that was one too many: when the next one will be taken."""
    return max(1, math.ceil(limiter.current_limit.reset_at - time.time())) if limiter.current_limit else 60


def _headers(settings: Settings) -> Secure:
    https = settings.effective_public_url.startswith("https://")
    return Secure(
        coop=CrossOriginOpenerPolicy().same_origin(),
        hsts=StrictTransportSecurity().max_age(63072000).include_subdomains() if https else None,
        permissions=PermissionsPolicy().geolocation().microphone("'self'").camera("'self'").fullscreen("'self'"),
        referrer=ReferrerPolicy().no_referrer(),
        xcto=XContentTypeOptions().nosniff(),
    )


def _counting(redis_url: str) -> dict[str, Any]:
    """Several web hosts count together on the shared broker; while it is away or hangs, each counts for itself.

    Then one request every 1 … 32 s waits `BROKER_S` to see whether it is back.
    """
    if not redis_url:
        return {"RATELIMIT_STORAGE_URI": "memory://"}
    # Once, without redis-py's own three repetitions and the pauses between them.
    options = {"socket_timeout": BROKER_S, "socket_connect_timeout": BROKER_S, "retry": Retry(NoBackoff(), 0)}
    return {
        "RATELIMIT_STORAGE_URI": redis_url.replace("unix://", "redis+unix://", 1),
        "RATELIMIT_STORAGE_OPTIONS": options,
        "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": True,
    }


def content_policy(upload_url: str, nonce: str) -> str:
    """The Content-Security-Policy of pages: our own files only; blob: is what hls.js plays from."""
    return (
        "default-src 'none'; script-src 'self'; "
        f"style-src 'self' 'nonce-{nonce}'; img-src 'self' data: blob:; media-src 'self' blob:; "
        f"connect-src 'self' {upload_url}; worker-src 'self' blob:; font-src 'self'; manifest-src 'self'; "
        "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    )


def init_app(app: Flask) -> None:
    """Request ids, security headers and the access log, for both roles."""
    settings: Settings = app.extensions["settings"]
    headers = _headers(settings)
    app.config.update(_counting(settings.redis_url))
    if hops := settings.trusted_proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=0)  # type: ignore[method-assign]

    @app.before_request
    def begin() -> None:
        given = request.headers.get("X-Request-ID", "")
        g.request_id = given if _SANE_ID.fullmatch(given) else secrets.token_hex(8)
        # The catalog writes it on the asset, and the workers bind it again: one id from the phone to the last chunk.
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)
        g.began = time.perf_counter()
        g.nonce = secrets.token_urlsafe(16)

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers["X-Request-ID"] = g.request_id
        for name, value in headers.headers.items():
            response.headers.setdefault(name, value)
        if response.mimetype == "text/html":
            response.headers.setdefault(
                "Content-Security-Policy", content_policy(settings.effective_upload_url, g.nonce)
            )
            response.headers.setdefault("Cache-Control", "no-store")
        else:
            response.headers.setdefault("Content-Security-Policy", "default-src 'none'; sandbox")
        # The rule, never the path: a path may hold a customer's key.
        quiet = request.path in ("/healthz", "/readyz", "/metrics")
        (_log.debug if quiet else _log.info)(
            "request",
            method=request.method,
            route=request.url_rule.rule if request.url_rule else None,
            status=response.status_code,
            ms=round((time.perf_counter() - g.began) * 1000, 1),
        )
        return response

    limiter.init_app(app)  # after `begin`: a refused request has an id too


def log_failure(app: Flask, error: BaseException | None) -> None:
    """Log what no view expected: by its rule, since a path may hold a key, and without the rows' values."""
    if isinstance(error, StatementError):
        error.hide_parameters = True
    route = request.url_rule.rule if request.url_rule else None
    app.logger.error("Exception in %s [%s], request %s", route, request.method, g.get("request_id"), exc_info=error)


def protect_pages(app: Flask) -> None:
    """CSRF protection for everything that is not exempted by name."""
    # No page of ours sends a Referer, so it cannot be asked for. The token and the SameSite cookie do the work.
    app.config["WTF_CSRF_SSL_STRICT"] = False
    csrf.init_app(app)
    app.jinja_env.globals["csp_nonce"] = lambda: g.nonce
