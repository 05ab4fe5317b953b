"""The command `reely` as its user meets it: exit codes, words, JSON lines, and what lies on the disk."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
from pathlib import Path

import psutil
import pytest

from stage import BIN
from tests.end_to_end.conftest import SAMPLE, Command
from tests.end_to_end.reading import beeps, frame_numbers
from tests.youtube import Kind, Media, YouTube
from tests.youtube.catalogue import PLAIN, PRIVATE, PROGRESSIVE, TWO_HOURS
from tests.youtube.media import FPS

MUXED = 18
"""The format that is a whole MP4 of its own, with the codes in picture and sound."""


@pytest.fixture
def recording(youtube_media: Media) -> Path:
    """A minute of coded pictures and beeps, as a file."""
    return youtube_media.renditions[MUXED].path


def test_a_link_becomes_an_exact_clip_and_costs_one_trim(signed_in: Command, youtube: YouTube) -> None:
    done = signed_in(
        *("trim", f"https://youtu.be/{PLAIN.id}?t=3", "--from", "10", "--to", "12.5"),
        *("--mode", "exact", "--max-height", "360", "-o", "clip.mp4"),
        **youtube.env,
    )
    assert done.code == 0, done.stderr
    clip = signed_in.folder / "clip.mp4"
    assert frame_numbers(clip) == list(range(10 * FPS, round(12.5 * FPS)))
    # Lossy coding smears a beep's edge by a millisecond or two; a wrong cut is off by a frame or more.
    assert [(round(beep.at), beep.second) for beep in beeps(clip)] == [(0, 10), (1, 11), (2, 12)]
    assert all(abs(beep.at - round(beep.at)) < 0.005 for beep in beeps(clip))
    [told] = done.last["clips"]
    assert (told["path"], told["frames"], told["bytes"]) == (str(clip), 60, clip.stat().st_size)
    assert signed_in("probe", clip).last["title"] == PLAIN.title
    assert done.last["quota"]["trim"]["settled"] == 1
    sent = youtube.log.media_bytes()
    assert done.last["bytes_fetched"] == sum(sent.values()) > 0
    assert {line["event"] for line in done.lines[:-1]} == {"progress"}
    fractions = [line["fraction"] for line in done.lines[:-1]]
    assert fractions == sorted(fractions)
    assert fractions[-1] <= 1


def test_seconds_out_of_two_hours_cost_seconds_and_what_is_there_is_used_again(
    premium: Command, youtube: YouTube
) -> None:
    arguments = ("trim", f"https://youtu.be/{TWO_HOURS.id}", "--max-height", "360")
    done = premium(
        *(
            *arguments,
            "--from",
            "1:02:03",
            "--to",
            "1:02:06.5",
            "--from",
            "-1.5",
            "--to",
            "-0",
            "-o",
            "a.mp4",
        ),
        **youtube.env,
    )
    assert done.code == 0, done.stderr
    [told] = done.last["clips"]
    assert not any("fetched" in note for note in told["notes"])
    expected = [*range(3 * FPS, round(6.5 * FPS)), *range(round(58.5 * FPS), 60 * FPS)]
    assert frame_numbers(premium.folder / "a.mp4") == expected
    sent = youtube.log.media_bytes(TWO_HOURS.id)
    assert done.last["bytes_fetched"] == sum(sent.values())
    assert 0 < sum(sent.values()) < 500_000
    again = premium(*arguments, "--from", "1:02:04", "--to", "1:02:05", "-o", "b.mp4", **youtube.env)
    assert again.code == 0, again.stderr
    assert again.last["bytes_fetched"] == 0
    assert youtube.log.media_bytes(TWO_HOURS.id) == sent
    assert frame_numbers(premium.folder / "b.mp4") == list(range(4 * FPS, 5 * FPS))
    kept = premium("cache").last
    assert kept["kinds"]["media"] >= done.last["bytes_fetched"]
    cleared = premium("cache", "--clear").last
    assert (cleared["freed"], cleared["bytes"]) == (kept["bytes"], 0)
    anew = premium(*arguments, "--from", "1:02:04", "--to", "1:02:05", "-o", "c.mp4", **youtube.env)
    assert anew.code == 0, anew.stderr
    assert anew.last["bytes_fetched"] > 0


def test_where_parts_cannot_be_had_all_is_fetched_and_the_clip_says_so(
    signed_in: Command, youtube: YouTube
) -> None:
    youtube.behave(Kind.MEDIA, ranges=False)
    done = signed_in(
        *("trim", f"https://youtu.be/{PROGRESSIVE.id}", "--from", "30", "--to", "31", "-o", "clip.mp4"),
        **youtube.env,
    )
    assert done.code == 0, done.stderr
    [told] = done.last["clips"]
    assert any("all of it was fetched" in note for note in told["notes"])
    assert done.last["bytes_fetched"] == youtube.media.renditions[MUXED].size
    assert frame_numbers(signed_in.folder / "clip.mp4") == list(range(30 * FPS, 31 * FPS))


def test_several_segments_are_joined_in_the_order_they_are_named(signed_in: Command, recording: Path) -> None:
    done = signed_in(
        *("trim", recording, "--from", "20", "--to", "21", "--from", "5", "--to", "5.5"),
        *("--from", "-1", "--to", "-0.5", "-o", "joined.mp4"),
    )
    assert done.code == 0, done.stderr
    expected = [*range(480, 504), *range(120, 132), *range(59 * FPS, 59 * FPS + 12)]
    assert frame_numbers(signed_in.folder / "joined.mp4") == expected
    assert done.last["quota"]["trim"]["settled"] == 1


def test_separate_segments_become_clips_of_their_own_and_cost_one_trim_each(
    signed_in: Command, recording: Path
) -> None:
    done = signed_in(
        *("trim", recording, "--separate", "--from", "1", "--to", "2", "--from", "3", "--to", "4"),
        *("-o", "part.mp4"),
    )
    assert done.code == 0, done.stderr
    assert frame_numbers(signed_in.folder / "part 1.mp4") == list(range(24, 48))
    assert frame_numbers(signed_in.folder / "part 2.mp4") == list(range(72, 96))
    assert done.last["quota"]["trim"]["settled"] == 2


def test_a_copy_starts_at_a_keyframe_and_says_how_early(signed_in: Command, recording: Path) -> None:
    done = signed_in(
        "trim", recording, "--from", "7", "--to", "9", "--mode", "copy", "-o", signed_in.folder / "c.mp4"
    )
    assert done.code == 0, done.stderr
    [told] = done.last["clips"]
    numbers = frame_numbers(signed_in.folder / "c.mp4")
    assert (told["start"], told["early"]) == (pytest.approx(5.0), pytest.approx(2.0))
    assert numbers[0] == 5 * FPS
    assert set(range(7 * FPS, 9 * FPS)) <= set(numbers)
    assert told["reencoded_seconds"] == 0


def test_a_folder_gets_a_name_made_from_the_title(signed_in: Command, recording: Path) -> None:
    (signed_in.folder / "clips").mkdir()
    done = signed_in("trim", recording, "--from", "1", "--to", "1.5", "-o", "clips")
    assert done.code == 0, done.stderr
    [clip] = (signed_in.folder / "clips").iterdir()
    assert clip.name == "18 00.01.0-00.01.5.mp4"


def test_without_an_account_nothing_is_cut(reely: Command, recording: Path) -> None:
    done = reely("trim", recording, "--from", "1", "--to", "2")
    assert (done.code, done.last["code"]) == (4, "not-signed-in")
    assert list(reely.folder.iterdir()) == []


def test_the_sixth_trim_is_refused_and_says_what_would_help(signed_in: Command, recording: Path) -> None:
    segments = [part for second in range(5) for part in ("--from", str(second), "--to", f"{second}.5")]
    assert signed_in("trim", recording, "--separate", *segments, "--mode", "copy").code == 0
    clips = set(signed_in.folder.iterdir())
    refused = signed_in("trim", recording, "--from", "1", "--to", "2", "-o", "sixth.mp4")
    assert (refused.code, refused.last["code"]) == (4, "quota-exhausted")
    assert "Pro" in refused.last["hint"]
    assert "9.99" in refused.last["hint"]
    assert set(signed_in.folder.iterdir()) == clips


def test_a_source_over_the_tiers_limit_is_refused_before_any_work(
    signed_in: Command, tmp_path: Path, recording: Path
) -> None:
    long = tmp_path / "six minutes.mp4"
    _repeat(recording, 6, long)
    refused = signed_in("trim", long, "--from", "1", "--to", "2")
    assert (refused.code, refused.last["code"]) == (4, "source-too-long")
    assert "Pro" in refused.last["hint"]
    assert signed_in("account", "show").last["meters"]["trim"]["settled"] == 0
    assert signed_in("probe", long).last["duration"] == pytest.approx(360, abs=0.5)


def _repeat(recording: Path, times: int, target: Path) -> None:
    import imageio_ffmpeg

    subprocess.run(
        [
            *(imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-nostdin", "-stream_loop", str(times - 1)),
            *("-i", recording, "-c", "copy", target),
        ],
        check=True,
    )


def test_an_existing_file_is_never_overwritten_unasked(signed_in: Command, recording: Path) -> None:
    target = signed_in.folder / "mine.mp4"
    target.write_bytes(b"precious")
    arguments = ("trim", recording, "--from", "1", "--to", "2", "--mode", "copy", "-o", target)
    refused = signed_in(*arguments)
    assert (refused.code, refused.last["code"]) == (7, "file-exists")
    assert target.read_bytes() == b"precious"
    assert signed_in("account", "show").last["meters"]["trim"]["settled"] == 0
    assert signed_in(*arguments, "--overwrite").code == 0
    assert len(frame_numbers(target)) > 0


def test_a_private_video_is_refused_in_plain_words(reely: Command, youtube: YouTube) -> None:
    refused = reely("probe", youtube.url(PRIVATE), **youtube.env)
    assert (refused.code, refused.last["code"]) == (3, "video-private")
    spoken = reely.in_words("probe", youtube.url(PRIVATE), **youtube.env)
    assert spoken.returncode == 3
    assert spoken.stdout == ""
    assert refused.last["message"] in spoken.stderr
    assert "Traceback" not in spoken.stderr


def test_a_proxy_that_cannot_reach_the_network_is_said_as_that(reely: Command, youtube: YouTube) -> None:
    youtube.go_offline()
    refused = reely("probe", youtube.url(PLAIN), **youtube.env)
    assert (refused.code, refused.last["code"]) == (5, "proxy-failed")


def test_probe_tells_everything_about_a_link_but_where_its_bytes_are(
    reely: Command, youtube: YouTube
) -> None:
    done = reely("probe", f"youtube.com/watch?v={PLAIN.id}&list=PLx&t=1m5s", **youtube.env)
    assert done.code == 0, done.stderr
    source = done.last
    assert (source["title"], source["channel"]) == (PLAIN.title, PLAIN.channel)
    assert source["duration"] == pytest.approx(60, abs=0.1)
    assert {stream["height"] for stream in source["streams"]} >= {240, 360, 480, 720, 1080}
    assert [chapter["title"] for chapter in source["chapters"]] == ["Opening", "The secret", "Farewell"]
    assert len(source["heatmap"]) == 100
    assert {caption["language"] for caption in source["captions"]} >= {"en", "de"}
    assert "googlevideo" not in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["trim", "x.mp4"], "--from"),
        (["trim", "x.mp4", "--from", "1", "--to", "2", "--mode", "fast"], "fast"),
        (["trim", "x.mp4", "--from", "1", "--from", "2", "--to", "3"], "--to"),
        (["no-such-command"], "no-such-command"),
    ],
)
def test_a_misused_command_says_what_it_wants(reely: Command, arguments: list[str], words: str) -> None:
    done = reely(*arguments)
    assert (done.code, done.last["event"], done.last["code"]) == (2, "error", "usage")
    assert words in done.last["message"]


def test_bad_times_are_errors_of_usage(signed_in: Command, recording: Path) -> None:
    for start, end, code in (
        ("5", "3", "segment-empty"),
        ("x", "3", "bad-timecode"),
        ("1", "99", "bad-timecode"),
    ):
        done = signed_in("trim", recording, "--from", start, "--to", end)
        assert (done.code, done.last["code"]) == (2, code)


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_trim_leaves_nothing_and_costs_nothing(
    signed_in: Command, recording: Path, how: signal.Signals
) -> None:
    before = hashlib.sha256(recording.read_bytes()).hexdigest()
    with _trimming(signed_in, recording) as running:
        _wait_for_stage(running, "encode")
        running.send_signal(how)
        rest = running.communicate(timeout=10)[0]
    assert running.returncode == 130
    assert json.loads(rest.splitlines()[-1])["code"] == "cancelled"
    assert list(signed_in.folder.iterdir()) == []
    assert hashlib.sha256(recording.read_bytes()).hexdigest() == before
    assert signed_in("account", "show").last["meters"]["trim"]["settled"] == 0


def test_a_killed_trim_leaves_no_process_and_is_put_right_by_the_next(
    signed_in: Command, recording: Path
) -> None:
    with _trimming(signed_in, recording) as running:
        _wait_for_stage(running, "encode")
        children = psutil.Process(running.pid).children(recursive=True)
        assert children
        running.kill()
        running.communicate(timeout=10)
    assert psutil.wait_procs(children, timeout=5)[1] == []
    assert not any(path.name.startswith("big") for path in signed_in.folder.iterdir())
    done = signed_in("trim", recording, "--from", "1", "--to", "2", "-o", "small.mp4")
    assert done.code == 0, done.stderr
    assert [path.name for path in signed_in.folder.iterdir()] == ["small.mp4"]
    assert done.last["quota"]["trim"]["settled"] == 1
    assert done.last["quota"]["trim"]["available"] == 4


def _trimming(command: Command, recording: Path) -> subprocess.Popen[str]:
    """A trim that takes long enough to be interrupted."""
    segments = ["--from", "0", "--to", "-0"] * 4
    return subprocess.Popen(
        [BIN / "reely", "trim", recording, *segments, "--mode", "exact", "-o", "big.mp4", "--json"],
        env=command.environment,
        cwd=command.folder,
        stdout=subprocess.PIPE,
        text=True,
    )


def _wait_for_stage(running: subprocess.Popen[str], stage: str) -> None:
    assert running.stdout is not None
    for line in running.stdout:
        if json.loads(line).get("stage") == stage:
            return
    raise AssertionError(f"the trim ended before the stage {stage}")


def test_the_doctor_finds_what_a_working_machine_has(reely: Command) -> None:
    done = reely("doctor")
    assert done.code == 0, done.stdout
    verdicts = {check["name"]: check["verdict"] for check in done.last["checks"]}
    assert verdicts == dict.fromkeys(verdicts, "works")
    assert {"FFmpeg", "JavaScript runtime", "Keyring", "License server", "Disk"} <= set(verdicts)


def test_the_doctor_says_what_to_do_about_what_is_missing(reely: Command) -> None:
    done = reely("doctor", REELY_FFMPEG="/nowhere/ffmpeg", REELY_SERVER_URL="http://127.0.0.1:9")
    checks = {check["name"]: check for check in done.last["checks"]}
    assert done.code == 6
    assert (checks["FFmpeg"]["verdict"], checks["License server"]["verdict"]) == ("missing", "limited")
    assert all(check["hint"] for check in checks.values() if check["verdict"] != "works")


def test_without_a_keyring_a_sign_in_is_for_this_process_only_and_nothing_lies_on_the_disk(
    reely: Command, home: Path
) -> None:
    no_keyring = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    signed_up = reely("account", "sign-up", "--email", "nokeyring@example.com", **no_keyring)
    assert signed_up.code == 0
    assert signed_up.last["session_only"] is True
    assert any("keyring" in notice for notice in signed_up.last["notices"])
    assert reely("account", "show", **no_keyring).last["signed_in"] is False
    kept = b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())
    assert b"rt_" not in kept
    assert reely.environment["REELY_PASSWORD"].encode() not in kept


def test_the_sample_that_comes_with_a_checkout_is_a_source(reely: Command) -> None:
    done = reely("probe", SAMPLE)
    assert done.last["title"] == "A sample to try Reely on"
    assert Path(done.last["path"]).samefile(SAMPLE)
