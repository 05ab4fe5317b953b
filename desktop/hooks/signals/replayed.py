"""Most replayed: what viewers went back to, without what every such curve has in common."""

from __future__ import annotations

import numpy as np

from desktop.hooks.signals.curve import Curve, Material, Missing, Numbers, Signal

_FEWEST = 8  # bins; with less there is no curve
_DEAD = 0.02  # intensity; the credits that nobody watches have about 0
_PROFILE = 2  # degree of the trend over the position


def _measure(material: Material) -> Numbers | Missing:
    points = [point for point in material.heatmap if point.end > point.start]
    if len(points) < _FEWEST:
        return Missing("most replayed", "this source has no such curve")
    points = points[1:]  # always 1.0: everybody's player begins there
    while len(points) > _FEWEST and points[-1].value <= _DEAD:
        points = points[:-1]
    values = np.array([point.value for point in points])
    if np.ptp(values) < 1e-6:
        return Missing("most replayed", "this source's curve is flat")
    place = np.linspace(-1.0, 1.0, len(values))
    residual = values - np.polyval(np.polyfit(place, values, _PROFILE), place)
    curve = Curve(
        "most replayed",
        "",
        np.array([point.start for point in points]),
        np.array([point.end for point in points]),
        residual / max(float(residual.std()), 1e-6),
    )
    return np.clip(curve.over(material.starts, material.ends), -2.5, 3.5)


SIGNAL = Signal(
    "most replayed", "standard deviations above the trend", "viewers replay it", _measure, of_words=False
)
