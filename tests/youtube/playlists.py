"""What the stand-in says about its playlist."""

from __future__ import annotations

from typing import Any

from tests.youtube.catalogue import PLAYLIST, PLAYLIST_ID, Video


def playlist_answer(playlist_id: str) -> dict[str, Any]:
    """The answer of `youtubei/v1/browse` for a playlist, which is also its page's `ytInitialData`."""
    if playlist_id != PLAYLIST_ID:
        return {
            "alerts": [
                {
                    "alertRenderer": {
                        "type": "ERROR",
                        "text": {"simpleText": "The playlist does not exist."},
                    }
                }
            ]
        }
    videos = {
        "playlistVideoListRenderer": {
            "playlistId": playlist_id,
            "contents": [_entry(video, place) for place, video in enumerate(PLAYLIST, 1)],
        }
    }
    section = {"itemSectionRenderer": {"contents": [videos]}}
    tab = {"tabRenderer": {"selected": True, "content": {"sectionListRenderer": {"contents": [section]}}}}
    return {
        "responseContext": {"visitorData": "CgtSZWVseVRlc3RzMQ%3D%3D"},
        "contents": {"twoColumnBrowseResultsRenderer": {"tabs": [tab]}},
        "metadata": {"playlistMetadataRenderer": {"title": "Three recordings"}},
        "header": {"playlistHeaderRenderer": {"playlistId": playlist_id}},
    }


def playlist_panel(playlist_id: str) -> dict[str, Any]:
    """The panel beside a video that is watched as part of a playlist."""
    address = {"webCommandMetadata": {"url": f"/playlist?list={playlist_id}"}}
    return {
        "playlist": {
            "playlistId": playlist_id,
            "title": "Three recordings",
            "endpoint": {"commandMetadata": address},
            "contents": [{"playlistPanelVideoRenderer": {"videoId": video.id}} for video in PLAYLIST],
        }
    }


def _entry(video: Video, place: int) -> dict[str, Any]:
    return {
        "playlistVideoRenderer": {
            "videoId": video.id,
            "title": {"runs": [{"text": video.title}]},
            "index": {"simpleText": str(place)},
            "lengthSeconds": str(video.seconds),
            "isPlayable": True,
            "shortBylineText": {"runs": [{"text": video.channel}]},
        }
    }
