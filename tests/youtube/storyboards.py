"""Storyboards and thumbnails: small pictures of the recording, as JPEG sheets and single pictures."""

from __future__ import annotations

import io
import math
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import av
from PIL import Image

from tests.youtube.catalogue import Video
from tests.youtube.media import Media


@dataclass(frozen=True)
class Level:
    """A size of storyboard: pixels of a tile, tiles of a sheet."""

    width: int
    height: int
    columns: int
    rows: int

    @property
    def per_sheet(self) -> int:
        return self.columns * self.rows


# Level 0 is one sheet of 100 pictures over the whole video; the others have a picture every few seconds.
OVERVIEW_TILES = 100
LEVELS = (Level(48, 27, 10, 10), Level(80, 45, 10, 10), Level(160, 90, 5, 5), Level(320, 180, 3, 3))


def seconds_per_tile(video: Video) -> int:
    """Longer videos have sparser storyboards."""
    return next((every for limit, every in ((120, 1), (300, 2), (900, 5)) if video.seconds <= limit), 10)


def tile_times(video: Video, level: int) -> list[float]:
    """What second of `video` each tile of a level shows."""
    if level == 0:
        return [at * video.seconds / OVERVIEW_TILES for at in range(OVERVIEW_TILES)]
    return [float(at) for at in range(0, video.seconds, seconds_per_tile(video))]


def storyboard_spec(video: Video) -> str:
    """The `spec`: base address, then `width#height#count#columns#rows#ms#name#sigh` a level."""
    parts = [f"https://i.ytimg.com/sb/{video.id}/storyboard3_L$L/$N.jpg?sqp=reelytests"]
    for number, level in enumerate(LEVELS):
        count = len(tile_times(video, number))
        every, name = (0, "default") if number == 0 else (seconds_per_tile(video) * 1000, "M$M")
        parts.append(
            f"{level.width}#{level.height}#{count}#{level.columns}#{level.rows}#{every}#{name}#rs$L{number}"
        )
    return "|".join(parts)


class Pictures:
    """Draws sheets and thumbnails from the recording itself, so that a tile shows what it claims to show."""

    def __init__(self, media: Media) -> None:
        self._media = media

    def sheet(self, video: Video, level_number: int, name: str) -> bytes | None:
        """The JPEG of sheet `default` (level 0) or `M0`, `M1`, …; None where there is no such sheet."""
        sheet_name = re.fullmatch("default" if level_number == 0 else r"M(\d{1,6})", name)
        if sheet_name is None or level_number >= len(LEVELS):
            return None
        level = LEVELS[level_number]
        first = int(sheet_name[1]) * level.per_sheet if level_number else 0
        times = tile_times(video, level_number)[first : first + level.per_sheet]
        if not times:
            return None
        rows = math.ceil(len(times) / level.columns)
        sheet = Image.new("RGB", (level.columns * level.width, rows * level.height))
        for place, time in enumerate(times):
            tile = self._picture(time).resize((level.width, level.height))
            sheet.paste(tile, (place % level.columns * level.width, place // level.columns * level.height))
        return _encoded(sheet, "JPEG")

    def _picture(self, time: float) -> Image.Image:
        pictures = _pictures(self._media.renditions[133].path)
        return pictures[int(time) % len(pictures)]

    def thumbnail(self, name: str, kind: str) -> bytes | None:
        """A thumbnail by the site's names (`hqdefault`, …) as `jpg` or `webp`; None for other names."""
        size = _THUMBNAILS.get(name)
        if size is None or kind not in ("jpg", "webp"):
            return None
        picture = self._picture(self._media.seconds / 2)
        return _encoded(picture.resize(size), "JPEG" if kind == "jpg" else "WEBP")


_THUMBNAILS = {
    "maxresdefault": (1280, 720),
    "hq720": (1280, 720),
    "sddefault": (640, 480),
    "hqdefault": (480, 360),
    "mqdefault": (320, 180),
    "default": (120, 90),
    "0": (480, 360),
}


@lru_cache(maxsize=2)
def _pictures(path: Path) -> list[Image.Image]:
    """The picture at each whole second."""
    pictures: list[Image.Image] = []
    with av.open(str(path)) as container:
        for frame in container.decode(video=0):
            if frame.time is not None and frame.time >= len(pictures):
                pictures.append(Image.fromarray(frame.to_ndarray(format="rgb24")))
    return pictures


def _encoded(picture: Image.Image, kind: str) -> bytes:
    target = io.BytesIO()
    picture.save(target, kind, quality=80)
    return target.getvalue()
