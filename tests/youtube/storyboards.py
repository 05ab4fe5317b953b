"""Storyboards and thumbnails: small pictures of the recording, as JPEG sheets and single pictures."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import av
from PIL import Image

from tests.youtube.catalogue import Video
from tests.youtube.media import Media

SECONDS_PER_TILE = 1


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


# Level 0 is one sheet of 100 pictures over the whole video; the others have a picture a second.
OVERVIEW_TILES = 100
LEVELS = (Level(48, 27, 10, 10), Level(80, 45, 10, 10), Level(160, 90, 5, 5), Level(320, 180, 3, 3))


def storyboard_spec(video: Video) -> str:
    """The `spec`: base address, then `width#height#count#columns#rows#ms#name#sigh` a level."""
    parts = [f"https://i.ytimg.com/sb/{video.id}/storyboard3_L$L/$N.jpg?sqp=reelytests"]
    for number, level in enumerate(LEVELS):
        count, every, name = (
            (OVERVIEW_TILES, 0, "default")
            if number == 0
            else (video.seconds // SECONDS_PER_TILE, SECONDS_PER_TILE * 1000, "M$M")
        )
        parts.append(
            f"{level.width}#{level.height}#{count}#{level.columns}#{level.rows}#{every}#{name}#rs$L{number}"
        )
    return "|".join(parts)


class Pictures:
    """Draws sheets and thumbnails from the recording itself, so that a tile shows what it claims to show."""

    def __init__(self, media: Media) -> None:
        self._media = media

    def sheet(self, level_number: int, name: str) -> bytes | None:
        """The JPEG of sheet `default` (level 0) or `M0`, `M1`, …; None where there is no such sheet."""
        if not 0 <= level_number < len(LEVELS):
            return None
        level = LEVELS[level_number]
        total = int(self._media.seconds) // SECONDS_PER_TILE
        if level_number == 0:
            times = [at * self._media.seconds / OVERVIEW_TILES for at in range(OVERVIEW_TILES)]
            if name != "default":
                return None
        else:
            if not (name.startswith("M") and name[1:].isdigit()):
                return None
            number = int(name[1:])
            if number >= math.ceil(total / level.per_sheet):
                return None
            first = number * level.per_sheet
            times = [float(at * SECONDS_PER_TILE) for at in range(first, min(first + level.per_sheet, total))]
        rows = math.ceil(len(times) / level.columns)
        sheet = Image.new("RGB", (level.columns * level.width, rows * level.height))
        pictures = _pictures(self._media.renditions[133].path)
        for place, time in enumerate(times):
            tile = pictures[min(int(time), len(pictures) - 1)].resize((level.width, level.height))
            sheet.paste(tile, (place % level.columns * level.width, place // level.columns * level.height))
        return _encoded(sheet, "JPEG")

    def thumbnail(self, name: str, kind: str) -> bytes | None:
        """A thumbnail by the site's names (`hqdefault`, …) as `jpg` or `webp`; None for other names."""
        size = _THUMBNAILS.get(name)
        if size is None or kind not in ("jpg", "webp"):
            return None
        pictures = _pictures(self._media.renditions[133].path)
        picture = pictures[len(pictures) // 2].resize(size)
        return _encoded(picture, "JPEG" if kind == "jpg" else "WEBP")


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
