"""What a person pastes is understood in every form, and nothing else gets through."""

from __future__ import annotations

import ipaddress
import string
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from desktop.errors import ReelyError
from desktop.source.links import FilePath, VideoLink, parse_source, parse_time_stamp
from desktop.source.refusals import REFUSALS

ID = "dQw4w9WgXcQ"
CANONICAL = f"https://www.youtube.com/watch?v={ID}"

YOUTUBE_FORMS = (
    f"https://www.youtube.com/watch?v={ID}",
    f"http://www.youtube.com/watch?v={ID}",
    f"HTTPS://WWW.YOUTUBE.COM/watch?v={ID}",
    f"www.youtube.com/watch?v={ID}",
    f"youtube.com/watch?v={ID}",
    f"//www.youtube.com/watch?v={ID}",
    f"https://www.youtube.com:443/watch?v={ID}",
    f"https://www.youtube.com./watch?v={ID}",
    f"https://m.youtube.com/watch?v={ID}&feature=youtu.be",
    f"https://music.youtube.com/watch?v={ID}&list=RDAMVM{ID}",
    f"https://gaming.youtube.com/watch?v={ID}",
    f"https://www.youtubekids.com/watch?v={ID}",
    f"https://www.youtube.com/watch?list=PL123&index=4&v={ID}&start_radio=1&pp=abc",
    f"https://www.youtube.com/watch?app=desktop&amp;v={ID}",
    f"https://www.youtube.com/watch/{ID}",
    f"https://www.youtube.com/watch_popup?v={ID}",
    f"https://www.youtube.com/?v={ID}",
    f"https://youtu.be/{ID}",
    f"https://youtu.be/{ID}?si=AbCdEfGhIjKlMnOp",
    f"https://youtu.be/{ID}?feature=shared",
    f"https://youtu.be/{ID}&feature=share",
    f"youtu.be/{ID}",
    f"https://www.youtu.be/{ID}/",
    f"https://youtu.be/shorts/{ID}",
    f"https://www.youtube.com/shorts/{ID}?feature=share",
    f"https://www.youtube.com/live/{ID}?si=x",
    f"https://www.youtube.com/embed/{ID}?rel=0&autoplay=1",
    f"https://www.youtube-nocookie.com/embed/{ID}",
    f"https://www.youtube.com/v/{ID}?version=3",
    f"https://www.youtube.com/vi/{ID}",
    f"https://www.youtube.com/e/{ID}",
    f"https://youtube.googleapis.com/v/{ID}",
    f"https://www.youtube.com/attribution_link?a=x&u=%2Fwatch%3Fv%3D{ID}%26feature%3Dshare",
    f"https://www.youtube.com/redirect?event=x&q=https%3A%2F%2Fyoutu.be%2F{ID}",
    f"https://www.youtube.com/signin?next=%2Fwatch%3Fv%3D{ID}",
    f"https://www.youtube.com/oembed?url=https%3A%2F%2Fyoutu.be%2F{ID}&format=json",
    f"https://consent.youtube.com/m?continue=https%3A%2F%2Fwww.youtube.com%2Fwatch%3Fv%3D{ID}&gl=DE",
    f"https://accounts.google.com/ServiceLogin?continue=https%3A%2F%2Fwww.youtube.com%2Fsignin%3Fnext%3D%252Fwatch%253Fv%253D{ID}",
    f"https://www.google.com/url?sa=t&q=https://www.youtube.com/watch%3Fv%3D{ID}&usg=x",
    f"https://l.facebook.com/l.php?u=https%3A%2F%2Fyoutu.be%2F{ID}&h=x",
    ID,
    f"  {ID}\n",
    f'"{CANONICAL}"',
    f"“{CANONICAL}”",
    f"<{CANONICAL}>",
    f"({CANONICAL})",
    f"[a song]({CANONICAL})",
    f"**{CANONICAL}**",
    f"Look at this: {CANONICAL}, it is great!",
    f"Seen at https://example.com/page and then {CANONICAL}.",
    f"did you see youtu.be/{ID}?",
    f"\u200b{CANONICAL}\ufeff",
    f"{CANONICAL}\nSent from my phone",
    f"{CANONICAL}#comments",
    f'<a href="{CANONICAL}">a song</a>',
    f"https:\\\\www.youtube.com/watch?v={ID}".replace("\\\\", "//"),
)


