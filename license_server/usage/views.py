"""The endpoint that tells what is used and left."""

from __future__ import annotations

from license_server.accounts import identity
from license_server.http import Room
from license_server.usage import service
from license_server.usage.schemas import Usage

room = Room("usage", __name__)


@room.serve("GET", "/auth/usage")
def show_usage() -> Usage:
    """What is used and left in this period, and what was used in earlier ones."""
    return service.usage(identity.caller().account)
