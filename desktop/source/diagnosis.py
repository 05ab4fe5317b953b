"""What yt-dlp's exceptions, facts and sentences mean, in our codes.

Facts come first (exception types, HTTP status, live status, availability); sentences are read only where
yt-dlp gives nothing else, which is so for most of YouTube's own refusals.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from yt_dlp.networking.exceptions import (
    CertificateVerifyError,
    HTTPError,
    ProxyError,
    TransportError,
)
from yt_dlp.utils import ExtractorError, GeoRestrictedError, UnsupportedError, UserNotLive

from desktop.errors import ReelyError
from desktop.source.refusals import refusal
from desktop.source.text import clean_text

# What YouTube and other sites say, in English, as yt-dlp asks for it; the first match counts.
_SENTENCES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), code)
    for pattern, code in (
        (r"not a bot|captcha challenge|unusual traffic", "bot-check"),
        (r"rate.?limited|HTTP Error 429|too many requests|isn.t available, try again later", "rate-limited"),
        (r"IP is likely being blocked", "bot-check"),
        (r"members.only|channel.s members|join this channel|available to music premium", "members-only"),
        (r"requires payment|paid content|rent(?:al)? or|purchase", "payment-needed"),
        (r"private video|video is private|been granted access", "video-private"),
        (r"confirm your age|age.?restricted|inappropriate for some users|age.?verif", "age-restricted"),
        (r"in your country|in your (?:region|location)|geo.?restrict|geo.?block", "region-blocked"),
        (r"premieres in|premiere will begin|live event will begin|begin(?:s)? in a few|upcoming", "upcoming"),
        (r"live stream recording is not available|currently processing|being processed", "live-processing"),
        (r"removed|terminated|copyright|no longer available|closed their|has been deleted", "video-removed"),
        (r"DRM", "drm-protected"),
        (r"challenge solving failed|signature solving failed", "challenge-failed"),
        (r"video is unavailable|video unavailable|does not exist|not found|isn.t available", "no-such-video"),
        (r"requires? (?:authentication|log ?in)|log ?in (?:to|required)|sign in", "sign-in-needed"),
        (r"only available for registered users", "sign-in-needed"),
        # Where every request failed in the same way, and where the downloader gave up.
        (r"HTTP Error 5\d\d", "site-down"),
        (r"HTTP Error 40[13]", "access-denied"),
        (r"connect to proxy|tunnel connection failed", "proxy-failed"),
        (r"CERTIFICATE_VERIFY_FAILED", "certificate-untrusted"),
        (r"timed out|connection (?:reset|refused|aborted|broken)|remote end closed", "network-down"),
        (r"bytes read|bytes, expected|getaddrinfo|name resolution|unreachable", "network-down"),
    )
)


_BY_LIVE_STATUS = {"is_live": "live-now", "is_upcoming": "upcoming"}
_BY_AVAILABILITY = {
    "private": "video-private",
    "subscriber_only": "members-only",
    "premium_only": "members-only",
}


def refused_by_facts(info: Mapping[str, Any], *, has_streams: bool) -> ReelyError | None:
    """What an info dict says by itself: running or announced streams, and why there are no formats."""
    code = _BY_LIVE_STATUS.get(info.get("live_status") or "")
    if code is None and not has_streams:
        if info.get("live_status") == "post_live":
            code = "live-processing"
        elif info.get("_has_drm"):
            code = "drm-protected"
        else:
            code = _BY_AVAILABILITY.get(info.get("availability") or "")
    return None if code is None else refusal(code)


def refused_by_sentence(sentences: Sequence[str]) -> ReelyError:
    """What sentences of yt-dlp mean; where none is known, `extraction-failed` carries the first, cleaned."""
    cleaned = [sentence for sentence in map(clean_sentence, sentences) if sentence]
    for sentence in cleaned:
        for pattern, code in _SENTENCES:
            if pattern.search(sentence):
                return refusal(code)
    if not cleaned:
        return refusal("no-streams")
    return refusal("extraction-failed", message=f"The video could not be opened: {cleaned[0]}")


def refused_by_exception(error: BaseException, sentences: Sequence[str] = ()) -> ReelyError:
    """What an exception of yt-dlp means. `sentences` are the warnings that came before it."""
    chain = list(_chain(error))
    for one in chain:
        if (told := _by_type(one)) is not None:
            return told
    own = [one.orig_msg for one in chain if isinstance(one, ExtractorError)] or [str(error)]
    # "Failed to extract any player response" says less than the warnings before it.
    return refused_by_sentence([*sentences, *own] if _says_nothing(own[0]) else [*own, *sentences])


def _says_nothing(sentence: str) -> bool:
    return "player response" in sentence and "IP is likely" not in sentence


_BY_TYPE: tuple[tuple[type[BaseException], str], ...] = (
    (GeoRestrictedError, "region-blocked"),
    (UnsupportedError, "unsupported-site"),
    (UserNotLive, "upcoming"),
    (CertificateVerifyError, "certificate-untrusted"),
    (ProxyError, "proxy-failed"),
    (TransportError, "network-down"),
)


def _by_type(error: BaseException) -> ReelyError | None:
    match error:
        case ReelyError():
            return error
        case HTTPError():
            return _by_status(error.status)
        case OSError(errno=errno.ENOSPC | errno.EDQUOT):
            return refusal("disk-full")
    return next((refusal(code) for kind, code in _BY_TYPE if isinstance(error, kind)), None)


_BY_STATUS = {
    **dict.fromkeys((401, 402, 403), "access-denied"),
    **dict.fromkeys((404, 410), "no-such-video"),
    407: "proxy-failed",
    429: "rate-limited",
    451: "region-blocked",
}


def _by_status(status: int) -> ReelyError | None:
    """HTTP status codes (RFC 9110, RFC 6585, RFC 7725)."""
    code = _BY_STATUS.get(status) or ("site-down" if status >= 500 else None)
    return None if code is None else refusal(code)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An exception and all that it came from: yt-dlp's own links (`exc_info`, `cause`), then Python's."""
    seen: set[int] = set()
    queue: list[BaseException] = [error]
    while queue:
        one = queue.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        info = getattr(one, "exc_info", None)
        links = [info[1] if isinstance(info, tuple) else None, getattr(one, "cause", None)]
        queue += [
            link for link in (*links, one.__cause__, one.__context__) if isinstance(link, BaseException)
        ]


# What yt-dlp adds for its own users.
_PREFIX = re.compile(r"^(?:ERROR:\s*|WARNING:\s*)?(?:\[[\w:.+-]+\]\s*)?(?:[\w-]{11}:\s*){0,2}")
_FOR_THEM = re.compile(
    r"""\s*(?:
        ;?\ ?please\ report\ this\ issue | \(caused\ by\s | Use\ --cookies | It\ is\ recommended\ to\ use\s
      | For\ more\ information,\ refer | See\s+https?:// | Also\ see\s | Confirm\ you\ are\ on\ the\ latest
      | You\ might\ want\ to\ use\ a\ VPN | Giving\ up\ after\s
    ).*""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
# Addresses may carry signatures; nothing signed belongs in a message or a log.
_ADDRESS = re.compile(r"https?://\S+", re.IGNORECASE)


def clean_sentence(text: str) -> str:
    """yt-dlp's own sentence without its prefixes, advice for its command line, and addresses."""
    text = _PREFIX.sub("", clean_text(text, 2000))
    text = _ADDRESS.sub("…", _FOR_THEM.sub("", text)).strip(" .;:,")
    if not text:
        return ""
    return clean_text(text[0].upper() + text[1:], 300) + "."
