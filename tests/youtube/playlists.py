"""The playlist page and its API answer."""

from __future__ import annotations

import json
from typing import Any

from tests.youtube.catalogue import PLAYLIST, PLAYLIST_ID, Video
from tests.youtube.pages import configuration_script


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


def playlist_page(playlist_id: str) -> str:
    """The page `/playlist?list=…`."""
    data = json.dumps(playlist_answer(playlist_id)).replace("<", "\\u003c")
    return (
        f"<!DOCTYPE html><html><head>{configuration_script()}</head>"
        f"<body><script>var ytInitialData = {data};</script></body></html>"
    )


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
