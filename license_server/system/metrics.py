"""Metrics in Prometheus' text format: requests by route, how long they took, and what waits in the outboxes.

Where several processes serve, `PROMETHEUS_MULTIPROC_DIR` names the folder in which they add up.
"""

from __future__ import annotations

import ipaddress
import os
import time
from collections.abc import Iterable

from flask import Flask, Response, g, request
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.gc_collector import GCCollector
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from license_server.proxies import plain
from license_server.system import outboxes

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_INSIDE = [
    ipaddress.ip_network(network)
    for network in ("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7")
]
"""Loopback and what RFC 1918 and RFC 4193 set aside; `is_private` means more than that."""
_HEADERS_OF_PROXIES = ("X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Forwarded")

_registry = CollectorRegistry()
_requests = Counter(
    "reely_requests", "Requests that were answered.", ["method", "route", "status"], registry=_registry
)
_seconds = Histogram(
    "reely_request_seconds",
    "How long requests took.",
    ["route"],
    registry=_registry,
    buckets=(0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)
if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
    ProcessCollector(registry=_registry)
    GCCollector(registry=_registry)


class _Outboxes(Collector):
    """What waits to be sent, as the database has it at this moment."""

    def collect(self) -> Iterable[Metric]:
        waiting = GaugeMetricFamily("reely_outbox_waiting", "What waits to be sent.", labels=["outbox"])
        age = GaugeMetricFamily(
            "reely_outbox_oldest_seconds", "How long the oldest of it has waited.", labels=["outbox"]
        )
        for name, depth in outboxes.depths().items():
            waiting.add_metric([name], depth.waiting)
            age.add_metric([name], depth.oldest_seconds)
        return [waiting, age]


def init_app(app: Flask) -> None:
    @app.after_request
    def _count(response: Response) -> Response:
        # Addresses that nobody serves are one route: else whoever makes them up fills the memory.
        route = str(request.url_rule) if request.url_rule else "none"
        _requests.labels(request.method, route, str(response.status_code)).inc()
        if "started" in g:
            _seconds.labels(route).observe(time.perf_counter() - g.started)
        return response


def exposition() -> str:
    """All metrics, of all processes."""
    registry = _registry
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    gauges = CollectorRegistry()
    gauges.register(_Outboxes())
    return (generate_latest(registry) + generate_latest(gauges)).decode()


def is_asked_from_inside() -> bool:
    """Whether the request came straight from this computer or a private network, and through no proxy.

    Metrics are for those who run the server; a proxy passes on the requests of everybody.
    """
    if any(name in request.headers for name in _HEADERS_OF_PROXIES):
        return False
    address = plain(request.remote_addr or "")
    return address is not None and any(address in network for network in _INSIDE)
