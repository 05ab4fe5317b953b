"""How the timeline looks: ruler, chapters, thumbnails, most-replayed curve, waveform, playhead."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QFont, QLinearGradient, QPainter, QPainterPath, QPen, QPolygonF

from desktop.source.models import Chapter, HeatPoint
from desktop.timecode import format_timecode
from desktop.ui import theme
from desktop.ui.models.marks import Marks
from desktop.ui.models.strip import Strip
from desktop.ui.models.timeline import Timeline
from desktop.ui.models.waveform import Waveform
from desktop.ui.timeline_geometry import MARGIN, Hit, TimelineGeometry
from desktop.ui.widgets.segment_painting import SegmentPainting

_RADIUS = 6.0
_HEAT_TOP = 0.45  # of the pictures' height


@dataclass(frozen=True)
class Shown:
    """The models that the timeline shows."""

    timeline: Timeline
    strip: Strip
    waveform: Waveform
    marks: Marks


class TimelinePainting:
    """Paints one state of the timeline into a widget's area."""

    def __init__(self, painter: QPainter, geometry: TimelineGeometry, font: QFont) -> None:
        self._painter = painter
        self._geometry = geometry
        self._small = theme.digits(font, 11)

    def paint(self, shown: Shown, hover: float | None, held: Hit | None, *, focused: bool) -> None:
        """Everything, from the ground up. `hover` is the time under the pointer."""
        self._painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._painter.setFont(self._small)
        self._track_ground(focused=focused)
        timeline = shown.timeline
        if timeline.duration <= 0:
            return
        self._ruler(self._geometry.x_of(timeline.playhead))
        self._chapters(timeline.chapters)
        self._pictures(shown.strip, timeline.duration)
        self._heat(timeline.heatmap)
        self._wave(shown.waveform)
        segments = SegmentPainting(self._painter, self._geometry)
        segments.segments(timeline.cuts, held)
        segments.marks(shown.marks, held)
        if hover is not None and held is None:
            self._hover(hover)
        self._playhead(timeline.playhead)
        if self._geometry.is_zoomed:
            self._overview(timeline, shown.marks)

    def _track_rect(self) -> QRectF:
        track = self._geometry.track
        return QRectF(MARGIN, track.top, self._geometry.width - 2 * MARGIN, track.height)

    def _pictures_rect(self) -> QRectF:
        pictures = self._geometry.pictures
        return QRectF(MARGIN, pictures.top, self._geometry.width - 2 * MARGIN, pictures.height)

    def _clip_to_track(self) -> None:
        frame = QPainterPath()
        frame.addRoundedRect(self._track_rect(), _RADIUS, _RADIUS)
        self._painter.setClipPath(frame)

    def _track_ground(self, *, focused: bool) -> None:
        rect = self._track_rect()
        self._painter.setPen(Qt.PenStyle.NoPen)
        self._painter.setBrush(theme.color("raised"))
        self._painter.drawRoundedRect(rect, _RADIUS, _RADIUS)
        if focused:
            self._painter.setBrush(Qt.BrushStyle.NoBrush)
            self._painter.setPen(QPen(theme.color("focus"), 2))
            ring = QRectF(2, 2, self._geometry.width - 4, self._geometry.height - 4)
            self._painter.drawRoundedRect(ring, 8, 8)

    def _ruler(self, playhead: float) -> None:
        painter, geometry = self._painter, self._geometry
        ticks = geometry.ticks()
        base = geometry.ruler.bottom
        painter.setPen(QPen(theme.color("line"), 1))
        for time in ticks.minor:
            x = round(geometry.x_of(time)) + 0.5
            painter.drawLine(QPointF(x, base - 5), QPointF(x, base - 1))
        for time in ticks.labelled:
            x = round(geometry.x_of(time)) + 0.5
            painter.setPen(QPen(theme.color("edge"), 1))
            painter.drawLine(QPointF(x, base - 9), QPointF(x, base - 1))
            text = format_timecode(max(0.0, time), ticks.decimals)
            width = painter.fontMetrics().horizontalAdvance(text)
            if -9 < playhead - x < width + 12 or x + 5 + width > geometry.width:
                continue  # the playhead stands on it, or it would be cut off at the edge
            painter.setPen(theme.color("muted"))
            painter.drawText(
                QRectF(x + 5, 3, 90, base - 8),
                Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter,
                text,
            )

    def _chapters(self, chapters: tuple[Chapter, ...]) -> None:
        painter, geometry = self._painter, self._geometry
        row = geometry.chapters
        left, right = MARGIN, geometry.width - MARGIN
        for number, chapter in enumerate(chapters):
            start = max(left, geometry.x_of(chapter.start))
            end = min(right, geometry.x_of(chapter.end))
            if end - start < 1:
                continue
            rect = QRectF(start + 1, row.top + 2, end - start - 2, row.height - 5)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.color("hover" if number % 2 else "raised"))
            painter.drawRoundedRect(rect, 4, 4)
            if rect.width() > 28:
                painter.setPen(theme.color("muted"))
                room = rect.adjusted(7, 0, -5, 0)
                title = painter.fontMetrics().elidedText(
                    chapter.title, Qt.TextElideMode.ElideRight, int(room.width())
                )
                painter.drawText(room, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, title)

    def _pictures(self, strip: Strip, duration: float) -> None:
        """The thumbnails that are there; where none is yet, the track's ground shows."""
        painter, geometry, rect = self._painter, self._geometry, self._pictures_rect()
        height = round(rect.height() * painter.device().devicePixelRatioF())
        painter.save()
        self._clip_to_track()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        for tile in geometry.tiles(strip.aspect):
            if (found := strip.picture_at(min(tile.time, duration), height)) is not None:
                picture, part = found
                painter.drawImage(QRectF(tile.left, rect.top(), tile.width, rect.height()), picture, part)
        painter.restore()

    def _heat(self, heatmap: tuple[HeatPoint, ...]) -> None:
        """The most-replayed curve through the middles of its bins, as a filled hill at the pictures' feet."""
        if not heatmap:
            return
        painter, geometry, rect = self._painter, self._geometry, self._pictures_rect()
        ground = rect.bottom()
        top = rect.top() + rect.height() * _HEAT_TOP
        points = [
            QPointF(
                geometry.x_of((p.start + p.end) / 2),
                ground - min(max(p.value, 0.0), 1.0) * (ground - top),
            )
            for p in heatmap
        ]
        points = [
            QPointF(geometry.x_of(heatmap[0].start), points[0].y()),
            *points,
            QPointF(geometry.x_of(heatmap[-1].end), points[-1].y()),
        ]
        curve = QPainterPath(points[0])
        for before, after in pairwise(points):
            middle = (before.x() + after.x()) / 2
            curve.cubicTo(QPointF(middle, before.y()), QPointF(middle, after.y()), after)
        hill = QPainterPath(curve)
        hill.lineTo(points[-1].x(), ground)
        hill.lineTo(points[0].x(), ground)
        hill.closeSubpath()
        shade = QLinearGradient(0, top, 0, ground)
        shade.setColorAt(0, theme.color("heat", 0.65))
        shade.setColorAt(1, theme.color("heat", 0.30))
        painter.save()
        self._clip_to_track()
        painter.fillPath(hill, shade)
        painter.strokePath(curve, QPen(theme.color("picture", 0.55), 4))
        painter.strokePath(curve, QPen(theme.color("heat"), 1.8))
        painter.restore()

    def _wave(self, waveform: Waveform) -> None:
        """Swing and loudness of the sound; how far it has been computed, while that is going on."""
        painter, geometry, row = self._painter, self._geometry, self._geometry.wave
        if not row.height:
            return
        rect = QRectF(MARGIN, row.top, geometry.width - 2 * MARGIN, row.height)
        painter.save()
        self._clip_to_track()
        painter.fillRect(rect, theme.color("picture", 0.75))
        density = painter.device().devicePixelRatioF()
        colors = theme.color("wave"), theme.color("wave_core")
        found = waveform.image(
            geometry.view, round(rect.width() * density), round((rect.height() - 4) * density), colors
        )
        if found is not None:
            image, start, end = found
            left, right = geometry.x_of(start), geometry.x_of(end)
            painter.drawImage(QRectF(left, rect.top() + 2, right - left, rect.height() - 4), image)
        else:
            middle = rect.center().y()
            painter.setPen(QPen(theme.color("edge"), 1))
            painter.drawLine(QPointF(rect.left(), middle), QPointF(rect.right(), middle))
            if waveform.fraction is not None:
                painter.setPen(QPen(theme.color("wave_core"), 1))
                reached = rect.left() + rect.width() * waveform.fraction
                painter.drawLine(QPointF(rect.left(), middle), QPointF(reached, middle))
        painter.restore()

    def _hover(self, time: float) -> None:
        geometry = self._geometry
        x = geometry.x_of(time)
        self._painter.setPen(QPen(theme.color("text", 0.35), 1))
        self._painter.drawLine(QPointF(x, geometry.ruler.bottom), QPointF(x, geometry.track.bottom))
        self._bubble(x, format_timecode(time), "hover", "text")

    def _playhead(self, time: float) -> None:
        painter, geometry = self._painter, self._geometry
        x = geometry.x_of(time)
        if not MARGIN - 1 <= x <= geometry.width - MARGIN + 1:
            return
        painter.setPen(QPen(theme.color("picture", 0.8), 4))
        painter.drawLine(QPointF(x, geometry.ruler.bottom - 4), QPointF(x, geometry.track.bottom + 2))
        painter.setPen(QPen(theme.color("text"), 2))
        painter.drawLine(QPointF(x, geometry.ruler.bottom - 6), QPointF(x, geometry.track.bottom + 2))
        head = geometry.ruler.bottom
        painter.setPen(QPen(theme.color("picture"), 1))
        painter.setBrush(theme.color("text"))
        painter.drawPolygon(
            QPolygonF(
                [
                    QPointF(x - 6.5, head - 15),
                    QPointF(x + 6.5, head - 15),
                    QPointF(x + 6.5, head - 6),
                    QPointF(x, head),
                    QPointF(x - 6.5, head - 6),
                ]
            )
        )

    def _bubble(self, x: float, text: str, ground: str, ink: str) -> None:
        painter, geometry = self._painter, self._geometry
        width = painter.fontMetrics().horizontalAdvance(text) + 14
        left = min(max(x - width / 2, 2), geometry.width - width - 2)
        rect = QRectF(left, 3, width, 18)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color(ground))
        painter.drawRoundedRect(rect, 5, 5)
        painter.setPen(theme.color(ink))
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, text)

    def _overview(self, timeline: Timeline, marks: Marks) -> None:
        """The whole source as a thin strip: which part is in view, where segments, marks and playhead are."""
        painter, row = self._painter, self._geometry.overview
        width = self._geometry.width - 2 * MARGIN

        def x_of(time: float) -> float:
            return MARGIN + time / timeline.duration * width

        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.color("raised"))
        painter.drawRoundedRect(QRectF(MARGIN, row.top, width, row.height), 5, 5)
        start, end = timeline.view
        painter.setBrush(theme.color("edge"))
        shown = QRectF(x_of(start), row.top, max(10.0, x_of(end) - x_of(start)), row.height)
        painter.drawRoundedRect(shown, 5, 5)
        for ranges, tint in ((marks.marks, "good"), (timeline.cuts.segments, "accent")):
            painter.setBrush(theme.color(tint))
            for each in ranges:
                left, right = x_of(each.start), x_of(each.end)
                painter.drawRoundedRect(QRectF(left, row.top + 3.5, max(3.0, right - left), 3), 1.5, 1.5)
        painter.setBrush(theme.color("text"))
        painter.drawRect(QRectF(x_of(timeline.playhead) - 1, row.top, 2, row.height))
