"""Understanding what a person pastes, types or drops: a YouTube link in any form, another link, or a file.

Pure: nothing is opened or asked. Links to private addresses are refused by what is written in them; a public
name that resolves to a private address cannot be seen here.
"""

from __future__ import annotations

import html
import ipaddress
import re
import socket
from collections.abc import Callable
from pathlib import Path
from urllib.parse import SplitResult, parse_qs, quote, unquote, urlsplit, urlunsplit

from pydantic import BaseModel, ConfigDict

from desktop.errors import ReelyError
from desktop.source.refusals import refusal


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class FilePath(_Frozen):
    """A file on this computer, as it was written: not looked at yet, perhaps relative, perhaps with `~`."""

    path: Path


class VideoLink(_Frozen):
    """A video on the network. `start_at` is the link's time stamp in seconds."""

    url: str
    """The canonical link: the same for every way of writing it, without tracking, playlist and time."""
    video_id: str | None = None
    """YouTube's 11 characters; None for other sites."""
    start_at: float = 0.0


_LONGEST = 10_000  # characters; whatever is longer is not a link but a text
_ID = re.compile(r"[A-Za-z0-9_-]{11}")
_ENDS_WITH_ID = re.compile(r"[=/][A-Za-z0-9_-]{11}$")
_ID_START = re.compile(r"([A-Za-z0-9_-]{11})(?![A-Za-z0-9_-])")
_URL = re.compile(r"https?:[\\/]{2}[^\s<>\"“”«»\x00-\x1f\x7f]+", re.IGNORECASE)
_BARE_YOUTUBE = re.compile(
    r"(?<![\w.@/-])(?:[a-z0-9-]+\.)*(?:youtube\.com|youtu\.be|youtube-nocookie\.com)(?::\d+)?/[^\s<>\"“”«»]+",
    re.IGNORECASE,
)
_BARE_HOST = re.compile(r"(?:[\w-]+\.)+[^\W\d_][\w-]*(?::\d{1,5})?(?:[/?#]\S*)?")
_SCHEME = re.compile(r"[a-z][a-z0-9+.-]*:", re.IGNORECASE)
_FILE_URL = re.compile(r"file:", re.IGNORECASE)
_ABSOLUTE_PATH = re.compile(r"[/\\~]|\.{1,2}[/\\]|[A-Za-z]:[\\/]")
_QUOTES = "\"'“”‘’«»`<>"
# Invisible characters that ride along when text is copied from chats and web pages.
_INVISIBLE = dict.fromkeys(
    [0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
)
_FILE_SUFFIXES = frozenset(
    (
        *(
            "3gp",
            "avi",
            "flac",
            "flv",
            "m2ts",
            "m4a",
            "m4v",
            "mka",
            "mkv",
            "mov",
            "mp3",
            "mp4",
            "mpeg",
            "mpg",
        ),
        *("mpg", "mts", "mxf", "oga", "ogg", "ogv", "opus", "ts", "vob", "wav", "webm", "wmv"),
    )
)
_YOUTUBE_HOSTS = ("youtube.com", "youtube-nocookie.com", "youtubekids.com", "youtube.googleapis.com")
_SHORT_HOSTS = ("youtu.be", "www.youtu.be")
_PATHS_WITH_ID = frozenset({"shorts", "live", "embed", "v", "vi", "e", "watch"})
_CHANNEL_PATHS = frozenset({"channel", "c", "user"})
# Pages that only lead on to another address, and the parameters that hold it.
_WRAPPERS = {
    "google.com": ("q", "url", "continue"),
    "accounts.google.com": ("continue",),
    "consent.youtube.com": ("continue",),
    "consent.google.com": ("continue",),
    "l.facebook.com": ("u",),
    "lm.facebook.com": ("u",),
    "l.instagram.com": ("u",),
    "out.reddit.com": ("url",),
    "steamcommunity.com": ("u", "url"),
    "slack-redir.net": ("url",),
    "vk.com": ("to",),
}
_WRAPPED_PARAMETERS = {
    "/attribution_link": ("u",),
    "/redirect": ("q",),
    "/signin": ("next",),
    "/oembed": ("url",),
    "/oops": ("next",),
}
_DEEPEST_WRAPPING = 4
_PRIVATE_SUFFIXES = (
    "localhost",
    "local",
    "internal",
    "lan",
    "intranet",
    "home",
    "corp",
    "home.arpa",
    "onion",
)
_CLOCK = re.compile(
    r"(?:(?P<h>\d{1,5})h)?(?:(?P<m>\d{1,6})m)?(?:(?P<s>\d{1,8}(?:\.\d{1,6})?)s?)?", re.IGNORECASE | re.ASCII
)
_COLONS = re.compile(r"(?:(\d{1,4}):)?(\d{1,4}):(\d{1,2}(?:\.\d{1,6})?)", re.ASCII)


def _nothing_exists(_path: Path) -> bool:
    return False


def parse_source(text: str, exists: Callable[[Path], bool] = _nothing_exists) -> FilePath | VideoLink:
    """What `text` names. `exists` decides where a bare word could be a file as well as something else.

    Surrounding words, quotes and invisible characters are forgiven. Of several links the first YouTube video
    is taken. Raises ReelyError: `nothing-pasted`, `not-a-video-link`, `playlist-link`, `channel-link`,
    `private-address`, `several-files`.
    """
    cleaned = text.translate(_INVISIBLE).strip() if len(text) <= _LONGEST else ""
    if not cleaned:
        raise refusal("not-a-video-link" if text.strip() else "nothing-pasted")
    unquoted = cleaned.strip(_QUOTES).strip()
    if _FILE_URL.match(unquoted):
        return _from_file_url(unquoted)
    if "\0" not in unquoted and "\n" not in unquoted:
        if _ABSOLUTE_PATH.match(unquoted) and not unquoted.startswith("//"):
            return FilePath(path=Path(unquoted))
        if exists(Path(unquoted)):
            return FilePath(path=Path(unquoted))
    return _from_url_text(cleaned, unquoted)


def _from_url_text(cleaned: str, unquoted: str) -> FilePath | VideoLink:
    links = [_without_tail(match[0]) for match in _URL.finditer(cleaned)]
    if not links:
        links = ["https://" + _without_tail(match[0]) for match in _BARE_YOUTUBE.finditer(cleaned)]
    if links:
        return _first_video(links)
    if _is_bare_id(unquoted):
        return _video(unquoted, 0.0)
    if re.search(r"\s", unquoted) is None:
        first, _, rest = unquoted.partition("/")
        if not rest and first.rpartition(".")[2].lower() in _FILE_SUFFIXES:
            return FilePath(path=Path(unquoted))
        if unquoted.startswith("//"):
            return _from_url("https:" + unquoted, 0)
        if _BARE_HOST.fullmatch(unquoted):
            return _from_url("https://" + unquoted, 0)
    if _looks_like_file(unquoted):
        return FilePath(path=Path(unquoted))
    raise refusal("not-a-video-link")


def _looks_like_file(text: str) -> bool:
    name = re.split(r"[/\\]", text)[-1]
    return (
        len(text) <= 4096
        and _SCHEME.match(text) is None
        and not re.search(r"[\x00-\x1f\x7f]", text)
        and name.rpartition(".")[2].lower() in _FILE_SUFFIXES
    )


def _is_bare_id(text: str) -> bool:
    """Whether 11 characters are an id rather than a word: "Screenshots" and "interesting" are words."""
    if not _ID.fullmatch(text):
        return False
    word = text.isalpha() and (text.islower() or text.isupper() or text.istitle())
    return not word and not text.isdecimal()


def _without_tail(link: str) -> str:
    """A link without the punctuation of the sentence around it; brackets go only where none was opened."""
    while link:
        opened = {")": "(", "]": "["}.get(link[-1])
        unmatched = opened is not None and link.count(link[-1]) > link.count(opened)
        if not unmatched and link[-1] not in ".,;:!?'’”»*_~`|":
            break
        if link[-1] == "_" and _ENDS_WITH_ID.search(link):  # ids may end in it; emphasis comes after
            break
        link = link[:-1]
    return link


def _first_video(links: list[str]) -> VideoLink:
    """The first YouTube video among the links, else what the first link is."""
    results: list[VideoLink] = []
    first_error: ReelyError | None = None
    for link in links[:20]:
        try:
            found = _from_url(link, 0)
        except ReelyError as error:
            first_error = first_error or (error if not results else None)
            continue
        if found.video_id is not None:
            return found
        results.append(found)
    if first_error is not None:
        raise first_error
    return results[0]


def _from_file_url(text: str) -> FilePath:
    """RFC 8089, and what file managers drop: one URI a line, comments after `#` (RFC 2483)."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    if len(lines) > 1:
        raise refusal("several-files")
    rest = lines[0][len("file:") :]
    host, path = "", rest
    if rest.startswith("//"):
        host, _, path = rest[2:].partition("/")
        path = "/" + path
    # No query and no fragment: a `?` or `#` is part of a name that the dropping program forgot to escape.
    host, path = host.lower(), unquote(path)
    if "\0" in path or not path.strip("/"):
        raise refusal("not-a-video-link")
    if re.match(r"/[A-Za-z]:([/\\]|$)", path):
        path = path[1:]
    if host not in {"", "localhost", "127.0.0.1"}:
        path = f"//{host}{path}"
    return FilePath(path=Path(path))


def _from_url(text: str, depth: int) -> VideoLink:
    text = html.unescape(text).strip()
    if "&amp;" in text:  # escaped twice
        text = html.unescape(text)
    authority = re.split(r"[/?#]", text.partition("//")[2], maxsplit=1)[0]
    try:
        parts = urlsplit(text)
        host, _port = (parts.hostname or "").rstrip(".").lower(), parts.port
    except ValueError:
        raise refusal("not-a-video-link") from None
    # What browsers and libraries read differently is not passed on: `youtube.com\@other.example`.
    lone_surrogates = re.search(r"[\ud800-\udfff]", text)
    if parts.scheme.lower() not in {"http", "https"} or not host or lone_surrogates:
        raise refusal("not-a-video-link")
    if re.search(r"[\\@\s]", authority):
        raise refusal("not-a-video-link")
    wrapped = _wrapped(host, parts)
    if wrapped is not None and depth < _DEEPEST_WRAPPING:
        return _from_url(wrapped, depth + 1)
    if host in _SHORT_HOSTS:
        return _from_short(parts)
    if any(host == name or host.endswith("." + name) for name in _YOUTUBE_HOSTS):
        return _from_youtube(parts)
    return _from_other(host, parts)


def _wrapped(host: str, parts: SplitResult) -> str | None:
    """The address that this one only leads on to, if it is such a page."""
    names: tuple[str, ...] = ()
    if any(host == name or host.endswith("." + name) for name in _YOUTUBE_HOSTS):
        names = _WRAPPED_PARAMETERS.get(parts.path.rstrip("/"), ())
    names = names or _WRAPPERS.get(host.removeprefix("www."), ())
    query = _query(parts)
    for name in names:
        target = query.get(name, "")
        if target.startswith("/") and not target.startswith("//"):
            return "https://www.youtube.com" + target
        if target.lower().startswith(("http://", "https://")):
            return target
        if re.match(r"(?:[\w-]+\.)+\w+/", target):
            return "https://" + target
    return None


def _from_short(parts: SplitResult) -> VideoLink:
    first = _segments(parts)[0] if _segments(parts) else ""
    if first in {"shorts", "live", "embed", "watch"}:
        return _from_youtube(parts)
    if first:
        return _video(_checked_id(first), _time_stamp(parts))
    if "list" in _query(parts):
        raise refusal("playlist-link")
    raise refusal("not-a-video-link")


def _from_youtube(parts: SplitResult) -> VideoLink:
    query, segments = _query(parts), _segments(parts)
    first = segments[0].lower() if segments else ""
    candidate = query.get("v") or query.get("vi") or ""
    if first in _PATHS_WITH_ID and len(segments) > 1:
        candidate = segments[1]
    if first == "embed" and candidate in {"videoseries", "live_stream"}:
        raise refusal("playlist-link" if "list" in query else "channel-link")
    # Only pages that show a video are read for one: a channel's address may carry anything as `v`.
    if candidate and first in {*_PATHS_WITH_ID, "", "watch_popup", "movie", "ytscreeningroom"}:
        return _video(_checked_id(candidate), _time_stamp(parts))
    if first in {"playlist", "watch_videos", "show"} or query.get("list"):
        raise refusal("playlist-link")
    if first in _CHANNEL_PATHS or first.startswith("@"):
        raise refusal("channel-link")
    raise refusal("not-a-video-link")


def _from_other(host: str, parts: SplitResult) -> VideoLink:
    if _is_private(host):
        raise refusal("private-address")
    try:
        ascii_host = host if ":" in host else host.encode("idna").decode("ascii")
    except UnicodeError:
        raise refusal("not-a-video-link") from None
    netloc = f"[{ascii_host}]" if ":" in ascii_host else ascii_host
    if parts.port is not None and parts.port != {"http": 80, "https": 443}[parts.scheme.lower()]:
        netloc += f":{parts.port}"
    # yt-dlp passes instructions to itself in the fragment; nobody else may.
    fragment = "" if "smuggle" in unquote(parts.fragment).lower() else parts.fragment
    start_at = 0.0
    if match := re.fullmatch(r"t=([^&]+)", fragment):
        start_at, fragment = parse_time_stamp(match[1]), ""
    path, query, fragment = (
        quote(part, safe="/%:@!$&'()*+,;=~?-._[]|") for part in (parts.path, parts.query, fragment)
    )
    url = urlunsplit((parts.scheme.lower(), netloc, path or "/", query, fragment))
    return VideoLink(url=url, start_at=start_at)


def _is_private(host: str) -> bool:
    """Whether a host is this computer or one of its own network, in any way of writing its address."""
    try:
        address: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        try:
            # 127.1, 0x7f000001, 2130706433: what the C library takes for an address.
            address = ipaddress.IPv4Address(socket.inet_aton(host))
        except (OSError, ValueError):
            return (
                "." not in host or host.rpartition(".")[2] in _PRIVATE_SUFFIXES or host.endswith(".home.arpa")
            )
    inner = None
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    # An address that carries another is public only where both are; Python versions differ on the outer.
    return any(not each.is_global or each.is_multicast for each in (address, inner) if each is not None)


def _segments(parts: SplitResult) -> list[str]:
    return [unquote(part) for part in parts.path.split("/") if part]


def _query(parts: SplitResult) -> dict[str, str]:
    """The first value of every parameter. Some programs join a second `?` where `&` belongs."""
    try:
        fields = parse_qs(parts.query.replace("?", "&"), max_num_fields=200)
    except ValueError:
        raise refusal("not-a-video-link") from None
    return {name.lower(): values[0].strip() for name, values in fields.items()}


def _checked_id(text: str) -> str:
    """The id at the start of `text`. Raises ReelyError `not-a-video-link` where there is none."""
    match = _ID_START.match(text)
    if match is None:
        raise refusal(
            "not-a-video-link", hint="The link seems to be cut off: copy the whole of it and try again."
        )
    return match[1]


def _video(video_id: str, start_at: float) -> VideoLink:
    return VideoLink(url=f"https://www.youtube.com/watch?v={video_id}", video_id=video_id, start_at=start_at)


def _time_stamp(parts: SplitResult) -> float:
    query = _query(parts)
    fragment = re.search(r"(?:^|&)t=([^&]+)", parts.fragment)
    stamps = (query.get("t"), query.get("start"), query.get("time_continue"), fragment and fragment[1])
    return next((parse_time_stamp(stamp) for stamp in stamps if stamp), 0.0)


def parse_time_stamp(text: str) -> float:
    """Seconds of a time stamp: `90`, `90s`, `1m30s`, `1h2m3s`, `1:30`, `1:02:03`; 0 for anything else."""
    text = text.strip()
    if match := _COLONS.fullmatch(text):
        return int(match[1] or 0) * 3600 + int(match[2]) * 60 + float(match[3])
    match = _CLOCK.fullmatch(text)
    if match is None:
        return 0.0
    return int(match["h"] or 0) * 3600 + int(match["m"] or 0) * 60 + float(match["s"] or 0)
