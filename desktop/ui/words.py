"""The words the window makes out of numbers and codes: stages, time left, sizes, the meter, remedies."""

from __future__ import annotations

from enum import Enum, auto
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QDate, QLocale

from desktop.errors import Exit, ReelyError, TierRefusal
from desktop.hooks.models import Usage
from desktop.jobs.protocol import Progress
from desktop.timecode import format_length
from desktop.ui.ports import AccountStatus, Meter


def _tr(text: str) -> str:
    return QCoreApplication.translate("words", text)


def stage_text(progress: Progress) -> str:
    """`Downloading`: the job's stage as the window shows it."""
    known = {
        "extract": _tr("Looking at the link"),
        "probe": _tr("Looking at the file"),
        "download": _tr("Downloading"),
        "preview": _tr("Getting the preview"),
        "index": _tr("Reading the index"),
        "cut": _tr("Cutting"),
        "encode": _tr("Encoding"),
        "verify": _tr("Checking every frame"),
        "publish": _tr("Finishing"),
        "words": _tr("Reading the words"),
        "signals": _tr("Weighing every sentence"),
        "ranking": _tr("Choosing the best"),
        "listening": _tr("Listening"),
    }
    name = progress.stage.replace("-", " ").replace("_", " ").strip()
    return known.get(progress.stage, name[:1].upper() + name[1:])


def time_left(progress: Progress) -> str:
    """`about 12 s left`, or nothing while that is not known."""
    if progress.eta_seconds is None:
        return ""
    if progress.eta_seconds < 1.5:
        return _tr("almost done")
    return _tr("about {length} left").format(length=rough_length(progress.eta_seconds))


def rough_length(seconds: float) -> str:
    """`12 s`, `3 min`, and hours with minutes."""
    if seconds < 90:
        return _tr("{n} s").format(n=round(seconds))
    if seconds < 5400:
        return _tr("{n} min").format(n=round(seconds / 60))
    return format_length(seconds)


def folder_text(folder: Path) -> str:
    """`~/Videos`: a folder as people write it."""
    try:
        return str(Path("~") / folder.relative_to(Path.home()))
    except ValueError:
        return str(folder)


def size_text(size: int) -> str:
    """A number of bytes in the user's own notation."""
    return QLocale().formattedDataSize(size, 1, QLocale.DataSizeFormat.DataSizeSIFormat)


def meter_text(status: AccountStatus) -> str:
    """`4 of 5 trims left`."""
    if not status.signed_in:
        return _tr("Not signed in")
    trims = status.trims
    if trims.limit is None:
        return _tr("Unlimited trims")
    if trims.available is None:
        return _tr("{limit} trims a month").format(limit=trims.limit)
    return _tr("{left} of {limit} trims left").format(left=trims.available, limit=trims.limit)


def meter_words(meter: Meter) -> str:
    """`4 of 5 left`."""
    if meter.limit is None:
        return _tr("unlimited")
    if meter.available is None:
        return _tr("{limit} a month").format(limit=meter.limit)
    return _tr("{left} of {limit} left").format(left=meter.available, limit=meter.limit)


def usage_text(usage: Usage) -> str:
    """`1,100 tokens, $0.0002.`, or nothing where nobody counted."""
    if not usage.sent:
        return ""
    tokens = _tr("{tokens} tokens").format(tokens=QLocale().toString(usage.sent + usage.answered))
    return f"{tokens}, ${usage.cost:.4f}." if usage.cost else f"{tokens}."


def on_device_words(meter: Meter) -> str:
    """`2 on this computer, 1 not reported yet`."""
    if meter.on_device is None:
        here = _tr("unlimited on this computer")
    else:
        here = _tr("{units} on this computer").format(units=meter.on_device)
    if not meter.unreported:
        return here
    return f"{here}, " + _tr("{units} not reported yet").format(units=meter.unreported)


def renewal_text(status: AccountStatus) -> str:
    """`renews 3 Dec`, in the user's own time zone; empty if not known."""
    if not status.signed_in or status.trims.limit is None or status.renews_at is None:
        return ""
    day = status.renews_at.astimezone()
    return _tr("renews {day}").format(day=QLocale().toString(QDate(day.year, day.month, day.day), "d MMM"))


class Remedy(Enum):
    """What the button on a failure does."""

    RETRY = auto()
    SIGN_IN = auto()
    UPGRADE = auto()
    REPLACE = auto()
    SAVE_ELSEWHERE = auto()
    ANOTHER_SOURCE = auto()
    BACK = auto()


_SIGN_IN = {
    "not-signed-in",
    "sign-in-again",
    "signed-out",
    "session-expired",
    "invalid-credentials",
    "sign-in-needed",
}
_REPLACE = {"file-exists", "output-exists", "destination-exists"}


def remedy_for(error: ReelyError, *, opening: bool) -> Remedy:
    """The one thing most likely to help."""
    if error.code in _SIGN_IN:
        return Remedy.SIGN_IN
    if isinstance(error, TierRefusal) and error.offers:
        return Remedy.UPGRADE
    if error.code in _REPLACE:
        return Remedy.REPLACE
    by_exit = {
        Exit.SOURCE: Remedy.ANOTHER_SOURCE,
        Exit.USAGE: Remedy.ANOTHER_SOURCE if opening else Remedy.BACK,
        Exit.ACCOUNT: Remedy.BACK,
        Exit.DISK: Remedy.RETRY if opening else Remedy.SAVE_ELSEWHERE,
    }
    return by_exit.get(error.exit, Remedy.RETRY)


def remedy_text(remedy: Remedy) -> str:
    return {
        Remedy.RETRY: _tr("Try again"),
        Remedy.SIGN_IN: _tr("Sign in"),
        Remedy.UPGRADE: _tr("See what would help"),
        Remedy.REPLACE: _tr("Replace the file"),
        Remedy.SAVE_ELSEWHERE: _tr("Save elsewhere…"),
        Remedy.ANOTHER_SOURCE: _tr("Open something else"),
        Remedy.BACK: _tr("Back to the clip"),
    }[remedy]
