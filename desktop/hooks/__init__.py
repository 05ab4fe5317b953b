"""Why a moment is worth cutting: transcript, signals, candidates, ranking. Qt-free; knows no account."""

from __future__ import annotations

import os

# ONNX Runtime tells its maker what it does, from its import on, unless it finds this (its docs/Privacy.md).
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
