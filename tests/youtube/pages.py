"""What the stand-in says about a video: player responses, initial data, and the pages that carry them."""

from __future__ import annotations

import datetime as dt
import html
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from tests.youtube.catalogue import PLAYLIST_ID, UNAVAILABLE, Airing, Refusal, Video
from tests.youtube.challenge import LIFETIME, PLAYER_ID, PLAYER_PATHS, SIGNATURE_TIMESTAMP, Signer, media_host
from tests.youtube.media import FPS
from tests.youtube.playlists import playlist_panel
from tests.youtube.repetition import Stream
from tests.youtube.storyboards import storyboard_spec

Json = dict[str, Any]

WEB_CLIENT = "WEB"
# Innertube's name of a client, its number and a version.
_CLIENTS = {
    WEB_CLIENT: (1, "2.20261101.00.00"),
    "MWEB": (2, "2.20261101.00.00"),
    "TVHTML5": (7, "7.20261101.00.00"),
    "WEB_EMBEDDED_PLAYER": (56, "2.20261101.00.00"),
    "WEB_REMIX": (67, "1.20261101.00.00"),
}
# Clients that are told addresses as they are; all others have to run the player script.
_SCRIPTLESS_CLIENTS = ("VISIONOS", "IOS", "ANDROID", "ANDROID_VR")
_QUALITY = {240: "small", 360: "medium", 480: "large", 720: "hd720", 1080: "hd1080"}
_UPCOMING_IN = dt.timedelta(hours=2)


class Pages:
    """Writes pages and API answers for the catalogue's videos, with the `streams` they have,

    whose addresses `signer` signs."""

    def __init__(self, streams: Callable[[Video], dict[int, Stream]], signer: Signer) -> None:
        self._streams = streams
        self._signer = signer

    def player(self, video: Video | None, video_id: str, client: str) -> Json:
        """The answer of `youtubei/v1/player` to `client` (an Innertube client name such as `TVHTML5`)."""
        refusal = UNAVAILABLE if video is None else video.refusal
        if refusal is not None and client == "WEB_EMBEDDED_PLAYER":
            refusal = Refusal(refusal.named, "UNPLAYABLE", "Video unavailable", refusal.subreason)
        answer: Json = {
            "responseContext": {"visitorData": "CgtSZWVseVRlc3RzMQ%3D%3D"},
            "playabilityStatus": _playability(refusal),
        }
        # Where the site hides a video altogether, it does not say its name either.
        if video is None or not video.title:
            return answer
        answer["videoDetails"] = _video_details(video)
        if client == WEB_CLIENT:
            answer["microformat"] = {"playerMicroformatRenderer": _microformat(video)}
        if refusal is not None:
            return answer
        answer["streamingData"] = self._streaming_data(video, client)
        if video.airing is not Airing.LIVE:
            answer["storyboards"] = {"playerStoryboardSpecRenderer": {"spec": storyboard_spec(video)}}
        if video.captions:
            answer["captions"] = {"playerCaptionsTracklistRenderer": _caption_tracks(video, client)}
        return answer

    def _streaming_data(self, video: Video, client: str) -> Json:
        data: Json = {"expiresInSeconds": str(LIFETIME)}
        if video.airing is Airing.LIVE:
            data["hlsManifestUrl"] = (
                f"https://manifest.googlevideo.com/api/manifest/hls_variant/id/{video.id}.1/file/index.m3u8"
            )
            return data
        streams = self._streams(video).values()
        data["formats"] = [self._format(video, one, client) for one in streams if one.init_range is None]
        data["adaptiveFormats"] = [self._format(video, one, client) for one in streams if one.init_range]
        if client == WEB_CLIENT:
            data["serverAbrStreamingUrl"] = (
                f"https://{media_host(video.id)}/videoplayback?sabr=1&id={video.id}"
            )
        return data

    def _format(self, video: Video, stream: Stream, client: str) -> Json:
        form = stream.format
        told: Json = {
            "itag": form.itag,
            "mimeType": form.mime,
            "bitrate": round(stream.bit_rate * 1.3),
            "averageBitrate": stream.bit_rate,
            "contentLength": str(stream.size),
            "approxDurationMs": str(round(stream.seconds * 1000)),
            "lastModified": "1700000000000000",
            "projectionType": "RECTANGULAR",
        }
        if form.width:
            told |= {
                "width": form.width,
                "height": form.height,
                "fps": FPS,
                "quality": _QUALITY[form.height],
                "qualityLabel": f"{form.height}p",
            }
        if form.audio_rate:
            told |= {
                "audioQuality": "AUDIO_QUALITY_MEDIUM",
                "audioSampleRate": str(form.audio_rate),
                "audioChannels": 2,
            }
        if form.kind == "audio":
            told["quality"] = "tiny"
        if stream.init_range and stream.index_range:
            told["initRange"] = _range(stream.init_range)
            told["indexRange"] = _range(stream.index_range)
        if client == WEB_CLIENT and form.kind != "muxed":
            return told  # The web player gets these over its own protocol only, so there is no address.
        fields = {
            "mime": form.mime.split(";")[0],
            "clen": str(stream.size),
            "dur": f"{stream.seconds:.3f}",
            "c": client,
        }
        if client in _SCRIPTLESS_CLIENTS:
            told["url"] = self._signer.sign(video.id, form.itag, fields)
        else:
            told["signatureCipher"] = self._signer.sign_for_player(video.id, form.itag, fields)
        return told

    def initial_data(self, video: Video | None) -> Json:
        """The answer of `youtubei/v1/next`, which is also the watch page's `ytInitialData`."""
        data: Json = {
            "responseContext": {"visitorData": "CgtSZWVseVRlc3RzMQ%3D%3D"},
            "contents": {"twoColumnWatchNextResults": {"results": {"results": {"contents": []}}}},
        }
        if video is None or not video.title:
            return data
        data["contents"]["twoColumnWatchNextResults"]["results"]["results"]["contents"] = [
            {"videoPrimaryInfoRenderer": {"title": {"runs": [{"text": video.title}]}}},
            {"videoSecondaryInfoRenderer": {"owner": {"videoOwnerRenderer": _owner(video)}}},
        ]
        if video.refusal or video.airing is Airing.LIVE:
            return data
        if video.chapters:
            data["playerOverlays"] = {"playerOverlayRenderer": _chapters(video)}
        if video.heatmap:
            data["frameworkUpdates"] = {"entityBatchUpdate": {"mutations": [_heatmap(video)]}}
        return data

    def watch(self, video: Video | None, video_id: str, playlist_id: str = "") -> str:
        """The watch page; with the panel of its playlist, where the address names one that exists."""
        title = html.escape(video.title if video else "YouTube")
        player = _script_json(self.player(video, video_id, WEB_CLIENT))
        initial_data = self.initial_data(video)
        if playlist_id == PLAYLIST_ID:
            initial_data["contents"]["twoColumnWatchNextResults"]["playlist"] = playlist_panel(playlist_id)
        data = _script_json(initial_data)
        return (
            "<!DOCTYPE html><html lang=en><head><meta charset=utf-8>"
            f"<title>{title} - YouTube</title>{_configuration(WEB_CLIENT)}</head><body>"
            f"<script>var ytInitialPlayerResponse = {player};</script>"
            f"<script>var ytInitialData = {data};</script></body></html>"
        )


