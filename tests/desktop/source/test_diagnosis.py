"""What yt-dlp says is read for its meaning, facts before sentences."""

from __future__ import annotations

import errno
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yt_dlp.networking.exceptions import CertificateVerifyError, ProxyError, TransportError
from yt_dlp.utils import DownloadError, ExtractorError, GeoRestrictedError, UnsupportedError, UserNotLive

from desktop.errors import Exit
from desktop.source.diagnosis import (
    clean_sentence,
    refused_by_exception,
    refused_by_facts,
    refused_by_sentence,
)
from desktop.source.refusals import REFUSALS, refusal


def wrapped(error: BaseException) -> DownloadError:
    """As yt-dlp hands an error on."""
    return DownloadError(f"ERROR: {error}", cast(Any, (type(error), error, None)))


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (GeoRestrictedError("not here"), "region-blocked"),
        (UnsupportedError("https://example.com/"), "unsupported-site"),
        (UserNotLive(), "upcoming"),
        (CertificateVerifyError("bad"), "certificate-untrusted"),
        (ProxyError("no"), "proxy-failed"),
        (TransportError("timed out"), "network-down"),
        (ExtractorError("Unable to download", cause=TransportError("reset")), "network-down"),
        (OSError(errno.ENOSPC, "No space left on device"), "disk-full"),
        (ExtractorError("This video is DRM protected", expected=True), "drm-protected"),
        (ExtractorError("n challenge solving failed: Some formats may be missing"), "challenge-failed"),
        (ExtractorError("Something new"), "extraction-failed"),
    ],
)
def test_exceptions_are_told_apart_by_type(error: Exception, code: str) -> None:
    assert refused_by_exception(error).code == code
    assert refused_by_exception(wrapped(error)).code == code


def test_our_own_refusals_pass_through() -> None:
    error = refusal("stalled")
    assert refused_by_exception(wrapped(error)) is error


@pytest.mark.parametrize(
    ("info", "has_streams", "code"),
    [
        ({"live_status": "is_live"}, True, "live-now"),
        ({"live_status": "is_upcoming"}, False, "upcoming"),
        ({"live_status": "post_live"}, False, "live-processing"),
        ({"live_status": "was_live"}, True, None),
        ({"availability": "private"}, False, "video-private"),
        ({"availability": "subscriber_only"}, False, "members-only"),
        ({"availability": "premium_only"}, False, "members-only"),
        ({"availability": "subscriber_only"}, True, None),
        ({"_has_drm": True}, False, "drm-protected"),
        ({"availability": "public", "live_status": "not_live"}, False, None),
        ({}, True, None),
    ],
)
def test_facts_speak_before_sentences(info: dict[str, object], has_streams: bool, code: str | None) -> None:
    told = refused_by_facts(info, has_streams=has_streams)
    assert (told.code if told else None) == code


def test_what_is_not_known_is_told_in_yt_dlps_own_words_cleaned() -> None:
    said = "[youtube] dQw4w9WgXcQ: A new kind of trouble with https://x.example/?signature=secret; "
    advice = "please report this issue on  https://github.com/yt-dlp/yt-dlp/issues?q= , filling out the form."
    told = refused_by_sentence([said + advice])
    assert told.code == "extraction-failed"
    assert told.message == "The video could not be opened: A new kind of trouble with …."
    assert told.exit is Exit.SOURCE


def test_no_words_at_all_is_told_too() -> None:
    assert refused_by_sentence([]).code == "no-streams"


@given(st.text(max_size=300))
def test_a_cleaned_sentence_is_one_safe_line(text: str) -> None:
    cleaned = clean_sentence(text)
    assert len(cleaned.splitlines()) <= 1
    assert "://" not in cleaned or "http" not in cleaned.lower()
    assert cleaned == "" or cleaned.endswith(".")


@pytest.mark.parametrize("code", REFUSALS)
def test_every_refusal_says_what_happened_and_what_to_do(code: str) -> None:
    told = refusal(code)
    assert code == code.lower().replace("_", "-").strip("-")
    assert told.message.endswith(".")
    assert told.hint.endswith(".")
    assert told.exit not in {Exit.DONE, Exit.CANCELLED}