@pytest.mark.parametrize("text", YOUTUBE_FORMS)
def test_every_form_of_a_youtube_link_is_the_same_video(text: str) -> None:
    assert parse_source(text) == VideoLink(url=CANONICAL, video_id=ID)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("t=90", 90),
        ("t=90s", 90),
        ("t=1m30s", 90),
        ("t=1M30S", 90),
        ("t=1h2m3s", 3723),
        ("t=2h", 7200),
        ("t=0", 0),
        ("t=12.5", 12.5),
        ("t=1:30", 90),
        ("t=1:02:03", 3723),
        ("start=90", 90),
        ("time_continue=7", 7),
        ("t=", 0),
        ("t=soon", 0),
        ("t=-5", 0),
        ("t=1e9", 0),
        ("t=inf", 0),
        ("t=nan", 0),
        ("t=٣", 0),
        ("t=" + "9" * 400, 0),
    ],
)
def test_time_stamps_set_the_start(written: str, seconds: float) -> None:
    for link in (f"{CANONICAL}&{written}", f"https://youtu.be/{ID}?si=x&{written}"):
        assert parse_source(link) == VideoLink(url=CANONICAL, video_id=ID, start_at=seconds)


def test_a_time_stamp_in_the_fragment_counts_too() -> None:
    assert parse_source(f"{CANONICAL}#t=1m5s") == VideoLink(url=CANONICAL, video_id=ID, start_at=65)
    assert parse_source("https://example.com/film.mp4#t=9") == VideoLink(
        url="https://example.com/film.mp4", start_at=9
    )


REFUSED = {
    "nothing-pasted": ("", "   ", "\n\t"),
    "playlist-link": (
        "https://www.youtube.com/playlist?list=PL590L5WQmH8fJ54F369BLDSqIwcs-TCfs",
        "https://www.youtube.com/watch?list=PL123",
        "https://www.youtube.com/embed/videoseries?list=PL123",
        "https://www.youtube.com/watch_videos?video_ids=a,b",
        "https://youtu.be/?list=PL123",
        "https://music.youtube.com/playlist?list=OLAK5uy",
    ),
    "channel-link": (
        "https://www.youtube.com/@somebody",
        "youtube.com/@somebody/videos",
        "https://www.youtube.com/channel/UCuAXFkgsw1L7xaCfnd5JJOw",
        "https://www.youtube.com/c/somebody",
        "https://www.youtube.com/user/somebody",
        "https://www.youtube.com/embed/live_stream?channel=UC123",
    ),
    "private-address": (
        "http://localhost/video",
        "http://localhost:8080/a.mp4",
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://0/",
        "http://10.0.0.8/video.mp4",
        "http://192.168.1.1/",
        "http://169.254.169.254/latest/meta-data",
        "http://[::1]/",
        "http://[fe80::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://router/",
        "http://nas.local/film.mp4",
        "http://wiki.corp/",
        "http://metadata.google.internal/",
        "https://www.youtube.com/redirect?q=http%3A%2F%2F127.0.0.1%2F",
    ),
    "not-a-video-link": (
        "hello",
        "interesting",  # eleven letters are not yet an id
        "Screenshots",
        "hello world, how are you",
        "javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "ftp://example.com/film.mp4",
        "magnet:?xt=urn:btih:c12fe1c06bba254a9dc9f519b335aa7c1367a88a",
        "ytsearch5:cats",
        "https://",
        "https:///watch?v=dQw4w9WgXcQ",
        "https://www.youtube.com/",
        "https://www.youtube.com/watch",
        "https://www.youtube.com/watch?v=dQw4w9",
        "https://www.youtube.com/watch?v=dQw4w9WgXcQQ",
        "https://youtu.be/",
        "https://www.youtube.com/feed/subscriptions",
        "https://www.youtube.com/results?search_query=cats",
        "https://www.youtube.com/clip/UgkxU2HSeGL_NvmDJ-nQJrlLwllwMDBdGZFs",
        "https://user:password@example.com/film.mp4",
        "https://www.youtube.com@example.com/watch?v=dQw4w9WgXcQ",
        "https://youtube.com\\@example.com/watch?v=dQw4w9WgXcQ",
        "https://example.com:99999/",
        "http://[::1",
        "https://example.com/\ud800",
        "a" * 20_000,
        "https://www.youtube.com/watch?" + "&".join(f"a{n}=1" for n in range(500)),
        "file://",
        "file:///%00",
    ),
    "several-files": ("file:///home/me/a.mp4\r\nfile:///home/me/b.mp4\r\n",),
}