def bare_page(data: Json | None = None, client: str = WEB_CLIENT) -> str:
    """A page with the configuration of `client`, and `ytInitialData` where it has any."""
    script = f"<script>var ytInitialData = {_script_json(data)};</script>" if data else ""
    return f"<!DOCTYPE html><html><head>{_configuration(client)}</head><body>{script}</body></html>"


def _configuration(client: str) -> str:
    """The `ytcfg` that every page carries."""
    number, version = _CLIENTS[client]
    configuration = {
        "INNERTUBE_API_KEY": "reely-tests",
        "INNERTUBE_CLIENT_NAME": client,
        "INNERTUBE_CLIENT_VERSION": version,
        "INNERTUBE_CONTEXT_CLIENT_NAME": number,
        "INNERTUBE_CONTEXT": {
            "client": {
                "clientName": client,
                "clientVersion": version,
                "hl": "en",
                "gl": "US",
                "visitorData": "CgtSZWVseVRlc3RzMQ%3D%3D",
            }
        },
        "VISITOR_DATA": "CgtSZWVseVRlc3RzMQ%3D%3D",
        "STS": SIGNATURE_TIMESTAMP,
        "PLAYER_JS_URL": PLAYER_PATHS[0],
        "LOGGED_IN": False,
    }
    return f"<script>ytcfg.set({_script_json(configuration)});</script>"


def iframe_api() -> str:
    """The embed script, from which a client may learn the player's id."""
    return f'var scriptUrl = "https://www.youtube.com/s/player/{PLAYER_ID}/www-widgetapi.vflset/www-widgetapi.js";'


