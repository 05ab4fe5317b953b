"""Opening media files that nobody vouches for: only real files, only media formats, errors with a code."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import av
from av.container import InputContainer

from desktop.errors import Exit, ReelyError

# FFmpeg's demuxers that read one file and nothing else. Playlists and scripts (hls, concat, dash, sdp, image
# sequences) are left out: they name other files and hosts, and a file must not make Reely read those.
DEMUXERS = (
    "aac,ac3,aiff,amr,ape,asf,av1,avi,caf,dts,dv,eac3,flac,flv,gif,h264,hevc,ivf,m4v,matroska,mjpeg,mov,mp3,"
    "mp4,mpeg,mpegts,mpegvideo,mxf,nut,obu,ogg,opus,rm,tta,vc1,vob,voc,vvc,w64,wav,webm,wtv,wv"
)
PROTOCOLS = "file"


def file_url(path: Path) -> str:
    """`path` so that FFmpeg takes it for a file whatever its name: never for an option or a protocol."""
    return f"file:{path.absolute()}"


@contextmanager
def open_media(path: Path) -> Iterator[InputContainer]:
    """Open the file `path` for demuxing and decoding; FFmpeg's complaints become `ReelyError`s.

    Raises ReelyError `file-not-found`, `file-not-readable`, `not-a-file` or `media-unreadable`, also for
    FFmpeg errors inside the `with` block.
    """
    check_readable(path)
    try:
        with av.open(
            file_url(path),
            mode="r",
            container_options={"format_whitelist": DEMUXERS, "protocol_whitelist": PROTOCOLS},
            metadata_errors="replace",
        ) as container:
            yield container
    except av.FFmpegError as error:
        raise unreadable(path) from error


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


def unreadable(path: Path) -> ReelyError:
    """The failure of a file that is there but holds nothing that can be read."""
    return ReelyError(
        "media-unreadable",
        f"{shown(path)} cannot be read as video or sound.",
        "It may be damaged, incomplete or of another kind; try it in a player, or get it again.",
        Exit.MEDIA,
    )


def shown(path: Path) -> str:
    """The file's name for a sentence: on one line, without control characters, not endless."""
    name = "".join(sign if sign.isprintable() else "�" for sign in path.name)
    return f"“{name if len(name) <= 80 else name[:60] + '…' + name[-15:]}”"
