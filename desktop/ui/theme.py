"""How Reely looks: one dark palette, one style sheet, icons tinted from our own drawings."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from string import Template

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QIcon, QPainter, QPalette, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QStyleFactory

# WCAG contrast on `window`: text 16, muted 8.3, faint 5.2, accent 12; lines around controls 3.2.
COLORS = {
    "window": "#0E1014",
    "surface": "#15181E",
    "raised": "#1F242D",
    "hover": "#2A303B",
    "line": "#272C36",
    "edge": "#5B6576",
    "text": "#ECEEF2",
    "muted": "#A9B1BF",
    "faint": "#848D9C",
    "accent": "#FFC53D",
    "accent_hover": "#FFD470",
    "on_accent": "#1C1400",
    "focus": "#74B6FF",
    "good": "#57CF93",
    "bad": "#FF8178",
    "heat": "#7C8CF8",
    "wave": "#4E7F86",
    "wave_core": "#8FD0D6",
    "picture": "#050608",
}


def color(name: str, alpha: float = 1.0) -> QColor:
    """A colour of the palette, `alpha` 0..1."""
    value = QColor(COLORS[name])
    value.setAlphaF(alpha)
    return value


def apply(app: QApplication) -> None:
    """Dress the whole application."""
    app.setStyle(QStyleFactory.create("Fusion"))
    app.setPalette(_palette())
    sheet = Template(_asset("theme.qss").decode("utf-8"))
    app.setStyleSheet(sheet.substitute(COLORS))
    app.setWindowIcon(picture_icon("logo"))


def _palette() -> QPalette:
    palette = QPalette()
    role = QPalette.ColorRole
    for each, name in {
        role.Window: "window",
        role.WindowText: "text",
        role.Base: "raised",
        role.AlternateBase: "surface",
        role.Text: "text",
        role.PlaceholderText: "faint",
        role.Button: "raised",
        role.ButtonText: "text",
        role.BrightText: "bad",
        role.Highlight: "accent",
        role.HighlightedText: "on_accent",
        role.ToolTipBase: "raised",
        role.ToolTipText: "text",
        role.Link: "focus",
        role.Accent: "accent",
        role.Light: "hover",
        role.Midlight: "hover",
        role.Mid: "line",
        role.Dark: "line",
        role.Shadow: "picture",
    }.items():
        palette.setColor(each, color(name))
    for each in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, each, color("faint"))
    return palette


def digits(font: QFont, pixel_size: int, weight: QFont.Weight = QFont.Weight.Normal) -> QFont:
    """The font with figures of equal width, so that running times do not jitter."""
    steady = QFont(font)
    steady.setPixelSize(pixel_size)
    steady.setWeight(weight)
    steady.setFeature(QFont.Tag("tnum"), 1)
    return steady


@cache
def icon(name: str, tint: str = "text", size: int = 20, room: int = 0) -> QIcon:
    """One of our drawings as an icon of `size` logical pixels, sharp on screens of any density.

    `room` is empty space on its right: the style sheet knows no distance between icon and words.
    """
    result = QIcon()
    for density in (1, 2, 3):
        for mode, each in ((QIcon.Mode.Normal, tint), (QIcon.Mode.Disabled, "edge")):
            result.addPixmap(_with_room(tinted(name, color(each), size, density), room), mode)
    return result


def _with_room(pixmap: QPixmap, room: int) -> QPixmap:
    if not room:
        return pixmap
    density = pixmap.devicePixelRatio()
    wide = QPixmap(round(pixmap.width() + room * density), pixmap.height())
    wide.setDevicePixelRatio(density)
    wide.fill(Qt.GlobalColor.transparent)
    painter = QPainter(wide)
    painter.drawPixmap(0, 0, pixmap)
    painter.end()
    return wide


def picture_icon(name: str) -> QIcon:
    """A drawing in its own colours, for the window's icon."""
    result = QIcon()
    for size in (16, 24, 32, 48, 64, 128, 256):
        result.addPixmap(picture(name, QSize(size, size), 1.0))
    return result


def picture(name: str, size: QSize, density: float) -> QPixmap:
    """A drawing in its own colours, as large as fits into `size` (logical pixels)."""
    renderer = QSvgRenderer(QByteArray(_asset(f"{name}.svg")))
    fitted = renderer.defaultSize().scaled(size, Qt.AspectRatioMode.KeepAspectRatio)
    return _render(renderer, fitted, density)


def tinted(name: str, tint: QColor, size: int, density: float) -> QPixmap:
    """A drawing all in one colour, `size` logical pixels square."""
    pixmap = _render(QSvgRenderer(QByteArray(_asset(f"{name}.svg"))), QSize(size, size), density)
    painter = QPainter(pixmap)
    painter.setCompositionMode(QPainter.CompositionMode.CompositionMode_SourceIn)
    painter.fillRect(pixmap.rect(), tint)
    painter.end()
    return pixmap


def _render(renderer: QSvgRenderer, size: QSize, density: float) -> QPixmap:
    pixmap = QPixmap(size * density)
    pixmap.setDevicePixelRatio(density)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    renderer.render(painter, QRectF(0, 0, size.width(), size.height()))
    painter.end()
    return pixmap


@cache
def _asset(name: str) -> bytes:
    return (files("desktop.ui") / "assets" / name).read_bytes()
