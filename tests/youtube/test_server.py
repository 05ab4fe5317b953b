"""The stand-in on the wire, spoken to by requests: ranges, troubles, refusals, and a clean end."""

from __future__ import annotations

import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import pytest
import requests

from tests.youtube import Kind, Media, YouTube
from tests.youtube.catalogue import BARE, PLAIN
from tests.youtube.challenge import LIFETIME, Signer, descramble, scramble, solve_n

ITAG = 133


@pytest.fixture
def client(youtube: YouTube) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.proxies = {"http": youtube.proxy, "https": youtube.proxy}
        session.verify = str(youtube.ca_file)
        yield session


def player(client: requests.Session, video_id: str, name: str = "VISIONOS") -> dict[str, object]:
    body = {"videoId": video_id, "context": {"client": {"clientName": name}}}
    answer = client.post("https://www.youtube.com/youtubei/v1/player", json=body, timeout=10)
    answer.raise_for_status()
    data = answer.json()
    assert isinstance(data, dict)
    return data


def address(client: requests.Session, itag: int = ITAG, video_id: str = PLAIN.id) -> str:
    streaming = player(client, video_id)["streamingData"]
    assert isinstance(streaming, dict)
    for told in (*streaming["formats"], *streaming["adaptiveFormats"]):
        if told["itag"] == itag:
            return str(told["url"])
    raise LookupError(itag)


def changed(url: str, **fields: str) -> str:
    base, _, query = url.partition("?")
    return f"{base}?{urlencode({**dict(parse_qsl(query)), **fields})}"


@pytest.fixture
def content(youtube_media: Media) -> bytes:
    return youtube_media.renditions[ITAG].path.read_bytes()


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [
        ("bytes=0-0", 0, 0),
        ("bytes=100-199", 100, 199),
        ("bytes=1000-", 1000, None),
        ("bytes=-500", -500, None),
        ("bytes=1000-99999999", 1000, None),
    ],
)
def test_a_range_is_honoured_and_logged(
    youtube: YouTube, client: requests.Session, content: bytes, asked: str, first: int, last: int | None
) -> None:
    start = first % len(content)
    end = len(content) - 1 if last is None else last

    answer = client.get(address(client), headers={"Range": asked}, timeout=10)

    assert answer.status_code == 206
    assert answer.content == content[start : end + 1]
    assert answer.headers["Content-Range"] == f"bytes {start}-{end}/{len(content)}"
    youtube.log.settle()
    (exchange,) = youtube.log.of(Kind.MEDIA)
    assert (exchange.range, exchange.bytes_sent) == ((start, end), end - start + 1)
    assert youtube.log.media_bytes() == {ITAG: end - start + 1}


def test_the_sites_own_range_parameter_gives_just_those_bytes(
    client: requests.Session, content: bytes
) -> None:
    answer = client.get(address(client) + "&range=10-29", timeout=10)

    assert (answer.status_code, answer.content) == (200, content[10:30])


def test_a_range_beyond_the_end_is_refused(client: requests.Session, content: bytes) -> None:
    answer = client.get(address(client), headers={"Range": f"bytes={len(content)}-"}, timeout=10)

    assert answer.status_code == 416
    assert answer.headers["Content-Range"] == f"bytes */{len(content)}"


def test_without_range_support_the_whole_file_comes(
    youtube: YouTube, client: requests.Session, content: bytes
) -> None:
    youtube.behave(Kind.MEDIA, ranges=False)

    answer = client.get(address(client), headers={"Range": "bytes=100-199"}, timeout=10)

    assert (answer.status_code, answer.content) == (200, content)
    assert answer.headers["Accept-Ranges"] == "none"


def test_a_head_request_tells_the_size_and_sends_nothing(
    youtube: YouTube, client: requests.Session, content: bytes
) -> None:
    answer = client.head(address(client), timeout=10)

    assert answer.headers["Content-Length"] == str(len(content))
    youtube.log.settle()
    assert youtube.log.media_bytes() == {ITAG: 0}


def test_addresses_are_for_one_stream_and_for_a_while(client: requests.Session) -> None:
    url = address(client)
    assert client.head(url, timeout=10).status_code == 200
    for forged in (
        changed(url, itag="137"),
        changed(url, id=BARE.id),
        changed(url, expire="4102444800"),
        changed(url, sig="0" * 64),
        changed(url, n="unsolved"),
    ):
        assert client.head(forged, timeout=10).status_code == 403


