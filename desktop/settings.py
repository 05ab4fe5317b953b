"""What the environment and the platform say about this installation."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from desktop.errors import Exit, ReelyError

_DEFAULT_SERVER = "https://api.reely.app"


@dataclass(frozen=True)
class Settings:
    """Read once at the start, at the composition root; rooms get what they need as arguments."""

    home: Path
    """All of the app's own files: settings, journal, cache, log."""
    server_url: str
    offline: bool
    """Links are refused and the server is not asked (`REELY_OFFLINE=1`)."""

    @property
    def cache(self) -> Path:
        """Bytes of sources that can be had again; may be deleted at any time."""
        return self.home / "cache"

    @property
    def models(self) -> Path:
        """Models that were downloaded; may be deleted, and are then downloaded again."""
        return self.home / "models"

    @property
    def log(self) -> Path:
        return self.home / "reely.log"

    @classmethod
    def from_environment(cls) -> Settings:
        """Raises `ReelyError` with code `bad-setting` for a server address that is not http(s)."""
        home = os.environ.get("REELY_HOME") or platformdirs.user_data_dir("Reely", appauthor=False)
        server_url = os.environ.get("REELY_SERVER_URL", _DEFAULT_SERVER).rstrip("/")
        if not server_url.startswith(("https://", "http://")):
            raise ReelyError(
                "bad-setting",
                f"REELY_SERVER_URL is not a web address: {server_url!r}.",
                "Set it to something like https://api.reely.app, or leave it unset.",
                Exit.USAGE,
            )
        return cls(
            home=Path(home).expanduser().absolute(),
            server_url=server_url,
            offline=os.environ.get("REELY_OFFLINE", "").strip() in {"1", "true", "yes"},
        )
