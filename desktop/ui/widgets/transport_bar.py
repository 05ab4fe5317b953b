"""The row under the picture: where the playhead is, playing and stepping, the volume."""

from __future__ import annotations

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QSlider, QWidget

from desktop.timecode import format_timecode
from desktop.ui import theme
from desktop.ui.models.timeline import Timeline
from desktop.ui.player import Player
from desktop.ui.sound import Sound
from desktop.ui.widgets.controls import label, tool_button
from desktop.ui.widgets.timecode_field import TimecodeField


class TransportBar(QWidget):
    """Buttons for what the keys do, and the times they act on."""

    def __init__(
        self, timeline: Timeline, player: Player, sound: Sound, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._timeline, self._player, self._sound = timeline, player, sound

        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addLayout(self._build_times(), 0, 0)
        grid.addLayout(self._build_buttons(), 0, 1)
        grid.addLayout(self._build_sound(), 0, 2)
        grid.setColumnStretch(0, 1)
        grid.setColumnStretch(2, 1)

        timeline.loaded.connect(self._show_times)
        timeline.playhead_changed.connect(self._show_times)
        player.speed_changed.connect(self._show_speed)
        sound.available_changed.connect(self._show_sound)
        sound.level_changed.connect(self._show_sound)
        self._show_times()
        self._show_speed()
        self._show_sound()

    def _build_times(self) -> QHBoxLayout:
        self.position = TimecodeField(self.tr("Playhead"))
        self.position.committed.connect(self._timeline.seek)
        self.position.stepped.connect(self._player.step)
        self._length = label("", "muted")
        self._length.setFont(theme.digits(self.font(), 13))
        self._speed = label("", "heading")
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.position)
        row.addWidget(self._length)
        row.addWidget(self._speed)
        row.addStretch()
        return row

    def _build_buttons(self) -> QHBoxLayout:
        timeline, player = self._timeline, self._player
        self.to_in = tool_button("to-in", self.tr("To the start of the segment"), "Shift+I")
        self.to_in.clicked.connect(lambda: timeline.seek(timeline.selection.start))
        self.back = tool_button("step-back", self.tr("One frame back"), "←")
        self.back.clicked.connect(lambda: player.step(-1))
        self.play = tool_button("play", self.tr("Play"))
        self.play.setProperty("role", "round")
        self.play.clicked.connect(player.toggle)
        self.on = tool_button("step-forward", self.tr("One frame on"), "→")
        self.on.clicked.connect(lambda: player.step(1))
        self.to_out = tool_button("to-out", self.tr("To the end of the segment"), "Shift+O")
        self.to_out.clicked.connect(lambda: timeline.seek(timeline.last_selected))
        self.play_clip = tool_button("play-clip", self.tr("Play all segments"), "P")
        self.play_clip.clicked.connect(player.play_segments)
        row = QHBoxLayout()
        row.setSpacing(4)
        for each in (self.to_in, self.back, self.play, self.on, self.to_out, self.play_clip):
            row.addWidget(each)
        for each in (self.back, self.on):
            each.setAutoRepeat(True)
        return row

    def _build_sound(self) -> QHBoxLayout:
        sound = self._sound
        self.mute = tool_button("volume", self.tr("Mute"), "M")
        self.mute.clicked.connect(lambda: sound.set_muted(not sound.muted))
        self.volume = QSlider(Qt.Orientation.Horizontal)
        self.volume.setRange(0, 100)
        self.volume.setFixedWidth(92)
        self.volume.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.volume.setAccessibleName(self.tr("Volume"))
        self.volume.valueChanged.connect(lambda value: sound.set_volume(value / 100))
        self._silent = label(self.tr("No sound device"), "small")
        self._silent.setToolTip(self.tr("The preview plays without sound. The clip keeps its sound."))
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addStretch()
        row.addWidget(self._silent)
        row.addWidget(self.mute)
        row.addWidget(self.volume)
        return row

    def _show_times(self) -> None:
        self.position.set_time(self._timeline.playhead, self._timeline.duration)
        self._length.setText(f"/ {format_timecode(self._timeline.duration)}")

    def _show_speed(self) -> None:
        speed = self._player.speed
        playing = speed != 0
        self.play.setIcon(theme.icon("pause" if playing else "play", "window"))
        self.play.setIconSize(QSize(20, 20))
        name = self.tr("Pause") if playing else self.tr("Play")
        self.play.setAccessibleName(name)
        self.play.setToolTip(f"{name}  ({self.tr('Space')})")
        self._speed.setText(f"{speed:g}×".replace("-", "−") if speed not in {0.0, 1.0} else "")

    def _show_sound(self) -> None:
        there = self._sound.available
        self._silent.setVisible(not there)
        self.mute.setEnabled(there)
        self.volume.setVisible(there)
        quiet = self._sound.muted or not there
        self.mute.setIcon(theme.icon("muted" if quiet else "volume"))
        self.mute.setAccessibleName(self.tr("Sound on") if self._sound.muted else self.tr("Mute"))
        self.volume.blockSignals(True)
        self.volume.setValue(round(self._sound.volume * 100))
        self.volume.blockSignals(False)
