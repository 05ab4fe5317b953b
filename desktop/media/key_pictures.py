"""Keyframes as small pictures: glimpses for a fast drag before the exact picture, and thumbnails of a file.

A keyframe decodes by itself, in the time of one picture, where an exact picture needs all since its keyframe.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack

import av
from av.video.frame import VideoFrame

from desktop.errors import ReelyError
from desktop.media.container import open_media
from desktop.media.frame_decoder import FrameIndex, Scaler
from desktop.media.remote import Media

log = logging.getLogger(__name__)

HEIGHT = 360
"""Pixels: enough for a moving picture, a quarter of the memory of a full preview."""
_CACHE_BYTES = 48 * 2**20
# Where seeking is not exact, so many packets are passed on the way to the keyframe, then it is given up.
_PATIENCE = 2000


class KeyDecoder:
    """Decodes single keyframes of a file. Used by one thread at a time; raises those of `open_media`."""

    def __init__(self, media: Media, index: FrameIndex, max_height: int) -> None:
        self._index = index
        self._max_height = max_height
        self._scaler: Scaler | None = None
        with ExitStack() as opened:
            self._container = opened.enter_context(open_media(media))
            self._stream = next(s for s in self._container.streams.video if s.index == index.stream)
            # Threads over several pictures would only delay the one that is wanted.
            self._stream.thread_type = "SLICE"
            self._opened = opened.pop_all()

    def picture(self, key: int) -> VideoFrame | None:
        """The picture of random-access point number `key`, shrunk; None where it cannot be had by itself.

        Raises `av.FFmpegError` where the file cannot be read; then nothing more can be had from this decoder.
        """
        wanted = int(self._index.ticks[self._index.keys[key]])
        # Seeking also readies a decoder that was drained.
        self._index.seek(self._container, self._stream, key)
        for number, packet in enumerate(self._container.demux(self._stream)):
            if number > _PATIENCE or packet.size == 0:
                break
            ticks = packet.pts if packet.pts is not None else packet.dts
            if ticks == wanted and packet.is_keyframe:
                return self._first([*packet.decode(), *self._stream.codec_context.decode(None)])
        return None

    def _first(self, decoded: Sequence[object]) -> VideoFrame | None:
        picture = next((each for each in decoded if isinstance(each, VideoFrame)), None)
        if picture is None:
            return None
        if self._scaler is None:
            self._scaler = Scaler(picture, self._stream.sample_aspect_ratio, self._max_height)
        return self._scaler.shrink(picture)

    def close(self) -> None:
        self._opened.close()


Use = Callable[["KeyPictures"], None]
OnKeyPicture = Callable[[int, VideoFrame], None]
"""Number of the keyframe and its shrunk picture; called on the thread of `KeyPictures`."""


class KeyPictures:
    """A thread with a decoder of its own and a bounded cache of keyframes.

    `urgent` work goes before `wish`es. Both keep only the newest that was asked.
    """

    def __init__(self, media: Media, index: FrameIndex, *, cache_bytes: int = _CACHE_BYTES) -> None:
        self._media = media
        self._index = index
        self._cache_bytes = cache_bytes
        self._cache: dict[int, VideoFrame] = {}
        self._decoder: KeyDecoder | None = None
        self._wake = threading.Condition()
        self._urgent: Use | None = None
        self._wishes: list[int] = []
        self._on_wish: OnKeyPicture | None = None
        self._closing = False
        self.thread = threading.Thread(target=self._serve, name="key-pictures", daemon=True)
        self.thread.start()

    def urgent(self, use: Use) -> None:
        """Call `use` on the thread, in place of what was asked before and has not begun; returns at once."""
        with self._wake:
            self._urgent = use
            self._wake.notify()

    def wish(self, keys: Sequence[int], on_picture: OnKeyPicture) -> None:
        """Ask for keyframes by number, the most wanted first, in place of those asked before."""
        with self._wake:
            self._wishes = list(keys)
            self._on_wish = on_picture
            self._wake.notify()

    def stop(self) -> None:
        """End soon; `thread` can be joined afterwards."""
        with self._wake:
            self._closing = True
            self._wake.notify()

    # --- on the thread ---

    def picture(self, key: int) -> VideoFrame | None:
        """The shrunk picture of a keyframe, decoded if need be."""
        if key in self._cache:
            return self._cache[key]
        decoder = self._ready_decoder()
        try:
            picture = decoder.picture(key)
        except av.FFmpegError as error:
            log.info("a keyframe cannot be decoded: %s", error)
            decoder.close()
            self._decoder = None
            return None
        if picture is not None:
            self._cache[key] = picture
            if len(self._cache) > max(2, self._cache_bytes // (picture.width * picture.height * 3 // 2)):
                del self._cache[max(self._cache, key=lambda each: abs(each - key))]
        return picture

    def _ready_decoder(self) -> KeyDecoder:
        if self._decoder is None:
            self._decoder = KeyDecoder(self._media, self._index, HEIGHT)
        return self._decoder

    def _serve(self) -> None:
        try:
            self._ready_decoder()  # ahead of the first drag
            while self._work():
                pass
        except ReelyError as error:
            # The file is gone: the frame server meets the same and tells it.
            log.info("no keyframes: %s", error.code)
        finally:
            self._cache.clear()
            if self._decoder is not None:
                self._decoder.close()

    def _work(self) -> bool:
        with self._wake:
            self._wake.wait_for(lambda: self._closing or self._urgent is not None or self._wishes)
            if self._closing:
                return False
            urgent, self._urgent = self._urgent, None
            wish, on_wish = -1, self._on_wish
            if urgent is None:
                wish = self._wishes.pop(0)
        if urgent is not None:
            urgent(self)
        elif on_wish is not None:
            picture = self.picture(wish)
            if picture is not None and not self._closing:
                on_wish(wish, picture)
        return True
