"""Why a source cannot be had: every code with what happened and what to do, in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from desktop.errors import Exit, ReelyError


@dataclass(frozen=True)
class Refusal:
    """What happened, what to do, and the exit group."""

    message: str
    hint: str
    exit: Exit = Exit.SOURCE


_OTHER_VIDEO = "Choose another video, or open a file on this computer."

REFUSALS: Mapping[str, Refusal] = {
    # What was pasted
    "nothing-pasted": Refusal(
        "There is nothing to open yet.", "Paste a link to a video, or choose a file.", Exit.USAGE
    ),
    "not-a-video-link": Refusal(
        "This does not lead to a video.",
        "Paste the link of a single video, such as https://www.youtube.com/watch?v=…, or choose a file.",
        Exit.USAGE,
    ),
    "playlist-link": Refusal(
        "This link leads to a playlist, not to a single video.",
        "Open one video of the playlist and paste its link.",
    ),
    "channel-link": Refusal(
        "This link leads to a channel, not to a single video.",
        "Open one video of the channel and paste its link.",
    ),
    "private-address": Refusal(
        "This link leads into a private network.",
        "Paste a link that works on the public internet, or open the file itself.",
    ),
    "several-files": Refusal(
        "These are several files; Reely opens one at a time.", "Drop a single file.", Exit.USAGE
    ),
    "unsupported-site": Refusal(
        "Reely does not know how to get a video from this page.",
        "Download the video in your browser and open the file.",
    ),
    # What the site says
    "video-private": Refusal(
        "This video is private.", "Ask its owner to make it public or unlisted, or to send you the file."
    ),
    "video-removed": Refusal("This video has been removed.", _OTHER_VIDEO),
    "age-restricted": Refusal(
        "This video is only shown to signed-in adults.",
        "Reely does not sign in to video sites. " + _OTHER_VIDEO,
    ),
    "members-only": Refusal(
        "This video is only for paying members.", "Reely does not sign in to video sites. " + _OTHER_VIDEO
    ),
    "payment-needed": Refusal(
        "This video must be bought or rented.", "Reely does not sign in to video sites. " + _OTHER_VIDEO
    ),
    "region-blocked": Refusal("This video is not available in your country.", _OTHER_VIDEO),
    "live-now": Refusal(
        "This video is a live stream that is still running.",
        "Come back when the stream has ended and its recording is published.",
    ),
    "live-processing": Refusal(
        "This live stream has just ended and its recording is not ready.", "Try again in a few hours."
    ),
    "upcoming": Refusal("This video has not been shown yet.", "Come back when it has been published."),
    "bot-check": Refusal(
        "YouTube wants to be sure that you are not a robot.",
        "Wait a while or use another network (a VPN is often the cause), then try again.",
        Exit.NETWORK,
    ),
    "sign-in-needed": Refusal(
        "The site shows this video only to people who are signed in.",
        "Reely does not sign in to video sites. " + _OTHER_VIDEO,
    ),
    "no-such-video": Refusal(
        "There is no video at this link.", "Check that the whole link was copied; the video may also be gone."
    ),
    "drm-protected": Refusal("This video is copy-protected.", _OTHER_VIDEO),
    "unknown-length": Refusal(
        "The site does not say how long this video is.",
        "Download the video in your browser and open the file.",
    ),
    "challenge-failed": Refusal(
        "YouTube's check of the player could not be passed.",
        "Run `reely doctor` to see whether the JavaScript runtime works; a newer Reely may be needed.",
    ),
    "no-streams": Refusal(
        "The site offers nothing that Reely can read for this video.",
        "Try again later; if it stays so, download the video in your browser and open the file.",
    ),
    # What the network says
    "rate-limited": Refusal(
        "The site has had too many requests from your network.",
        "Wait an hour, or use another network, then try again.",
        Exit.NETWORK,
    ),
    "network-down": Refusal(
        "The site could not be reached.", "Check your internet connection, then try again.", Exit.NETWORK
    ),
    "proxy-failed": Refusal(
        "The proxy did not connect to the site.",
        "Check your internet connection and the system's proxy settings, then try again.",
        Exit.NETWORK,
    ),
    "certificate-untrusted": Refusal(
        "The site's certificate is not trusted on this computer.",
        "On a company network, install its root certificate or set SSL_CERT_FILE; also check the clock.",
        Exit.NETWORK,
    ),
    "site-down": Refusal("The site has a fault at the moment.", "Try again in a few minutes.", Exit.NETWORK),
    "access-denied": Refusal(
        "The site refused to hand out this video.", "Open the link in a browser to see why. " + _OTHER_VIDEO
    ),
    "stalled": Refusal(
        "The download stopped and could not be taken up again.",
        "Check your internet connection and try again: what has arrived is kept.",
        Exit.NETWORK,
    ),
    "offline": Refusal(
        "Reely is set to stay offline.",
        "Unset REELY_OFFLINE to open links; files work as always.",
        Exit.NETWORK,
    ),
    # What this computer says
    "disk-full": Refusal(
        "The disk is full.",
        "Free some space, then try again: what has arrived is kept.",
        Exit.DISK,
    ),
    "cache-damaged": Refusal(
        "What was fetched does not stay on the disk as it was written.",
        "The disk may be failing; set REELY_HOME to a folder on another one and try again.",
        Exit.DISK,
    ),
    "is-a-folder": Refusal("This is a folder, not a file.", "Choose one video file in it."),
    "file-empty": Refusal(
        "This file is empty.", "Copy or download it again; the first time did not end well.", Exit.MEDIA
    ),
    "file-without-length": Refusal(
        "This file holds a still picture, nothing that could be cut.",
        "Choose a video or sound file.",
        Exit.MEDIA,
    ),
    "extraction-failed": Refusal(
        "The video could not be opened.",
        "Try again later; a newer Reely may know how to read this page.",
    ),
}
"""Every code with which a source is refused."""


def refusal(code: str, *, message: str | None = None, hint: str | None = None) -> ReelyError:
    """The error for a code of `REFUSALS`, with more exact words where the caller has them."""
    told = REFUSALS[code]
    return ReelyError(code, message or told.message, hint or told.hint, told.exit)
