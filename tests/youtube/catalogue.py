"""What the stand-in has on offer: videos that play, and one for every way the real site refuses."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum

from tests.youtube.media import SECONDS


@dataclass(frozen=True)
class Cue:
    """A caption: seconds on the video's clock, and text as its author wrote it."""

    start: float
    end: float
    text: str


@dataclass(frozen=True)
class Track:
    """A caption track. Automatic ones carry times for every word, as the real site's do."""

    language: str
    name: str
    automatic: bool
    cues: tuple[Cue, ...]


class Airing(StrEnum):
    """Whether a video was uploaded, aired and kept, is on air, or announced."""

    RECORDED = "recorded"
    AIRED = "aired"
    LIVE = "live"
    UPCOMING = "upcoming"


@dataclass(frozen=True)
class Refusal:
    """A playability status as the player API tells it. `named` is what this table calls it."""

    named: str
    status: str
    reason: str
    subreason: str = ""


@dataclass(frozen=True)
class Video:
    """A video. `chapters` are start seconds and titles; `heatmap` are intensities of equal bins, 0..1.

    `seconds` is a multiple of the recording's length, which a longer video repeats.
    """

    id: str
    title: str
    channel: str = "Reely Test Channel"
    handle: str = "@reelytests"
    channel_id: str = "UCreely-test-channel-001"
    description: str = ""
    seconds: int = SECONDS
    captions: tuple[Track, ...] = ()
    chapters: tuple[tuple[int, str], ...] = ()
    heatmap: tuple[float, ...] = ()
    tags: tuple[str, ...] = ()
    airing: Airing = Airing.RECORDED
    refusal: Refusal | None = None
    countries: tuple[str, ...] = ()
    itags: tuple[int, ...] = field(default=(), repr=False)
    """The formats on offer; empty for all."""


_SENTENCES = (
    "Welcome to a recording that counts its own frames.",
    "Nobody told me that a barcode could be this honest.",
    "Here is the secret: every picture knows its number.",
    "And every second begins with a short beep.",
    "So whoever cuts it can prove where the scissors fell.",
    "That is why this film has never won a prize.",
    "But it has caught a great many mistakes.",
    "Have you ever wondered what happens between two frames?",
    "The answer is: nothing at all, and that is the point.",
    "Remember this number, it will come back later.",
    "In the end only the last frame matters.",
    "Thank you for watching every single one.",
)


def _spoken(seconds: int, prefix: str = "") -> tuple[Cue, ...]:
    """A sentence for every 5 seconds, half a second of rest between them."""
    return tuple(
        Cue(start, min(start + 4.5, seconds), prefix + _SENTENCES[at % len(_SENTENCES)])
        for at, start in enumerate(range(0, seconds, 5))
    )


def _replays(bins: int) -> tuple[float, ...]:
    """A most-replayed curve as the site draws them: first bin 1, a slope, a peak at 40 % and one at 75 %."""
    curve = [
        0.15
        + 0.5 * math.exp(-at / 6)
        + 0.75 * math.exp(-(((at - bins * 0.40) / 4) ** 2))
        + 0.45 * math.exp(-(((at - bins * 0.75) / 3) ** 2))
        for at in range(bins)
    ]
    return (1.0, *(round(value / max(curve), 6) for value in curve[1:]))


PLAIN = Video(
    id="PlainVideo1",
    title="A recording that counts its frames",
    description="Sixty seconds of colours.\n\n0:00 Opening\n0:20 The secret\n0:45 Farewell",
    captions=(
        Track("en", "English", automatic=False, cues=_spoken(SECONDS)),
        Track("de", "German", automatic=False, cues=_spoken(SECONDS, "(übersetzt) ")),
        Track("en", "English (auto-generated)", automatic=True, cues=_spoken(SECONDS)),
    ),
    chapters=((0, "Opening"), (20, "The secret"), (45, "Farewell")),
    heatmap=_replays(100),
    tags=("counting", "frames"),
)

BARE = Video(id="BareVideo-1", title="No captions, no chapters, no curve")

AUTOMATIC = Video(
    id="AutoCaption",
    title="Only automatic captions",
    captions=(Track("en", "English (auto-generated)", automatic=True, cues=_spoken(SECONDS)),),
)

PROGRESSIVE = Video(id="OldProgress", title="Only the old progressive format", itags=(18,))

HOSTILE = Video(
    id="HostileVid1",
    title=(
        "../../etc/passwd \\ C:\\CON: <b>\"'?*|\x00\x07\x1b[31m\n\u202egpj.exe\u202c 🎬👩\u200d👩\u200d👧 "
        + "very long " * 30
    )[:300],
    channel="<script>alert('channel')</script>/..\u202e",
    description="</script><script>alert(1)</script>\n%s %n {0} ${HOME} $(id) `id`\n" + "A" * 5000,
    captions=(
        Track(
            "en",
            "<i>English</i>/..",
            automatic=False,
            cues=(
                Cue(0.0, 4.0, "<script>alert('caption')</script> & <b>bold</b> {\\an8}\\N"),
                Cue(3.0, 5.0, "overlaps the one before --> 00:00:09.000"),
                Cue(10.0, 10.0, "has no length"),
                Cue(20.0, 24.0, "\u202eright to left\u202c and \x07 a bell\nand a second line"),
                Cue(59.0, 3600.0, "runs past the end"),
            ),
        ),
    ),
    chapters=((0, "<b>One</b>"), (30, "../Two\u202e\n")),
    heatmap=(1.0, *(0.0 for _ in range(99))),
)

