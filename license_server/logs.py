"""Structured logs: one JSON object a line on standard error, with the request's id and nobody's secrets.

Paths, queries, bodies and addresses of people are never logged: a request is named by its route.
"""

from __future__ import annotations

import logging
import re
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


_ADDRESS = re.compile(
    r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])|(?<![\w:])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?![\w:])"
)


def _hide_addresses(
    _logger: object, _method: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    """Libraries name whom they speak with; who runs the server need not know."""
    event["event"] = _ADDRESS.sub("(address)", str(event["event"]))
    return event


class RequestsUnnamed(logging.Filter):
    """Cuts what gunicorn says about a request that it could not serve: it quotes what was sent."""

    BEGINNINGS = ("Invalid request", "Error handling request", "Error processing SSL request", "Socket error")

    def filter(self, record: logging.LogRecord) -> bool:
        said = str(record.msg)
        for beginning in self.BEGINNINGS:
            if said.startswith(beginning):
                record.msg, record.args, record.exc_info = beginning, (), None
        return True


def json_lines() -> logging.Formatter:
    """Writes each line, also of the libraries, as one JSON object."""
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_SHARED, _hide_addresses],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
    )


def configure() -> None:
    """Makes every log line of the process JSON on standard error: for processes that are ours alone."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(json_lines())
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
