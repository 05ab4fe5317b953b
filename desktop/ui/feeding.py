"""What the models are given when a source has been opened, and when its preview and its sound have come."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from PySide6.QtCore import QObject

from desktop.source.models import Source
from desktop.trim.edit import MediaInput
from desktop.ui.models.document import Document
from desktop.ui.models.export import Export
from desktop.ui.models.hooks import Hooks
from desktop.ui.models.session import Preview, Session
from desktop.ui.models.strip import Strip
from desktop.ui.models.timeline import Timeline
from desktop.ui.models.transcript import SourceTranscript
from desktop.ui.models.waveform import Waveform
from desktop.ui.player import Player
from desktop.ui.preferences import Preferences


@dataclass(frozen=True)
class Fed:
    """What follows the open source."""

    timeline: Timeline
    strip: Strip
    waveform: Waveform
    hooks: Hooks
    transcript: SourceTranscript
    export: Export
    document: Document
    player: Player


class Feeding(QObject):
    """Hands on what the session gets; it is connected first, so that the parts find the models fed."""

    def __init__(
        self, session: Session, fed: Fed, preferences: Preferences, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._session = session
        self._fed = fed
        self._preferences = preferences
        self._shown: Preview | None = None
        session.source_opened.connect(self._source_opened)
        session.preview_changed.connect(self._preview_changed)
        session.sound_changed.connect(self._sound_changed)

    def _source_opened(self, source: Source) -> None:
        fed = self._fed
        fed.strip.load(source)
        fed.hooks.load(source)
        fed.transcript.load(source)
        fed.timeline.load(source)
        fed.export.load(source, self._preferences.save_folder)
        project = self._session.project
        fed.document.load(source, project, Path(self._session.text) if project else None)

    def _preview_changed(self) -> None:
        fed, preview = self._fed, self._session.preview
        if preview is self._shown:
            return
        self._shown = preview
        if preview is None:
            fed.player.load(None, None)
            fed.strip.set_frames(None)
            fed.waveform.load(None, None)
            return
        modified = fed.document.modified
        fed.timeline.set_frames(preview.frames.frame_times if preview.frames else None)
        if not modified:
            fed.document.settle()
        fed.player.load(self._session.sound, preview.frames)
        fed.strip.set_frames(preview.frames)
        self._load_waveform()

    def _sound_changed(self) -> None:
        self._fed.player.load_sound(self._session.sound)
        self._load_waveform()

    def _load_waveform(self) -> None:
        sound = self._session.sound
        media = MediaInput(video=None, audio=sound) if sound is not None else None
        self._fed.waveform.load(self._session.source, media)