def test_only_who_solved_the_challenge_may_read() -> None:
    signer = Signer()
    cipher = dict(parse_qsl(signer.sign_for_player(PLAIN.id, ITAG, {}, now=1000.0)))
    query = dict(parse_qsl(cipher["url"].partition("?")[2]))
    solved = {**query, "n": solve_n(query["n"]), "sig": descramble(cipher["s"])}

    assert signer.check(urlencode(solved), now=1000.0) is not None
    assert signer.check(urlencode({**solved, "n": query["n"]}), now=1000.0) is None
    assert signer.check(urlencode({**solved, "sig": cipher["s"]}), now=1000.0) is None
    assert signer.check(urlencode(solved), now=1000.0 + LIFETIME + 1) is None
    assert descramble(scramble("0123456789abcdef")) == "0123456789abcdef"


def test_expired_links_answer_403_and_fresh_ones_work(youtube: YouTube, client: requests.Session) -> None:
    stale = address(client)
    youtube.expire_links()

    assert client.get(stale, timeout=10).status_code == 403
    assert client.head(address(client), timeout=10).status_code == 200


def test_a_throttled_connection_flows_no_faster_than_told(youtube: YouTube, client: requests.Session) -> None:
    youtube.behave(Kind.MEDIA, bytes_per_second=100_000)
    url = address(client)

    started = time.monotonic()
    answer = client.get(url, headers={"Range": "bytes=0-49999"}, timeout=10)

    assert len(answer.content) == 50_000
    assert time.monotonic() - started > 0.4


def test_latency_comes_before_the_first_byte(youtube: YouTube, client: requests.Session) -> None:
    url = address(client)
    youtube.behave(Kind.MEDIA, latency=0.3)

    started = time.monotonic()
    client.head(url, timeout=10)

    assert time.monotonic() - started > 0.29


def test_a_stalled_response_gives_its_bytes_and_then_nothing(
    youtube: YouTube, client: requests.Session
) -> None:
    youtube.behave(Kind.MEDIA, stall_after=5000)

    with client.get(address(client), stream=True, timeout=(10, 0.5)) as answer:
        assert len(answer.raw.read(5000)) == 5000
        with pytest.raises(requests.exceptions.ConnectionError, match="timed out"):
            next(answer.iter_content(1))


def test_a_dropped_connection_breaks_the_response(
    youtube: YouTube, client: requests.Session, content: bytes
) -> None:
    youtube.behave(Kind.MEDIA, drop_after=5000, times=1)
    url = address(client)

    with pytest.raises(requests.exceptions.RequestException):
        client.get(url, timeout=10)

    assert client.get(url, timeout=10).content == content


def test_troubles_befall_only_whom_they_are_meant_for(youtube: YouTube, client: requests.Session) -> None:
    youtube.behave(Kind.MEDIA, video=PLAIN, itag=134, status=503, times=2)
    plain, other, elsewhere = address(client, 134), address(client, 133), address(client, 134, BARE.id)

    assert client.head(other, timeout=10).status_code == 200
    assert client.head(elsewhere, timeout=10).status_code == 200
    assert [client.head(plain, timeout=10).status_code for _ in range(3)] == [503, 503, 200]
    youtube.behave(status=429)
    assert client.head(other, timeout=10).status_code == 429
    youtube.behave_well()
    assert client.head(other, timeout=10).status_code == 200


def test_every_other_host_is_refused(youtube: YouTube, client: requests.Session) -> None:
    for url in (
        "https://example.org/",
        "https://www.youtube.com.example.org/",
        "https://notyoutube.com/",
        "https://www.youtube.com:8443/",
    ):
        with pytest.raises(requests.exceptions.ProxyError):
            client.get(url, timeout=10)
    assert client.get("http://www.youtube.com/", timeout=10).status_code == 403
    assert youtube.log.refused_hosts[0] == "example.org"
    assert youtube.log.of() == []


def test_nobody_trusts_it_by_accident(youtube: YouTube, client: requests.Session) -> None:
    client.verify = True

    with pytest.raises(requests.exceptions.SSLError, match="certificate verify failed"):
        client.get(youtube.url(PLAIN), timeout=10)