@pytest.mark.parametrize(
    ("code", "text"), [(code, text) for code, texts in REFUSED.items() for text in texts]
)
def test_what_is_no_video_is_refused_with_its_own_code(code: str, text: str) -> None:
    with pytest.raises(ReelyError) as caught:
        parse_source(text)
    assert caught.value.code == code
    assert caught.value.hint


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://vimeo.com/76979871", "https://vimeo.com/76979871"),
        ("vimeo.com/76979871", "https://vimeo.com/76979871"),
        ("twitch.tv/videos/123", "https://twitch.tv/videos/123"),
        ("http://example.com:8080/a.mp4?x=1#part", "http://example.com:8080/a.mp4?x=1#part"),
        ("https://EXAMPLE.com:443", "https://example.com/"),
        ("https://example.com/film.mp4", "https://example.com/film.mp4"),
        ("https://bücher.example/ü b".replace(" ", "%20"), "https://xn--bcher-kva.example/%C3%BC%20b"),
        ("https://youtubе.com/watch?v=dQw4w9WgXcQ", "https://xn--youtub-8of.com/watch?v=dQw4w9WgXcQ"),
        ("https://8.8.8.8/a.mp4", "https://8.8.8.8/a.mp4"),
        ("https://[2606:4700::1111]/a.mp4", "https://[2606:4700::1111]/a.mp4"),
    ],
)
def test_links_of_other_sites_are_passed_on(text: str, url: str) -> None:
    assert parse_source(text) == VideoLink(url=url)


def test_a_fragment_cannot_give_yt_dlp_orders() -> None:
    hostile = "https://example.com/page#__youtubedl_smuggle=%7B%22to_generic%22%3A+true%7D"
    assert parse_source(hostile) == VideoLink(url="https://example.com/page")


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("/home/me/my film.mp4", "/home/me/my film.mp4"),
        ("~/film.mkv", "~/film.mkv"),
        ("./film", "./film"),
        ("../film.mp4", "../film.mp4"),
        ('"/home/me/my film.mp4"', "/home/me/my film.mp4"),
        ("'/home/me/film.mp4'\n", "/home/me/film.mp4"),
        ("C:\\Users\\me\\film.mp4", "C:\\Users\\me\\film.mp4"),
        ('"C:/Users/me/my film.mp4"', "C:/Users/me/my film.mp4"),
        ("\\\\server\\share\\film.mp4", "\\\\server\\share\\film.mp4"),
        ("film.mp4", "film.mp4"),
        ("my film.MOV", "my film.MOV"),
        ("folder/film.webm", "folder/film.webm"),
        ("file:///home/me/my%20film.mp4", "/home/me/my film.mp4"),
        ("file://localhost/home/me/film.mp4", "/home/me/film.mp4"),
        ("file:/home/me/film.mp4", "/home/me/film.mp4"),
        ("FILE:///home/me/film.mp4", "/home/me/film.mp4"),
        ("file:///C:/Users/me/film.mp4", "C:/Users/me/film.mp4"),
        ("file:///home/me/what%3F%23.mp4", "/home/me/what?#.mp4"),
        ("file:///home/me/what?#.mp4", "/home/me/what?#.mp4"),
        ("file:///home/me/film.mp4\r\n", "/home/me/film.mp4"),
        ("file://server/share/film.mp4", "//server/share/film.mp4"),
    ],
)
def test_files_are_known_in_every_form(text: str, path: str) -> None:
    assert parse_source(text) == FilePath(path=Path(path))


def test_a_bare_word_is_a_file_if_there_is_one() -> None:
    for word in ("recording", ID, "example.com"):
        assert parse_source(word, exists=Path(word).__eq__) == FilePath(path=Path(word))
    assert parse_source(ID, exists=lambda _path: False) == VideoLink(url=CANONICAL, video_id=ID)


