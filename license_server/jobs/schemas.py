"""How reported jobs are told."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import JsonValue

from license_server.schemas import Answer


class JobAnswer(Answer):
    """`at` is the device's time, `job` its own words."""

    id: str
    device_id: str
    spend_id: str
    state: Literal["completed", "failed"]
    meter: str
    at: str
    reported_at: datetime
    job: JsonValue
