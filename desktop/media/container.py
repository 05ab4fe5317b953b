"""Opening media files that nobody vouches for: only real files, only media formats, errors with a code."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any

import av
from av.container import InputContainer
from av.stream import Discard, Stream

from desktop.errors import Exit, ReelyError
from desktop.media.remote import Media

# FFmpeg's demuxers that read one file and nothing else. Playlists and scripts (hls, concat, dash, sdp, image
# sequences) are left out: they name other files and hosts, and a file must not make Reely read those.
DEMUXERS = (
    "aac,ac3,aiff,amr,ape,asf,av1,avi,caf,dts,dv,eac3,flac,flv,gif,h264,hevc,ivf,m4v,matroska,mjpeg,mov,mp3,"
    "mp4,mpeg,mpegts,mpegvideo,mxf,nut,obu,ogg,opus,rm,tta,vc1,vob,voc,vvc,w64,wav,webm,wtv,wv"
)
PROTOCOLS = "file"
# To find out about streams no picture is decoded, and not much is read, but some of the sound.
_UNDECODED = {"skip_frame": "all", "probesize": "1000000"}


def file_url(path: Path) -> str:
    """`path` so that FFmpeg takes it for a file whatever its name: never for an option or a protocol."""
    return f"file:{path.absolute()}"


def open_media(media: Media) -> AbstractContextManager[InputContainer]:
    """Open a file, or something remote, for demuxing and decoding; FFmpeg's complaints become `ReelyError`s.

    Raises ReelyError `file-not-found`, `file-not-readable`, `not-a-file` or `media-unreadable`, also for
    FFmpeg errors inside the `with` block; of remote media why its bytes did not come.
    """
    return _opened(media, {})


@contextmanager
def open_packets(path: Path) -> Iterator[InputContainer]:
    """As `open_media`, where packets are all that is wanted: of MP4 much faster.

    FFmpeg decodes pictures of whatever it opens, for what heads leave out, such as the format of pixels. What
    it says of an MP4's packets and of their streams' times does not depend on it; of other formats it does.
    """
    check_readable(path)
    if _is_mp4(path):
        with _opened(path, _UNDECODED) as container:
            # Of MPEG-4 part 2 even the size may be told by pictures alone.
            contexts = [stream.codec_context for stream in container.streams.video]
            if all(context is None or context.width for context in contexts):
                yield container
                return
    with open_media(path) as container:
        yield container


@contextmanager
def _opened(media: Media, options: dict[str, str]) -> Iterator[InputContainer]:
    try:
        if isinstance(media, Path):
            check_readable(media)
            with _demuxer(file_url(media), options) as container:
                yield container
        else:
            with closing(media.open()) as reader, _demuxer(reader, options) as container:
                yield container
    except av.FFmpegError as error:
        raise unreadable(media) from error


def _demuxer(file: Any, options: dict[str, str]) -> InputContainer:
    opened: InputContainer = av.open(
        file,
        mode="r",
        options=options,
        container_options={"format_whitelist": DEMUXERS, "protocol_whitelist": PROTOCOLS},
        metadata_errors="replace",
    )
    return opened


def _is_mp4(path: Path) -> bool:
    """Whether it begins as MP4 and its kin do (ISO/IEC 14496-12, 4.3: size, then the box's type)."""
    with path.open("rb", buffering=0) as file:
        return file.read(8)[4:] == b"ftyp"


def read_only(container: InputContainer, *streams: Stream) -> None:
    """From now on the demuxer passes over what is not of these streams, without reading it where it can."""
    for stream in container.streams:
        stream.discard = Discard.default if stream in streams else Discard.all


def check_readable(path: Path) -> None:
    """Raise `file-not-found`, `file-not-readable` or `not-a-file` unless `path` is a file we may read."""
    try:
        os.fsencode(path).decode()  # FFmpeg takes names in UTF-8 only
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            raise ReelyError(
                "not-a-file",
                f"{shown(path)} is not a file.",
                "Choose a video or sound file.",
                Exit.SOURCE,
            )
        os.close(os.open(path, os.O_RDONLY))
    except (FileNotFoundError, NotADirectoryError) as error:
        raise ReelyError(
            "file-not-found",
            f"There is no file {shown(path)}.",
            "Check the name; the file may have been moved, renamed or deleted.",
            Exit.SOURCE,
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a null byte in the name, or no UTF-8
        raise ReelyError(
            "file-not-readable",
            f"{shown(path)} cannot be opened ({getattr(error, 'strerror', None) or error}).",
            "Check that you may read it and that its disk is connected.",
            Exit.SOURCE,
        ) from error


def unreadable(media: Media) -> ReelyError:
    """The failure of a file that is there but cannot be read, or of remote bytes that do not come."""
    if not isinstance(media, Path) and media.failure is not None:
        return media.failure
    return ReelyError(
        "media-unreadable",
        f"{shown(media)} cannot be read as video or sound.",
        "It may be damaged, incomplete or of another kind; try it in a player, or get it again.",
        Exit.MEDIA,
    )


def shown(media: Media) -> str:
    """The file's name for a sentence: on one line, without control characters, not endless."""
    name = "".join(sign if sign.isprintable() else "�" for sign in media.name)
    return f"“{name if len(name) <= 80 else name[:60] + '…' + name[-15:]}”"
