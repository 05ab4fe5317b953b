"""How gunicorn serves Reely: `gunicorn -c gunicorn.conf.py 'license_server:create_app()'`."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

bind = os.environ.get("BIND", "0.0.0.0:8000")
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gthread"
threads = 8
keepalive = 75  # longer than proxies keep a connection that they do not use
timeout = 60
graceful_timeout = 30
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # a heartbeat waits for no disk
control_socket_disable = True

# Where the processes' metrics add up; the library looks for it when it is first imported, in the workers.
_metrics = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
if _metrics is None:
    _metrics = os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="reely-metrics-")

logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "license_server.logs.json_lines"}},
    "filters": {"unnamed": {"()": "license_server.logs.RequestsUnnamed"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"level": "INFO", "handlers": ["stderr"]},
    # The app writes its own line about each request, without addresses.
    "loggers": {
        "gunicorn.error": {"level": "INFO", "propagate": True, "filters": ["unnamed"]},
        "gunicorn.access": {"handlers": []},
    },
}


def child_exit(_server: Any, worker: Any) -> None:
    """A worker that has ended no longer counts where present values are added up."""
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 - only after the folder is known

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(_server: Any) -> None:
    """Leaves nothing behind."""
    shutil.rmtree(str(_metrics), ignore_errors=True)
