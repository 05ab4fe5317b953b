"""The endpoints under `/webhook-endpoints`."""

from __future__ import annotations

from license_server.http import Room

room = Room("webhooks", __name__)
