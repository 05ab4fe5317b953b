"""The timeline under the pointer: scrub, drag the ends of the clip, slide it, zoom and pan."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QEnterEvent,
    QFocusEvent,
    QHideEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.timecode import format_timecode
from desktop.ui.models.strip import Strip
from desktop.ui.models.timeline import Timeline
from desktop.ui.timeline_geometry import Part, TimelineGeometry
from desktop.ui.widgets.timeline_painting import TimelinePainting

# A handle within this many pixels of the playhead or a chapter's edge goes there.
_MAGNET = 6
_SETTLED_MS = 40
_CURSORS = {
    Part.IN_HANDLE: Qt.CursorShape.SizeHorCursor,
    Part.OUT_HANDLE: Qt.CursorShape.SizeHorCursor,
    Part.BAR: Qt.CursorShape.OpenHandCursor,
    Part.OVERVIEW: Qt.CursorShape.PointingHandCursor,
}


class TimelineView(QWidget):
    """Shows and moves a `Timeline`; `scrubbed` is emitted when a drag begins, so that playing can stop."""

    scrubbed = Signal()

    def __init__(self, timeline: Timeline, strip: Strip, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._timeline = timeline
        self._strip = strip
        # While the view moves, pictures for each step would only be thrown away.
        self._wanting = QTimer(self)
        self._wanting.setSingleShot(True)
        self._wanting.setInterval(_SETTLED_MS)
        self._wanting.timeout.connect(self._want_pictures)
        timeline.view_changed.connect(self._want_soon)
        strip.changed.connect(self._strip_changed)
        self._held: Part | None = None
        self._grab = 0.0
        self._hover: float | None = None
        self.setAccessibleName(self.tr("Timeline"))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        for signal in (timeline.loaded, timeline.selection_changed, timeline.view_changed):
            signal.connect(self._changed)
        timeline.playhead_changed.connect(self._changed)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        return QSize(800, 148 if self._timeline.chapters else 124)

    def geometry_now(self) -> TimelineGeometry:
        """Where everything is at the moment."""
        timeline = self._timeline
        return TimelineGeometry(
            self.width(),
            self.height(),
            timeline.view,
            bool(timeline.chapters),
            timeline.zoom_level > 1.0001,
        )

    def _want_pictures(self) -> None:
        """Have the strip get what is in view, from its middle outwards."""
        geometry, timeline = self.geometry_now(), self._timeline
        if timeline.duration <= 0:
            return
        middle = sum(timeline.view) / 2
        times = [min(tile.time, timeline.duration) for tile in geometry.tiles(self._strip.aspect)]
        times.sort(key=lambda time: abs(time - middle))
        self._strip.want(times, round(geometry.track.height * self.devicePixelRatioF()))

    def _want_soon(self) -> None:
        if self.isVisible():
            self._wanting.start()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        super().showEvent(event)
        self._want_soon()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        super().hideEvent(event)
        self._wanting.stop()

    def _strip_changed(self) -> None:
        self.update()
        self._want_soon()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        super().resizeEvent(event)
        self._want_soon()

    def _changed(self) -> None:
        self.updateGeometry()
        self.update()
        timeline = self._timeline
        if timeline.duration > 0:
            self.setAccessibleDescription(
                self.tr("Playhead {playhead}, clip from {start} to {end}").format(
                    playhead=format_timecode(timeline.playhead),
                    start=format_timecode(timeline.selection.start),
                    end=format_timecode(timeline.selection.end),
                )
            )

    # --- pointer ---

    def _part_at(self, event: QMouseEvent) -> Part:
        selection = self._timeline.selection
        at = event.position()
        return self.geometry_now().part_at(at.x(), at.y(), (selection.start, selection.end))

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        if event.button() != Qt.MouseButton.LeftButton or self._timeline.duration <= 0:
            return
        part = self._part_at(event)
        if part is Part.NOTHING:
            return
        self._held = part
        x = event.position().x()
        geometry, selection = self.geometry_now(), self._timeline.selection
        if part is Part.IN_HANDLE:
            self._grab = x - geometry.x_of(selection.start)
        elif part is Part.OUT_HANDLE:
            self._grab = x - geometry.x_of(selection.end)
        elif part is Part.BAR:
            self._grab = geometry.time_at(x) - selection.start
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        if part is not Part.OVERVIEW:
            self.scrubbed.emit()
        self._drag(x)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        x = event.position().x()
        if self._held is not None:
            self._drag(x)
            return
        part = self._part_at(event)
        self.setCursor(_CURSORS.get(part, Qt.CursorShape.ArrowCursor))
        time = self.geometry_now().time_at(x)
        inside = part in {Part.TRACK, Part.RULER, Part.BAR} and 0 <= time <= self._timeline.duration
        self._hover = time if inside else None
        self.update()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        if event.button() != Qt.MouseButton.LeftButton or self._held is None:
            return
        held, self._held = self._held, None
        if held in {Part.IN_HANDLE, Part.OUT_HANDLE, Part.BAR}:
            self._timeline.commit()
        self.unsetCursor()
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """A double click on a chapter makes it the clip."""
        geometry = self.geometry_now()
        at = event.position()
        if geometry.chapters.holds(at.y()):
            time = geometry.time_at(at.x())
            for chapter in self._timeline.chapters:
                if chapter.start <= time < chapter.end:
                    self._timeline.select(chapter.start, chapter.end)
                    return
        self.mousePressEvent(event)

    def _drag(self, x: float) -> None:
        timeline, geometry = self._timeline, self.geometry_now()
        match self._held:
            case Part.RULER | Part.TRACK:
                timeline.seek(geometry.time_at(x))
            case Part.IN_HANDLE:
                timeline.set_in(self._magnetic(geometry, x - self._grab))
                timeline.seek(timeline.selection.start)
            case Part.OUT_HANDLE:
                timeline.set_out(self._magnetic(geometry, x - self._grab))
                timeline.seek(timeline.last_selected)
            case Part.BAR:
                timeline.slide(geometry.time_at(x) - self._grab)
                timeline.seek(timeline.selection.start)
            case Part.OVERVIEW:
                start, end = timeline.view
                middle = (x - geometry.x_of(start)) / max(1.0, geometry.x_of(end) - geometry.x_of(start))
                timeline.pan(middle * timeline.duration - (start + end) / 2)

    def _magnetic(self, geometry: TimelineGeometry, x: float) -> float:
        """The time at x, or the chapter's edge that is close to it."""
        time = geometry.time_at(x)
        edges = [edge for chapter in self._timeline.chapters for edge in (chapter.start, chapter.end)]
        closest = min(edges, key=lambda edge: abs(edge - time), default=None)
        if closest is not None and abs(geometry.x_of(closest) - x) <= _MAGNET:
            return closest
        return time

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Up and down zooms at the pointer; sideways, or with Shift, moves the view."""
        pixels, angle = event.pixelDelta(), event.angleDelta()
        across = event.modifiers() & Qt.KeyboardModifier.ShiftModifier or abs(angle.x()) > abs(angle.y())
        geometry = self.geometry_now()
        if across:
            moved = pixels.x() or pixels.y() or (angle.x() or angle.y()) / 120 * 80
            self._timeline.pan(-moved * geometry.seconds_per_pixel)
        else:
            notches = angle.y() / 120
            self._timeline.zoom(1.25**notches, geometry.time_at(event.position().x()))
        event.accept()

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QNativeGestureEvent) and (
            event.gestureType() == Qt.NativeGestureType.ZoomNativeGesture
        ):
            at = self.geometry_now().time_at(event.position().x())
            self._timeline.zoom(max(0.2, 1 + event.value()), at)
            return True
        return super().event(event)

    # --- looks ---

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        self._hover = None
        self.update()
        super().leaveEvent(event)

    def enterEvent(self, event: QEnterEvent) -> None:  # noqa: N802 - Qt's name
        self.update()
        super().enterEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        super().focusInEvent(event)
        self._keyboard = event.reason() in {
            Qt.FocusReason.TabFocusReason,
            Qt.FocusReason.BacktabFocusReason,
        }
        self.update()

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        super().focusOutEvent(event)
        self._keyboard = False
        self.update()

    _keyboard = False

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painting = TimelinePainting(painter, self.geometry_now(), self.font())
        # As elsewhere, the ring is for those who came by keyboard.
        focused = self.hasFocus() and self._keyboard
        painting.paint(self._timeline, self._strip, self._hover, self._held, focused=focused)
        painter.end()