ids = st.text(string.ascii_letters + string.digits + "_-", min_size=11, max_size=11).filter(
    lambda word: word not in {"videoseries", "live_stream"}  # YouTube's own words in the place of an id
)
hosts = st.sampled_from(["www.youtube.com", "youtube.com", "m.youtube.com", "music.youtube.com"])
clocks = st.builds(
    lambda h, m, s: (f"{h}h{m}m{s}s", h * 3600 + m * 60 + s),
    st.integers(0, 99),
    st.integers(0, 59),
    st.integers(0, 59),
)


@st.composite
def youtube_links(draw: st.DrawFn) -> tuple[str, str, float]:
    """A link in a random form, its id, and its time stamp."""
    video_id, host = draw(ids), draw(hosts)
    stamp, seconds = draw(clocks)
    extras = draw(st.lists(st.sampled_from(["si=aB-c_1", "feature=share", "list=PLx", "index=2", "pp=x"])))
    fields = draw(st.permutations([*extras, f"t={stamp}"]))
    query = "&".join(fields)
    form = draw(
        st.sampled_from(
            [
                f"https://{host}/watch?v={video_id}&{query}",
                f"https://{host}/watch?{query}&v={video_id}",
                f"{host}/watch?v={video_id}&{query}",
                f"https://youtu.be/{video_id}?{query}",
                f"https://{host}/shorts/{video_id}?{query}",
                f"https://{host}/live/{video_id}?{query}",
                f"https://{host}/embed/{video_id}?{query}",
            ]
        )
    )
    return form, video_id, float(seconds)


@pytest.mark.parametrize("text", ["watch?t=1&v=0123456789_", "watch?v=_123456789_&t=1", "shorts/---------__"])
def test_an_id_may_end_in_a_sign_that_also_marks_emphasis(text: str) -> None:
    for written in (f"https://www.youtube.com/{text}", f"_https://www.youtube.com/{text}_"):
        found = parse_source(written)
        assert isinstance(found, VideoLink)
        assert found.video_id is not None
        assert found.video_id in text
        assert found.video_id.endswith("_")


@given(youtube_links())
def test_any_id_in_any_form_comes_out_as_itself(link: tuple[str, str, float]) -> None:
    text, video_id, seconds = link
    expected = f"https://www.youtube.com/watch?v={video_id}"
    assert parse_source(text) == VideoLink(url=expected, video_id=video_id, start_at=seconds)


@given(youtube_links(), st.text("abc xyz\n,.!?", max_size=30), st.text("abc xyz\n,.!?", max_size=30))
def test_words_around_a_link_do_not_matter(link: tuple[str, str, float], before: str, after: str) -> None:
    text, video_id, _seconds = link
    found = parse_source(f"{before} {text} {after}")
    assert isinstance(found, VideoLink)
    assert found.video_id == video_id


def _understood(text: str) -> FilePath | VideoLink | ReelyError:
    try:
        return parse_source(text)
    except ReelyError as error:
        return error


@given(st.text(max_size=300) | st.text("htps:/.@\\#?&=%[]0123456789youtbecmvwa", max_size=80))
@example("https://[")
@example("http://[::1%25eth0]/")
@example("https://example.com:port/")
@example("https://ａ.example/\ud800")
def test_any_text_is_understood_or_refused_in_words(text: str) -> None:
    found = _understood(text)
    if isinstance(found, ReelyError):
        assert found.code in REFUSALS
    elif isinstance(found, VideoLink):
        assert found.url.startswith(("https://", "http://"))
        assert found.url.isascii()
        assert not any(char.isspace() for char in found.url)
        # What came out goes in again as it is.
        assert parse_source(found.url) == found.model_copy(update={"start_at": 0.0})


@given(st.ip_addresses().filter(lambda address: not address.is_global), st.sampled_from([0, 1, 2, 3]))
def test_no_address_that_is_not_public_gets_through(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address, spelling: int
) -> None:
    if isinstance(address, ipaddress.IPv4Address):
        host = [str(address), str(int(address)), hex(int(address)), f"[::ffff:{address}]"][spelling]
    else:
        host = [f"[{address}]", f"[{address.exploded}]", f"[{address.compressed.upper()}]", f"[{address}]"][
            spelling
        ]
    with pytest.raises(ReelyError) as caught:
        parse_source(f"http://{host}/film.mp4")
    assert caught.value.code == "private-address"


@given(st.text(max_size=40))
def test_a_time_stamp_is_never_negative_or_endless(text: str) -> None:
    assert 0 <= parse_time_stamp(text) < 1e9
