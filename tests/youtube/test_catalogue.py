"""The catalogue is one that the site could have, and everything in it has its pictures."""

from __future__ import annotations

import io
import re

import pytest
from PIL import Image

from tests.youtube import Media, catalogue
from tests.youtube.catalogue import MISSING_ID, PLAYLIST_ID, VIDEOS, Video
from tests.youtube.site import Asked, Kind, Site, answers_for


def test_ids_are_unique_and_of_the_sites_form() -> None:
    named = [each for each in vars(catalogue).values() if isinstance(each, Video)]

    assert len(VIDEOS) == len(named)
    for video_id in (*VIDEOS, MISSING_ID):
        assert re.fullmatch(r"[0-9A-Za-z_-]{11}", video_id), video_id
    assert re.fullmatch(r"PL[0-9A-Za-z_-]{10,}", PLAYLIST_ID)
    assert all(re.fullmatch(r"UC[\w-]{22}", video.channel_id) for video in VIDEOS.values())


@pytest.mark.parametrize(
    ("path", "form", "size"),
    [
        ("/vi/PlainVideo1/hqdefault.jpg", "JPEG", (480, 360)),
        ("/vi_webp/PlainVideo1/maxresdefault.webp", "WEBP", (1280, 720)),
        # 100 pictures of 48 x 27 over the whole video, on one sheet.
        ("/sb/TwoHoursVid/storyboard3_L0/default.jpg", "JPEG", (480, 270)),
        # 720 pictures, 10 s apart, 25 to a sheet: sheet 28 is the last and has the last 20.
        ("/sb/TwoHoursVid/storyboard3_L2/M28.jpg", "JPEG", (800, 360)),
    ],
)
def test_pictures_are_of_their_size(
    youtube_media: Media, path: str, form: str, size: tuple[int, int]
) -> None:
    answer = Site(youtube_media).answer(Asked("i.ytimg.com", path))

    assert (answer.kind, answer.status) == (Kind.IMAGE, 200)
    assert isinstance(answer.body, bytes)
    with Image.open(io.BytesIO(answer.body)) as picture:
        assert (picture.format, picture.size) == (form, size)


@pytest.mark.parametrize(
    ("host", "path"),
    [
        ("i.ytimg.com", "/vi/NoSuchVideo/default.jpg"),
        ("i.ytimg.com", "/vi/PlainVideo1/unheard_of.jpg"),
        ("i.ytimg.com", "/sb/PlainVideo1/storyboard3_L9/M0.jpg"),
        ("i.ytimg.com", "/sb/TwoHoursVid/storyboard3_L2/M29.jpg"),
        ("www.youtube.com", "/s/player/00000000/base.js"),
        ("www.youtube.com", "/api/timedtext"),
        ("www.youtube.com", "/no/such/page"),
    ],
)
def test_what_is_not_there_is_not_found(youtube_media: Media, host: str, path: str) -> None:
    assert Site(youtube_media).answer(Asked(host, path)).status == 404


@pytest.mark.parametrize(
    ("host", "ours"),
    [
        ("www.youtube.com", True),
        ("YouTu.be", True),
        ("rr5---sn-reely7s.googlevideo.com", True),
        ("i9.ytimg.com", True),
        ("evil-youtube.com", False),
        ("youtube.com.evil.example", False),
        ("a.b.googlevideo.com", False),
        ("localhost", False),
    ],
)
def test_only_the_sites_own_hosts_are_ours(host: str, ours: bool) -> None:
    assert answers_for(host) is ours
