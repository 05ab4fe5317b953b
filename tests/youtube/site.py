"""Which answer belongs to which address of the stand-in, with no knowledge of sockets."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs

from tests.youtube.catalogue import LIVE, VIDEOS, Video
from tests.youtube.challenge import PLAYER_PATHS, PLAYER_SCRIPT, Signer
from tests.youtube.media import Media
from tests.youtube.pages import WEB_CLIENT, Pages, bare_page, iframe_api
from tests.youtube.playlists import playlist_answer
from tests.youtube.repetition import Stream, streams_of
from tests.youtube.storyboards import Pictures
from tests.youtube.timedtext import timedtext

HOSTS = (
    "youtube.com",
    "*.youtube.com",
    "youtube-nocookie.com",
    "*.youtube-nocookie.com",
    "youtu.be",
    "*.googlevideo.com",
    "*.ytimg.com",
)
"""Every host the stand-in answers for; `*` is one label."""


def answers_for(host: str) -> bool:
    """Whether `host` is one of ours."""
    return any(
        re.fullmatch(pattern.replace(".", r"\.").replace("*", "[a-z0-9-]+"), host.lower())
        for pattern in HOSTS
    )


class Kind(StrEnum):
    """What a request is for."""

    PAGE = "page"
    API = "api"
    SCRIPT = "script"
    CAPTIONS = "captions"
    IMAGE = "image"
    MANIFEST = "manifest"
    MEDIA = "media"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Asked:
    """A request: `path` without its query, `query` as it came, and the body of a POST."""

    host: str
    path: str
    query: str = ""
    body: bytes = b""

    def first(self, name: str, default: str = "") -> str:
        return parse_qs(self.query).get(name, [default])[0]


@dataclass(frozen=True)
class Answer:
    """A response before it meets the wire. `body` is bytes, or media of which ranges may be asked."""

    kind: Kind
    status: int = 200
    content_type: str = "text/html; charset=utf-8"
    body: bytes | Stream = b""
    headers: dict[str, str] = field(default_factory=dict)
    video_id: str | None = None
    itag: int | None = None


class Site:
    """YouTube's hosts as one function from request to answer."""

    def __init__(self, media: Media) -> None:
        self.signer = Signer()
        self._known: dict[tuple[int, tuple[int, ...]], dict[int, Stream]] = {}
        self._lock = threading.Lock()
        self._media = media
        self._pages = Pages(self._streams, self.signer)
        self._pictures = Pictures(media)
        self._routes: tuple[tuple[str, Callable[[Asked, re.Match[str]], Answer]], ...] = (
            (r"[^/]+\.googlevideo\.com/videoplayback", self._videoplayback),
            (r"manifest\.googlevideo\.com/api/manifest/hls_variant/.*", self._live_manifest),
            (
                r"[^/]+\.ytimg\.com/sb/(?P<id>[\w-]{11})/storyboard3_L(?P<level>\d)/(?P<name>\w+)\.jpg",
                self._sheet,
            ),
            (
                r"[^/]+\.ytimg\.com/vi(?:_webp)?/(?P<id>[\w-]{11})/(?P<name>\w+)\.(?P<kind>\w+)",
                self._thumbnail,
            ),
            (r"youtu\.be/(?P<id>[\w-]{11})", self._short_link),
            (r"[^/]*youtube[^/]*/watch", self._watch),
            (r"[^/]*youtube[^/]*/(?:shorts|live|v)/(?P<id>[\w-]{11})", self._watch),
            (r"[^/]*youtube[^/]*/embed/(?P<id>[\w-]{11})", self._embed),
            (r"[^/]*youtube[^/]*/(?:tv)?", self._front_page),
            (r"[^/]*youtube[^/]*/playlist", self._playlist),
            (r"[^/]*youtube[^/]*/iframe_api", self._iframe_api),
            (r"[^/]*youtube[^/]*(?P<path>/s/player/.*)", self._player_script),
            (r"[^/]*youtube[^/]*/api/timedtext", self._timedtext),
            (r"[^/]*youtube[^/]*/youtubei/v1/player", self._api_player),
            (r"[^/]*youtube[^/]*/youtubei/v1/next", self._api_next),
            (r"[^/]*youtube[^/]*/youtubei/v1/browse", self._api_browse),
        )

    def _streams(self, video: Video) -> dict[int, Stream]:
        key = (video.seconds, video.itags)
        with self._lock:
            if key not in self._known:
                self._known[key] = streams_of(self._media, *key)
            return self._known[key]

    def answer(self, asked: Asked) -> Answer:
        """The answer of a site in good health; 404 for everything it does not know."""
        for pattern, route in self._routes:
            if match := re.fullmatch(pattern, asked.host.lower() + asked.path):
                return route(asked, match)
        return _missing(Kind.UNKNOWN)

    def _videoplayback(self, asked: Asked, _match: re.Match[str]) -> Answer:
        address = self.signer.check(asked.query)
        if address is None:
            return Answer(Kind.MEDIA, 403, "text/plain", video_id=asked.first("id"), itag=_itag(asked))
        stream = self._streams(VIDEOS[address.video_id]).get(address.itag)
        if stream is None:
            return _missing(Kind.MEDIA)
        return Answer(
            Kind.MEDIA,
            content_type=stream.format.mime.split(";")[0],
            body=stream,
            video_id=address.video_id,
            itag=address.itag,
        )

    def _live_manifest(self, _asked: Asked, _match: re.Match[str]) -> Answer:
        lines = ["#EXTM3U", "#EXT-X-INDEPENDENT-SEGMENTS"]
        for itag, width, height, rate in ((93, 640, 360, 1_200_000), (95, 1280, 720, 3_000_000)):
            lines += [
                f'#EXT-X-STREAM-INF:BANDWIDTH={rate},CODECS="avc1.4D401F,mp4a.40.2",RESOLUTION={width}x{height}',
                f"https://manifest.googlevideo.com/api/manifest/hls_playlist/id/{LIVE.id}.1/itag/{itag}/index.m3u8",
            ]
        return _text(Kind.MANIFEST, "\n".join(lines) + "\n", "application/vnd.apple.mpegurl")

    def _sheet(self, _asked: Asked, match: re.Match[str]) -> Answer:
        video = VIDEOS.get(match["id"])
        if video is None:
            return _missing(Kind.IMAGE)
        return _image(self._pictures.sheet(video, int(match["level"]), match["name"]), "jpg", video.id)

    def _thumbnail(self, _asked: Asked, match: re.Match[str]) -> Answer:
        if match["id"] not in VIDEOS:
            return _missing(Kind.IMAGE)
        return _image(self._pictures.thumbnail(match["name"], match["kind"]), match["kind"], match["id"])

    def _short_link(self, asked: Asked, match: re.Match[str]) -> Answer:
        rest = f"&{asked.query}" if asked.query else ""
        target = f"https://www.youtube.com/watch?v={match['id']}{rest}"
        return Answer(Kind.PAGE, 303, headers={"Location": target}, video_id=match["id"])

    def _watch(self, asked: Asked, match: re.Match[str]) -> Answer:
        video_id = match.groupdict().get("id") or asked.first("v")
        page = self._pages.watch(VIDEOS.get(video_id), video_id, asked.first("list"))
        return _text(Kind.PAGE, page, video_id=video_id)

    def _embed(self, _asked: Asked, match: re.Match[str]) -> Answer:
        return _text(Kind.PAGE, bare_page(client="WEB_EMBEDDED_PLAYER"), video_id=match["id"])

    def _front_page(self, asked: Asked, _match: re.Match[str]) -> Answer:
        by_host = {"m.youtube.com": "MWEB", "music.youtube.com": "WEB_REMIX"}
        client = "TVHTML5" if asked.path == "/tv" else by_host.get(asked.host, WEB_CLIENT)
        return _text(Kind.PAGE, bare_page(client=client))

    def _playlist(self, asked: Asked, _match: re.Match[str]) -> Answer:
        return _text(Kind.PAGE, bare_page(playlist_answer(asked.first("list"))))

    def _iframe_api(self, _asked: Asked, _match: re.Match[str]) -> Answer:
        return _text(Kind.SCRIPT, iframe_api(), "text/javascript")

    def _player_script(self, _asked: Asked, match: re.Match[str]) -> Answer:
        if match["path"] not in PLAYER_PATHS:
            return _missing(Kind.SCRIPT)
        return _text(Kind.SCRIPT, PLAYER_SCRIPT, "text/javascript")

    def _timedtext(self, asked: Asked, _match: re.Match[str]) -> Answer:
        video_id, automatic = asked.first("v"), asked.first("kind") == "asr"
        video = VIDEOS.get(video_id)
        for track in video.captions if video else ():
            if track.language == asked.first("lang") and track.automatic == automatic:
                written = timedtext(track, asked.first("fmt", "srv1"), asked.first("tlang") or None)
                if written:
                    content_type, text = written
                    return _text(Kind.CAPTIONS, text, content_type, video_id)
        return _missing(Kind.CAPTIONS)

    def _api_player(self, asked: Asked, _match: re.Match[str]) -> Answer:
        body = _posted(asked)
        video_id = str(body.get("videoId", ""))
        client = body.get("context", {}).get("client", {}).get("clientName", WEB_CLIENT)
        return _api(self._pages.player(VIDEOS.get(video_id), video_id, client), video_id)

    def _api_next(self, asked: Asked, _match: re.Match[str]) -> Answer:
        video_id = str(_posted(asked).get("videoId", ""))
        return _api(self._pages.initial_data(VIDEOS.get(video_id)), video_id)

    def _api_browse(self, asked: Asked, _match: re.Match[str]) -> Answer:
        return _api(playlist_answer(str(_posted(asked).get("browseId", "")).removeprefix("VL")), None)


def _itag(asked: Asked) -> int | None:
    told = asked.first("itag")
    return int(told) if told.isdigit() else None


def _posted(asked: Asked) -> dict[str, Any]:
    body = json.loads(asked.body or b"{}")
    return body if isinstance(body, dict) else {}


def _missing(kind: Kind) -> Answer:
    return Answer(kind, 404, "text/plain", b"Not found")


def _text(
    kind: Kind, text: str, content_type: str = "text/html; charset=utf-8", video_id: str | None = None
) -> Answer:
    return Answer(kind, 200, content_type, text.encode(), video_id=video_id)


def _api(value: dict[str, Any], video_id: str | None) -> Answer:
    return _text(Kind.API, json.dumps(value), "application/json; charset=UTF-8", video_id)


def _image(picture: bytes | None, kind: str, video_id: str) -> Answer:
    if picture is None:
        return _missing(Kind.IMAGE)
    content_type = "image/webp" if kind == "webp" else "image/jpeg"
    return Answer(Kind.IMAGE, 200, content_type, picture, video_id=video_id)