TEN_MINUTES = Video(
    id="TenMinutes1",
    title="Ten minutes, longer than the free tier allows",
    seconds=10 * 60,
    captions=(Track("en", "English (auto-generated)", automatic=True, cues=_spoken(10 * 60)),),
)
TWO_HOURS = Video(
    id="TwoHoursVid",
    title="Two hours, for those who read by ranges",
    seconds=2 * 3600,
    captions=(Track("en", "English (auto-generated)", automatic=True, cues=_spoken(2 * 3600)),),
    chapters=tuple((part * 1200, f"Part {part + 1}") for part in range(6)),
    heatmap=_replays(100),
)
THREE_HOURS = Video(id="ThreeHours1", title="Longer than any tier allows", seconds=3 * 3600)

_SIGN_IN = "Sign in to confirm"

PRIVATE = Video(
    id="PrivateVid1",
    title="",
    refusal=Refusal(
        "private", "LOGIN_REQUIRED", "Private video", "Sign in if you've been granted access to this video"
    ),
)
REMOVED = Video(
    id="RemovedVid1",
    title="",
    refusal=Refusal("removed", "ERROR", "Video unavailable", "This video has been removed by the uploader"),
)
TERMINATED = Video(
    id="Terminated1",
    title="",
    refusal=Refusal(
        "terminated",
        "ERROR",
        "Video unavailable",
        "This video is no longer available because the YouTube account associated with this video has been "
        "terminated.",
    ),
)
COPYRIGHT = Video(
    id="CopyrightVi",
    title="",
    refusal=Refusal(
        "copyright",
        "ERROR",
        "Video unavailable",
        "This video is no longer available due to a copyright claim by Reely Test Pictures",
    ),
)
AGE_RESTRICTED = Video(
    id="AgeLimited1",
    title="Not for everyone",
    refusal=Refusal(
        "age-restricted",
        "LOGIN_REQUIRED",
        f"{_SIGN_IN} your age",
        "This video may be inappropriate for some users.",
    ),
)
MEMBERS_ONLY = Video(
    id="MembersVid1",
    title="For friends of the channel",
    refusal=Refusal(
        "members-only",
        "UNPLAYABLE",
        "Join this channel to get access to members-only content like this video, and other exclusive perks.",
    ),
)
REGION_BLOCKED = Video(
    id="RegionLock1",
    title="Not here",
    refusal=Refusal(
        "region-blocked",
        "UNPLAYABLE",
        "Video unavailable",
        "The uploader has not made this video available in your country",
    ),
    countries=("CH", "NO"),
)
CLAIMED = Video(
    id="ClaimedHere",
    title="",
    refusal=Refusal(
        "region-blocked",
        "UNPLAYABLE",
        "Video unavailable",
        "This video contains content from Reely Test Pictures, who has blocked it in your country on "
        "copyright grounds",
    ),
)
PAID = Video(
    id="PaidVideo-1",
    title="For sale",
    refusal=Refusal("paid", "UNPLAYABLE", "This video requires payment to watch"),
)
BOT_CHECK = Video(
    id="BotCheckVid",
    title="",
    refusal=Refusal(
        "bot-check",
        "LOGIN_REQUIRED",
        f"{_SIGN_IN} you\u2019re not a bot",
        "This helps protect our community. Learn more",
    ),
)
RATE_LIMITED = Video(
    id="RateLimited",
    title="",
    refusal=Refusal("rate-limited", "UNPLAYABLE", "This content isn't available, try again later.", ""),
)
UNAVAILABLE = Refusal("no-such-video", "ERROR", "Video unavailable", "This video is unavailable")
"""What every id that is not in the catalogue gets."""

MISSING_ID = "NoSuchVideo"

WAS_LIVE = Video(id="WasLiveVid1", title="Recorded from the air", airing=Airing.AIRED)
LIVE_ENDED = Video(
    id="LiveEnded-1",
    title="Over and not kept",
    airing=Airing.AIRED,
    refusal=Refusal("live-ended", "UNPLAYABLE", "This live stream recording is not available."),
)
LIVE = Video(id="LiveNowVid1", title="On air", airing=Airing.LIVE)
PREMIERE = Video(
    id="PremiereSn1",
    title="Not yet shown",
    airing=Airing.UPCOMING,
    refusal=Refusal("premiere", "LIVE_STREAM_OFFLINE", "Premieres in 2 hours"),
)
SCHEDULED = Video(
    id="ScheduledL1",
    title="Not yet on air",
    airing=Airing.UPCOMING,
    refusal=Refusal("scheduled", "LIVE_STREAM_OFFLINE", "This live event will begin in 2 hours."),
)

VIDEOS = {
    video.id: video
    for video in (
        *(PLAIN, BARE, AUTOMATIC, PROGRESSIVE, HOSTILE, WAS_LIVE),
        *(TEN_MINUTES, TWO_HOURS, THREE_HOURS),
        *(PRIVATE, REMOVED, TERMINATED, COPYRIGHT, AGE_RESTRICTED, MEMBERS_ONLY, PAID),
        *(REGION_BLOCKED, CLAIMED, BOT_CHECK, RATE_LIMITED, LIVE, LIVE_ENDED, PREMIERE, SCHEDULED),
    )
}

REFUSALS = {
    **{video.id: video.refusal.named for video in VIDEOS.values() if video.refusal},
    LIVE.id: "live",
    MISSING_ID: UNAVAILABLE.named,
}
"""Video ids and what stands in their way; HTTP 429 and a network that is down are behaviours, not videos."""

PLAYLIST_ID = "PLreely0tests0playlist0of0three00"
PLAYLIST = (PLAIN, BARE, AUTOMATIC)
