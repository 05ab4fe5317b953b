"""How the segments of the edit and the marks look on the timeline."""

from __future__ import annotations

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPen

from desktop.ui import theme
from desktop.ui.models.cuts import Cuts
from desktop.ui.models.grid import Selection
from desktop.ui.models.marks import Mark, Marks
from desktop.ui.timeline_geometry import BAR, EDGE, HANDLE, MARGIN, Hit, Part, TimelineGeometry

_SEGMENT_PARTS = {Part.IN_HANDLE, Part.OUT_HANDLE, Part.BAR}
_MARK_PARTS = {Part.MARK, Part.MARK_IN, Part.MARK_OUT}


class SegmentPainting:
    """Paints onto what the timeline's painting has laid out."""

    def __init__(self, painter: QPainter, geometry: TimelineGeometry) -> None:
        self._painter = painter
        self._geometry = geometry
        track = geometry.track
        self._track = QRectF(MARGIN, track.top, geometry.width - 2 * MARGIN, track.height)

    def segments(self, cuts: Cuts, held: Hit | None) -> None:
        """What is left out is dimmed; the active segment has handles, the others thin edges."""
        self._painter.save()
        self._painter.setClipRect(
            QRectF(0, self._track.top() - 1, self._geometry.width, self._track.height() + 2)
        )
        self._painter.setPen(Qt.PenStyle.NoPen)
        self._painter.setBrush(theme.color("surface", 0.62))
        self._painter.drawRects(self._left_out(cuts))
        several = len(cuts.segments) > 1
        for number, segment in enumerate(cuts.segments):
            if number != cuts.active:
                self._quiet(segment, str(number + 1))
        grabbed = held is not None and held.part in _SEGMENT_PARTS
        self._active(
            cuts.selection,
            theme.color("accent_hover" if grabbed else "accent"),
            str(cuts.active + 1) if several else "",
        )
        self._painter.restore()

    def _left_out(self, cuts: Cuts) -> list[QRectF]:
        """What of the track belongs to no segment."""
        rects, left = [], self._track.left()
        for rect in sorted((self._rect(segment) for segment in cuts.segments), key=QRectF.left):
            right = min(rect.left(), self._track.right())
            if right > left:
                rects.append(QRectF(left, self._track.top(), right - left, self._track.height()))
            left = max(left, rect.right())
        if left < self._track.right():
            rects.append(QRectF(left, self._track.top(), self._track.right() - left, self._track.height()))
        return rects

    def _rect(self, segment: Selection | Mark) -> QRectF:
        start, end = self._geometry.x_of(segment.start), self._geometry.x_of(segment.end)
        return QRectF(start, self._track.top(), end - start, self._track.height())

    def _quiet(self, segment: Selection, badge: str) -> None:
        painter, rect = self._painter, self._rect(segment)
        painter.save()
        painter.setClipRect(self._track, Qt.ClipOperation.IntersectClip)
        painter.setBrush(theme.color("accent", 0.7))
        painter.drawRect(QRectF(rect.left(), rect.top(), rect.width(), 2))
        painter.drawRect(QRectF(rect.left(), rect.bottom() - 2, rect.width(), 2))
        painter.drawRect(QRectF(rect.left(), rect.top(), 2, rect.height()))
        painter.drawRect(QRectF(rect.right() - 2, rect.top(), 2, rect.height()))
        painter.restore()
        self._badge(rect, badge, "raised", "accent")

    def _active(self, segment: Selection, accent: QColor, badge: str) -> None:
        painter, rect = self._painter, self._rect(segment)
        painter.setBrush(theme.color("accent", 0.06))
        painter.drawRect(rect)
        painter.setBrush(accent)
        painter.drawRect(QRectF(rect.left(), rect.top(), rect.width(), 3))
        painter.drawRect(QRectF(rect.left(), rect.bottom() - 3, rect.width(), 3))
        if rect.width() > 60:
            grip = QRectF(rect.center().x() - 14, rect.top(), 28, BAR - 2)
            painter.drawRoundedRect(grip, 3, 3)
            painter.setBrush(theme.color("on_accent"))
            for offset in (-6, 0, 6):
                painter.drawEllipse(QPointF(grip.center().x() + offset, grip.center().y()), 1.2, 1.2)
        self._handle(rect.left(), accent, outward=-1)
        self._handle(rect.right(), accent, outward=1)
        self._badge(rect, badge, "accent", "on_accent")

    def _handle(self, x: float, accent: QColor, *, outward: int) -> None:
        """A tab that reaches outwards from x, so that the first and last picture stay uncovered."""
        rect = self._track
        left = x - HANDLE if outward < 0 else x
        shape = QPainterPath()
        shape.addRoundedRect(QRectF(left, rect.top(), HANDLE, rect.height()), 5, 5)
        inner = QPainterPath()
        inner.addRect(QRectF(x - 6 if outward < 0 else x, rect.top(), 6, rect.height()))
        self._painter.fillPath(shape.united(inner), accent)
        self._painter.setPen(
            QPen(theme.color("on_accent"), 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
        )
        middle, grip = left + HANDLE / 2, rect.center().y()
        self._painter.drawLine(QPointF(middle, grip - 7), QPointF(middle, grip + 7))
        self._painter.setPen(Qt.PenStyle.NoPen)

    def _badge(self, rect: QRectF, text: str, ground: str, ink: str) -> None:
        """The segment's place in the order, in its upper left corner where there is room."""
        painter = self._painter
        width = max(18.0, painter.fontMetrics().horizontalAdvance(text) + 10.0)
        if not text or rect.width() < width + 4:
            return
        left = max(rect.left(), self._track.left()) + 3
        if left + width > rect.right():
            return
        badge = QRectF(left, rect.top() + 5, width, 17)
        painter.setBrush(theme.color(ground))
        painter.drawRoundedRect(badge, 5, 5)
        painter.setPen(theme.color(ink))
        painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, text)
        painter.setPen(Qt.PenStyle.NoPen)

    def marks(self, marks: Marks, held: Hit | None) -> None:
        """A chip each in their row; the chosen one reaches down over the track."""
        painter = self._painter
        painter.save()
        painter.setClipRect(QRectF(0, 0, self._geometry.width, self._track.bottom() + 1))
        for number, mark in enumerate(marks.marks):
            if number != marks.chosen:
                self._chip(mark, theme.color("good", 0.16), theme.color("good", 0.5), "text")
        if marks.chosen is not None:
            mark = marks.marks[marks.chosen]
            rect = self._rect(mark)
            painter.setPen(QPen(theme.color("good"), 1.5, Qt.PenStyle.DashLine))
            painter.setBrush(theme.color("good", 0.13))
            painter.drawRect(rect)
            grabbed = held is not None and held.part in _MARK_PARTS
            ground = theme.color("good").lighter(115) if grabbed else theme.color("good")
            self._chip(mark, ground, ground, "on_accent")
        painter.restore()

    def _chip(self, mark: Mark, ground: QColor, edge: QColor, ink: str) -> None:
        painter, row = self._painter, self._geometry.marks
        whole = self._rect(mark)
        left = max(whole.left(), self._track.left())
        right = min(whole.right(), self._track.right())
        if right - left < 1:
            return
        rect = QRectF(left + 0.5, row.top + 2.5, max(4.0, right - left - 1), row.height - 5)
        painter.setPen(QPen(edge, 1))
        painter.setBrush(ground)
        painter.drawRoundedRect(rect, 4, 4)
        if rect.width() < 30:
            return
        painter.setPen(theme.color(ink))
        room = rect.adjusted(EDGE + 3, 0, -EDGE, 0)
        words = f"{mark.score:.0f}  {mark.title}"
        text = painter.fontMetrics().elidedText(words, Qt.TextElideMode.ElideRight, int(room.width()))
        painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, text)
