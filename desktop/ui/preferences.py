"""What the window remembers between runs, in an ini file in Reely's home."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError
from PySide6.QtCore import QByteArray, QSettings

_MOST_RECENT = 6


class Recent(BaseModel):
    """Something that was opened: the link or path, and what it is called."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    text: str
    title: str


_RECENTS: TypeAdapter[tuple[Recent, ...]] = TypeAdapter(tuple[Recent, ...])


class Preferences:
    """Window geometry, the folders used last, volume. Never in the system's own settings."""

    def __init__(self, home: Path) -> None:
        self._settings = QSettings(str(home / "window.ini"), QSettings.Format.IniFormat)

    @property
    def geometry(self) -> QByteArray:
        value = self._settings.value("window/geometry", QByteArray())
        return value if isinstance(value, QByteArray) else QByteArray()

    @geometry.setter
    def geometry(self, value: QByteArray) -> None:
        self._settings.setValue("window/geometry", value)

    @property
    def save_folder(self) -> Path | None:
        return self._folder("folders/save")

    @save_folder.setter
    def save_folder(self, value: Path | None) -> None:
        self._settings.setValue("folders/save", str(value or ""))

    @property
    def open_folder(self) -> Path | None:
        return self._folder("folders/open")

    @open_folder.setter
    def open_folder(self, value: Path | None) -> None:
        self._settings.setValue("folders/open", str(value or ""))

    @property
    def project_folder(self) -> Path | None:
        return self._folder("folders/project")

    @project_folder.setter
    def project_folder(self, value: Path | None) -> None:
        self._settings.setValue("folders/project", str(value or ""))

    @property
    def recent(self) -> tuple[Recent, ...]:
        """What was opened last, the newest first."""
        try:
            return _RECENTS.validate_json(str(self._settings.value("recent", "[]")))
        except ValidationError:
            return ()

    def remember(self, opened: Recent) -> None:
        """Put what was opened at the head of `recent`."""
        others = (each for each in self.recent if each.text != opened.text)
        kept = (opened, *others)[:_MOST_RECENT]
        self._settings.setValue("recent", _RECENTS.dump_json(kept).decode())

    @property
    def volume(self) -> float:
        """0..1; full where the file says something else."""
        try:
            return min(max(float(str(self._settings.value("sound/volume", 1.0))), 0.0), 1.0)
        except ValueError:
            return 1.0

    @volume.setter
    def volume(self, value: float) -> None:
        self._settings.setValue("sound/volume", value)

    @property
    def muted(self) -> bool:
        return str(self._settings.value("sound/muted", "false")).lower() == "true"

    @muted.setter
    def muted(self, value: bool) -> None:
        self._settings.setValue("sound/muted", "true" if value else "false")

    def save(self) -> None:
        """Write to disk now."""
        self._settings.sync()

    def _folder(self, key: str) -> Path | None:
        text = str(self._settings.value(key, ""))
        return Path(text) if text else None
