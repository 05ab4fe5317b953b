"""Structured logs: one JSON object a line on standard error, with the request's id and nobody's secrets.

Paths, queries, bodies and addresses of people are never logged: a request is named by its route.
"""

from __future__ import annotations

import logging
import sys
import time
import traceback

import sentry_sdk
import structlog
from flask import Flask, Response, g, request

_SHARED: list[structlog.types.Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]
# Lines go through the standard library's logging, so that tests and hosts decide where they end.
structlog.configure(
    processors=[
        structlog.stdlib.filter_by_level,
        *_SHARED,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
)
log: structlog.stdlib.BoundLogger = structlog.get_logger("license_server")


def note_fault(event: str, error: BaseException) -> None:
    """A fault of ours goes to the log and to Sentry: where it happened, but not its message.

    The messages of a database quote what people sent.
    """
    log.error(event, error=type(error).__name__, traceback=traceback.format_tb(error.__traceback__))
    sentry_sdk.capture_exception(error)


def configure() -> None:
    """Makes every log line of the process JSON on standard error: for processes that are ours alone."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_SHARED,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.INFO)
    for noisy in ("alembic", "stripe", "waitress"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def init_app(app: Flask) -> None:
    @app.before_request
    def _start() -> None:
        g.started = time.perf_counter()

    @app.after_request
    def _finish(response: Response) -> Response:
        log.info(
            "request",
            method=request.method,
            route=str(request.url_rule) if request.url_rule else None,
            status=response.status_code,
            milliseconds=round((time.perf_counter() - g.get("started", time.perf_counter())) * 1000, 1),
        )
        return response