def test_the_certificate_passes_strict_verification(youtube: YouTube) -> None:
    context = ssl.create_default_context(cafile=youtube.ca_file)
    context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    adapter = requests.adapters.HTTPAdapter()
    adapter.init_poolmanager(1, 1, ssl_context=context)
    adapter.proxy_manager_for(youtube.proxy, ssl_context=context)
    with requests.Session() as session:
        session.trust_env = False
        session.proxies = {"https": youtube.proxy}
        session.verify = str(youtube.ca_file)
        session.mount("https://", adapter)
        assert session.get(youtube.url(PLAIN), timeout=10).status_code == 200


def test_offline_refuses_and_ends_what_is_open(youtube: YouTube, client: requests.Session) -> None:
    youtube.behave(Kind.MEDIA, stall_after=100)
    with client.get(address(client), stream=True, timeout=10) as answer:
        youtube.go_offline()
        with pytest.raises(requests.exceptions.RequestException):
            _ = answer.content
    with pytest.raises(requests.exceptions.ProxyError):
        client.get(youtube.url(PLAIN), timeout=10)
    youtube.behave_well()
    assert client.get(youtube.url(PLAIN), timeout=10).status_code == 200


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"CONN",
        b"CONNECT www.youtube.com:443 HTTP/1.1\r\n\r\n",
        b"CONNECT www.youtube.com:443 HTTP/1.1\r\n\r\n\x16\x03\x01 no TLS at all",
    ],
)
@pytest.mark.parametrize("politely", [True, False])
@pytest.mark.skipif(sys.platform == "win32", reason="SO_LINGER is laid out differently there")
def test_a_client_that_vanishes_is_no_fault(youtube: YouTube, said: bytes, politely: bool) -> None:
    port = int(youtube.proxy.rpartition(":")[2])
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            if not politely:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.sendall(said)
    youtube.stop()

    assert youtube.log.faults == []


def test_a_client_that_leaves_within_its_request_is_no_fault(youtube: YouTube) -> None:
    port = int(youtube.proxy.rpartition(":")[2])
    context = ssl.create_default_context(cafile=youtube.ca_file)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        plain.sendall(b"CONNECT www.youtube.com:443 HTTP/1.1\r\n\r\n")
        assert plain.recv(1000).startswith(b"HTTP/1.1 200")
        with context.wrap_socket(plain, server_hostname="www.youtube.com") as secure:
            secure.sendall(b"POST /youtubei/v1/player HTTP/1.1\r\nContent-Length: 100\r\n\r\n{")
    youtube.stop()

    assert youtube.log.faults == []
    assert youtube.log.of() == []


def test_it_ends_at_once_even_while_responses_hang(youtube_media: Media) -> None:
    with YouTube(youtube_media) as running, requests.Session() as client:
        client.trust_env = False
        client.proxies, client.verify = {"https": running.proxy}, str(running.ca_file)
        running.behave(Kind.MEDIA, itag=133, stall_after=100)
        running.behave(Kind.MEDIA, itag=134, bytes_per_second=100)
        running.behave(Kind.MEDIA, itag=135, latency=60)
        urls = [address(client, itag) for itag in (133, 134)]
        late = address(client, 135)
        answers = [client.get(url, stream=True, timeout=10) for url in urls]
        waiting = threading.Thread(target=_ask_and_fail, args=(client, late))
        waiting.start()
        assert len(answers[0].raw.read(100)) == 100
        started = time.monotonic()
        running.stop()
        assert time.monotonic() - started < 5
        waiting.join()
        for answer in answers:
            answer.close()
    assert running.log.faults == []
    assert not running.ca_file.exists()


def _ask_and_fail(client: requests.Session, url: str) -> None:
    with pytest.raises(requests.exceptions.RequestException):
        client.get(url, timeout=30)


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGTERM to catch")
def test_the_command_serves_until_it_is_ended() -> None:
    root = Path(__file__).parents[2]
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-m", "tests.youtube"],
        cwd=root,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        told: dict[str, str] = {}
        while "ca" not in told:
            line = process.stdout.readline()
            assert line, "it ended too early"
            name, _, value = line.strip().partition(" ")
            told[name] = value
        answer = requests.get(
            "https://youtu.be/" + PLAIN.id, proxies={"https": told["proxy"]}, verify=told["ca"], timeout=10
        )
        answer.close()
        process.send_signal(signal.SIGTERM)
        rest = process.stdout.read()
    assert PLAIN.title in answer.text
    assert (process.returncode, rest) == (0, "")
    assert not Path(told["ca"]).exists()