def _script_json(value: Json) -> str:
    """JSON that cannot end the script element it stands in."""
    text = json.dumps(value, ensure_ascii=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e")


def _range(first_last: tuple[int, int]) -> Json:
    return {"start": str(first_last[0]), "end": str(first_last[1])}


def _playability(refusal: Refusal | None) -> Json:
    if refusal is None:
        return {"status": "OK", "playableInEmbed": True}
    told: Json = {"status": refusal.status, "reason": refusal.reason}
    if refusal.subreason:
        told["errorScreen"] = {
            "playerErrorMessageRenderer": {
                "reason": {"simpleText": refusal.reason},
                "subreason": {"runs": [{"text": refusal.subreason}]},
            }
        }
    return told


def _video_details(video: Video) -> Json:
    return {
        "videoId": video.id,
        "title": video.title,
        "lengthSeconds": str(0 if video.airing in (Airing.LIVE, Airing.UPCOMING) else video.seconds),
        "keywords": list(video.tags),
        "channelId": video.channel_id,
        "author": video.channel,
        "shortDescription": video.description,
        "viewCount": "123456",
        "isOwnerViewing": False,
        "isPrivate": False,
        "isLiveContent": video.airing is not Airing.RECORDED,
        **({"isLive": True} if video.airing is Airing.LIVE else {}),
        **({"isUpcoming": True} if video.airing is Airing.UPCOMING else {}),
        "thumbnail": {
            "thumbnails": [
                {"url": f"https://i.ytimg.com/vi/{video.id}/{name}.jpg", "width": width, "height": height}
                for name, width, height in (("default", 120, 90), ("hqdefault", 480, 360))
            ]
        },
    }


def _microformat(video: Video) -> Json:
    told: Json = {
        "title": {"simpleText": video.title},
        "description": {"simpleText": video.description},
        "lengthSeconds": str(video.seconds),
        "ownerProfileUrl": f"http://www.youtube.com/{video.handle}",
        "externalChannelId": video.channel_id,
        "ownerChannelName": video.channel,
        "isFamilySafe": True,
        "isUnlisted": False,
        "availableCountries": list(video.countries or ("CH", "DE", "US")),
        "category": "Education",
        "publishDate": "2026-01-02T03:04:05-08:00",
        "uploadDate": "2026-01-02T03:04:05-08:00",
        "viewCount": "123456",
    }
    now = dt.datetime.now(dt.UTC).replace(microsecond=0)
    if video.airing is Airing.LIVE:
        told["liveBroadcastDetails"] = {
            "isLiveNow": True,
            "startTimestamp": (now - dt.timedelta(hours=1)).isoformat(),
        }
    elif video.airing is Airing.AIRED:
        told["liveBroadcastDetails"] = {
            "isLiveNow": False,
            "startTimestamp": (now - dt.timedelta(hours=2)).isoformat(),
            "endTimestamp": (now - dt.timedelta(hours=2, seconds=-video.seconds)).isoformat(),
        }
    elif video.airing is Airing.UPCOMING:
        told["liveBroadcastDetails"] = {
            "isLiveNow": False,
            "startTimestamp": (now + _UPCOMING_IN).isoformat(),
        }
    return told


def _caption_tracks(video: Video, client: str) -> Json:
    tracks = []
    for track in video.captions:
        query = {
            "v": video.id,
            "lang": track.language,
            **({"kind": "asr"} if track.automatic else {"name": track.name}),
            "expire": "4102444800",
            "signature": "reely-tests",
        }
        told: Json = {
            "baseUrl": f"https://www.youtube.com/api/timedtext?{urlencode(query)}",
            "name": {"simpleText": track.name},
            "vssId": f"a.{track.language}" if track.automatic else f".{track.language}",
            "languageCode": track.language,
            "isTranslatable": True,
        }
        if track.automatic:
            told["kind"] = "asr"
        tracks.append(told)
    told = {"captionTracks": tracks}
    if client == WEB_CLIENT:
        told["translationLanguages"] = [
            {"languageCode": code, "languageName": {"simpleText": name}}
            for code, name in (("en", "English"), ("de", "German"), ("fr", "French"))
        ]
    return told


def _owner(video: Video) -> Json:
    return {
        "title": {"runs": [{"text": video.channel}]},
        "subscriberCountText": {"simpleText": "1.2K subscribers"},
        "navigationEndpoint": {
            "browseEndpoint": {"browseId": video.channel_id, "canonicalBaseUrl": f"/{video.handle}"}
        },
    }


def _chapters(video: Video) -> Json:
    chapters = [
        {"chapterRenderer": {"title": {"simpleText": title}, "timeRangeStartMillis": start * 1000}}
        for start, title in video.chapters
    ]
    bar = {"chapteredPlayerBarRenderer": {"chapters": chapters}}
    return {"decoratedPlayerBarRenderer": {"decoratedPlayerBarRenderer": {"playerBar": bar}}}


def _heatmap(video: Video) -> Json:
    length = video.seconds * 1000 / len(video.heatmap)
    markers = [
        {
            "startMillis": str(round(at * length)),
            "durationMillis": str(round((at + 1) * length) - round(at * length)),
            "intensityScoreNormalized": value,
        }
        for at, value in enumerate(video.heatmap)
    ]
    entity = {
        "key": "reely-tests-heatmap",
        "markersList": {"markerType": "MARKER_TYPE_HEATMAP", "markers": markers},
    }
    return {
        "entityKey": entity["key"],
        "type": "ENTITY_MUTATION_TYPE_REPLACE",
        "payload": {"macroMarkersListEntity": entity},
    }
