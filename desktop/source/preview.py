"""What can be scrubbed of a link at once: its smallest useful streams, read where somebody looks."""

from __future__ import annotations

import logging
from pathlib import Path

from desktop.errors import ReelyError
from desktop.jobs.cancellation import CancelToken
from desktop.source.cache import StreamCache
from desktop.source.choose import choose_streams
from desktop.source.jobs import Purpose
from desktop.source.models import Source, Stream
from desktop.source.pieces import IndexUnreadableError
from desktop.source.preview_media import PreviewMedia
from desktop.source.remote_stream import RemoteStream

logger = logging.getLogger(__name__)


def open_preview(source: Source, folder: Path, *, offline: bool, token: CancelToken) -> PreviewMedia | None:
    """The preview of a link, whose bytes come as they are read; they go into the cache under `folder`.

    None where its streams do not tell their parts: they have to be fetched whole (`FetchJob`). Raises what
    `desktop.source.fetch.fetch` raises, and `Cancelled`.
    """
    choice = choose_streams(source, Purpose.PREVIEW)
    if not choice.streams or not all(_is_readable(stream) for stream in choice.streams):
        return None
    cache = StreamCache(folder)
    cache.make_room(0, keep=[cache.path(source, stream) for stream in choice.streams])
    opened = {stream: RemoteStream(source, stream, folder, offline=offline) for stream in choice.streams}
    video = opened[choice.video] if choice.video else None
    audio = opened[choice.audio] if choice.audio else None
    preview = PreviewMedia(video=video, audio=audio)
    try:
        foreseen = all(stream.wait_for_head(token) for stream in opened.values())
        if foreseen and video is not None:
            with token.watching(video.stop):
                video.frame_index()
            token.raise_if_cancelled()
    except IndexUnreadableError as error:
        logger.info("the preview comes whole: %s", error)
        foreseen = False
    except ReelyError:
        preview.close()
        token.raise_if_cancelled()
        raise
    if not foreseen:
        preview.close()
        return None
    return preview


def _is_readable(stream: Stream) -> bool:
    """Whether its parts can be asked for at the address that it came with."""
    return stream.protocol in {"http", "https"} and stream.url is not None
