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

from desktop.source.models import Chapter
from desktop.timecode import format_timecode
from desktop.ui.models.marks import Mark
from desktop.ui.timeline_geometry import MARGIN, Hit, Part, TimelineGeometry
from desktop.ui.widgets.timeline_painting import Shown, TimelinePainting

# A handle within this many pixels of a chapter's edge or a mark's goes there.
_MAGNET = 6
_SETTLED_MS = 40
_CURSORS = {
    Part.IN_HANDLE: Qt.CursorShape.SizeHorCursor,
    Part.OUT_HANDLE: Qt.CursorShape.SizeHorCursor,
    Part.BAR: Qt.CursorShape.OpenHandCursor,
    Part.MARK: Qt.CursorShape.OpenHandCursor,
    Part.MARK_IN: Qt.CursorShape.SizeHorCursor,
    Part.MARK_OUT: Qt.CursorShape.SizeHorCursor,
    Part.OVERVIEW: Qt.CursorShape.PointingHandCursor,
}


class TimelineView(QWidget):
    """Shows and moves a `Timeline`; `scrubbed` is emitted when a drag begins, so that playing can stop."""

    scrubbed = Signal()

    def __init__(self, shown: Shown, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown = shown
        self._timeline = timeline = shown.timeline
        # While the view moves, pictures for each step would only be thrown away.
        self._wanting = QTimer(self)
        self._wanting.setSingleShot(True)
        self._wanting.setInterval(_SETTLED_MS)
        self._wanting.timeout.connect(self._want_pictures)
        timeline.view_changed.connect(self._want_soon)
        shown.strip.changed.connect(self._more_came)
        shown.waveform.changed.connect(self._more_came)
        shown.marks.changed.connect(self._changed)
        self._held: Hit | None = None
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
        return QSize(800, self.geometry_now().wanted_height)

    def geometry_now(self) -> TimelineGeometry:
        """Where everything is at the moment."""
        timeline = self._timeline
        return TimelineGeometry(
            self.width(),
            self.height(),
            timeline.view,
            has_chapters=bool(timeline.chapters),
            is_zoomed=timeline.zoom_level > 1.0001,
            has_marks=bool(self._shown.marks.marks),
            has_wave=timeline.has_sound,
        )

    def _want_pictures(self) -> None:
        """Have the strip get what is in view, from its middle outwards."""
        geometry, timeline = self.geometry_now(), self._timeline
        if timeline.duration <= 0:
            return
        middle = sum(timeline.view) / 2
        times = [min(tile.time, timeline.duration) for tile in geometry.tiles(self._shown.strip.aspect)]
        times.sort(key=lambda time: abs(time - middle))
        density = self.devicePixelRatioF()
        self._shown.strip.want(times, round(geometry.pictures.height * density))
        self._shown.waveform.want(timeline.view, round((geometry.width - 2 * MARGIN) * density))

    def _want_soon(self) -> None:
        if self.isVisible():
            self._wanting.start()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        super().showEvent(event)
        self._want_soon()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        super().hideEvent(event)
        self._wanting.stop()

    def _more_came(self) -> None:
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
                self.tr("Playhead {playhead}, segment {number} of {count} from {start} to {end}").format(
                    number=timeline.cuts.active + 1,
                    count=len(timeline.cuts.segments),
                    playhead=format_timecode(timeline.playhead),
                    start=format_timecode(timeline.selection.start),
                    end=format_timecode(timeline.selection.end),
                )
            )

    # --- pointer ---

    def _hit(self, event: QMouseEvent) -> Hit:
        cuts, at = self._timeline.cuts, event.position()
        return self.geometry_now().hit(
            at.x(),
            at.y(),
            [(each.start, each.end) for each in cuts.segments],
            cuts.active,
            [(each.start, each.end) for each in self._shown.marks.marks],
        )

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        if event.button() != Qt.MouseButton.LeftButton or self._timeline.duration <= 0:
            return
        hit = self._hit(event)
        if hit.part is Part.NOTHING:
            return
        self._held = hit
        x = event.position().x()
        self._grab = self._take_hold(hit, x)
        if hit.part in {Part.BAR, Part.MARK}:
            self.setCursor(Qt.CursorShape.ClosedHandCursor)
        if hit.part is not Part.OVERVIEW:
            self.scrubbed.emit()
        self._drag(x)

    def _take_hold(self, hit: Hit, x: float) -> float:
        """Choose what was hit; how far the pointer is from what it moves, in pixels."""
        timeline, marks = self._timeline, self._shown.marks
        match hit.part:
            case Part.IN_HANDLE | Part.OUT_HANDLE | Part.BAR:
                timeline.activate(hit.number)
                at = timeline.selection.end if hit.part is Part.OUT_HANDLE else timeline.selection.start
            case Part.MARK | Part.MARK_IN | Part.MARK_OUT:
                marks.choose(hit.number)
                mark = marks.marks[hit.number]
                at = mark.end if hit.part is Part.MARK_OUT else mark.start
            case _:
                return 0.0
        # Only now, as choosing may have moved the view.
        return x - self.geometry_now().x_of(at)

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        x = event.position().x()
        if self._held is not None:
            self._drag(x)
            return
        hit = self._hit(event)
        self.setCursor(_CURSORS.get(hit.part, Qt.CursorShape.ArrowCursor))
        self._show_mark_tip(hit)
        time = self.geometry_now().time_at(x)
        inside = hit.part in {Part.TRACK, Part.RULER, Part.BAR} and 0 <= time <= self._timeline.duration
        self._hover = time if inside else None
        self.update()

    def _show_mark_tip(self, hit: Hit) -> None:
        if hit.part in {Part.MARK, Part.MARK_IN, Part.MARK_OUT}:
            mark = self._shown.marks.marks[hit.number]
            self.setToolTip(
                self.tr("{title}\n{start} to {end}, score {score}. Double click: add it to the clip.").format(
                    title=mark.title,
                    start=format_timecode(mark.start),
                    end=format_timecode(mark.end),
                    score=f"{mark.score:.0f}",
                )
            )
        elif self.toolTip():
            self.setToolTip("")

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        if event.button() != Qt.MouseButton.LeftButton or self._held is None:
            return
        held, self._held = self._held, None
        if held.part in {Part.IN_HANDLE, Part.OUT_HANDLE, Part.BAR}:
            self._timeline.commit()
        self.unsetCursor()
        self.update()

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        """On a chapter: makes it the segment. On a mark: adds it. On a segment: makes it the active one."""
        geometry, timeline = self.geometry_now(), self._timeline
        at = event.position()
        time, hit = geometry.time_at(at.x()), self._hit(event)
        if geometry.chapters.holds(at.y()):
            for chapter in timeline.chapters:
                if chapter.start <= time < chapter.end:
                    timeline.select(chapter.start, chapter.end)
                    return
        if hit.part is Part.MARK:
            self._shown.marks.take(hit.number)
            return
        if hit.part is Part.TRACK and (number := timeline.cuts.at(time)) is not None:
            timeline.activate(number)
        self.mousePressEvent(event)

    def _drag(self, x: float) -> None:
        if self._held is None:
            return
        timeline, marks, geometry = self._timeline, self._shown.marks, self.geometry_now()
        number, at = self._held.number, x - self._grab
        match self._held.part:
            case Part.RULER | Part.TRACK:
                timeline.seek(geometry.time_at(x))
            case Part.IN_HANDLE:
                timeline.set_in(self._magnetic(geometry, at))
                timeline.seek(timeline.selection.start)
            case Part.OUT_HANDLE:
                timeline.set_out(self._magnetic(geometry, at))
                timeline.seek(timeline.last_selected)
            case Part.BAR:
                timeline.slide(geometry.time_at(at))
                timeline.seek(timeline.selection.start)
            case Part.MARK_IN:
                marks.set_in(number, geometry.time_at(at))
                timeline.seek(marks.marks[number].start)
            case Part.MARK_OUT:
                marks.set_out(number, geometry.time_at(at))
                timeline.seek(timeline.grid.last_picture(marks.marks[number].range))
            case Part.MARK:
                marks.slide(number, geometry.time_at(at))
                timeline.seek(marks.marks[number].start)
            case Part.OVERVIEW:
                start, end = timeline.view
                middle = (x - geometry.x_of(start)) / max(1.0, geometry.x_of(end) - geometry.x_of(start))
                timeline.pan(middle * timeline.duration - (start + end) / 2)

    def _magnetic(self, geometry: TimelineGeometry, x: float) -> float:
        """The time at x, or the edge of a chapter or mark that is close to it."""
        time = geometry.time_at(x)
        parts: list[Chapter | Mark] = [*self._timeline.chapters, *self._shown.marks.marks]
        closest = min(
            (edge for part in parts for edge in (part.start, part.end)),
            key=lambda edge: abs(edge - time),
            default=None,
        )
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
        painting.paint(self._shown, self._hover, self._held, focused=focused)
        painter.end()
