"""What is said in a source: getting it, reading along, looking for words, cutting lines out, saving it."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QLocale, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QComboBox, QFileDialog, QStackedWidget, QVBoxLayout, QWidget

from desktop.errors import ReelyError
from desktop.hooks.models import Origin
from desktop.hooks.speech_models import LANGUAGES
from desktop.hooks.writing import FORMATS
from desktop.ui.models.transcript import SourceTranscript, Stage
from desktop.ui.widgets.controls import button, label, panel_page
from desktop.ui.widgets.dialogs import message
from desktop.ui.widgets.progress_lines import ProgressLines
from desktop.ui.widgets.words_reader import WordsReader, origin_of
from desktop.ui.words import rough_length, size_text


class WordsPanel(QWidget):
    """Shows a `SourceTranscript`, and asks for it when it is looked at first."""

    def __init__(self, transcript: SourceTranscript, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._transcript = transcript
        self._looking = self._choosing = False
        self.folder: Path | None = None
        """Where the user saved last."""
        self._getting = ProgressLines(self.tr("Getting the words"))
        self.cancel = self._getting.cancel
        self.cancel.clicked.connect(transcript.cancel)
        self.listen = button(self.tr("Recognise the speech"), "primary")
        self.listen.setMinimumHeight(42)
        self.listen.clicked.connect(transcript.listen)
        self.spoken = QComboBox()
        self.spoken.setAccessibleName(self.tr("What is spoken"))
        self.spoken.addItem(self.tr("The language that is heard"), None)
        for tag in LANGUAGES:
            self.spoken.addItem(QLocale.languageToString(QLocale(tag).language()), tag)
        self.spoken.activated.connect(lambda _place: transcript.speak(self.spoken.currentData()))
        self.captions = button(self.tr("Use the captions"))
        self.captions.clicked.connect(transcript.use_captions)
        self.keep = button(self.tr("Back"), "quiet")
        self.keep.clicked.connect(self._keep_words)
        self.again = button(self.tr("Try again"), "primary")
        self.again.clicked.connect(transcript.try_again)
        self.back = button(self.tr("Back"), "quiet")
        self.back.clicked.connect(transcript.dismiss)
        self.reading = WordsReader(transcript)
        self.reading.save.clicked.connect(self.choose_file)
        self.reading.other.clicked.connect(self._choose_words)
        self.pages = QStackedWidget()
        self._missing, self._failed = self._build_missing(), self._build_failed()
        for page in (self._getting, self._missing, self._failed, self.reading):
            self.pages.addWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 12, 0, 14)
        layout.addWidget(self.pages)
        transcript.changed.connect(self._show)
        transcript.saved.connect(self._saved)
        transcript.save_failed.connect(self._not_saved)
        self._show()

    # --- building ---

    def _build_missing(self) -> QWidget:
        page, column = panel_page()
        self._none = label("", "title", wrap=True)
        self._why = label("", wrap=True)
        self._offer = label("", "muted", wrap=True)
        column.addWidget(self._none)
        column.addWidget(self._why)
        column.addWidget(self._offer)
        column.addWidget(self.spoken)
        column.addStretch()
        column.addWidget(self.captions)
        column.addWidget(self.listen)
        column.addWidget(self.keep)
        return page

    def _build_failed(self) -> QWidget:
        page, column = panel_page()
        self._message, self._hint = label("", wrap=True), label("", "muted", wrap=True)
        self._code = label("", "code")
        column.addWidget(label(self.tr("The words could not be got"), "title", wrap=True))
        for widget in (self._message, self._hint, self._code):
            column.addWidget(widget)
        column.addStretch()
        column.addWidget(self.again)
        column.addWidget(self.back)
        return page

    # --- showing ---

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Whoever comes here wants to read."""
        super().showEvent(event)
        self._transcript.want()

    def _show(self) -> None:
        transcript = self._transcript
        self._choosing = self._choosing and transcript.stage is Stage.READY
        self.pages.setCurrentWidget(
            {
                Stage.UNKNOWN: self._getting,
                Stage.GETTING: self._getting,
                Stage.READY: self._missing if self._choosing else self.reading,
                Stage.MISSING: self._missing,
                Stage.FAILED: self._failed,
            }[transcript.stage]
        )
        if self._looking and transcript.stage is Stage.READY:
            self.look_for_words()
        self._getting.show_progress(transcript.progress, stopping=transcript.cancelling)
        self._why.setText(self._where_from() if self._choosing else "\n".join(transcript.notes))
        self._offer.setText(self._what_listening_takes())
        can_listen = transcript.listening is not None
        self._none.setText(
            self.tr("Where the words come from")
            if self._choosing
            else self.tr("There are no words yet")
            if can_listen
            else self.tr("There are no words")
        )
        self.listen.setVisible(can_listen)
        self.spoken.setVisible(can_listen)
        self.spoken.setCurrentIndex(max(0, self.spoken.findData(transcript.language)))
        self.captions.setVisible(self._choosing and transcript.has_captions)
        self.keep.setVisible(self._choosing)
        self.reading.other.setVisible(can_listen or transcript.has_captions)
        error = transcript.error
        self._message.setText(error.message if error else "")
        self._hint.setText(error.hint if error else "")
        self._code.setText(error.code if error else "")
        self.back.setVisible(transcript.can_go_back)

    def _where_from(self) -> str:
        transcript = self._transcript.transcript
        if transcript is None:
            return ""
        if transcript.track and transcript.origin is Origin.CAPTIONS:
            return self.tr("These words are read from {track}.").format(track=transcript.track)
        return origin_of(transcript) + "."

    def _choose_words(self) -> None:
        self._choosing = True
        self._show()

    def _keep_words(self) -> None:
        self._choosing = False
        self._show()

    def _what_listening_takes(self) -> str:
        listening = self._transcript.listening
        if listening is None:
            return ""
        words = self.tr("Reely can listen to it, on this computer. That takes about {length}.").format(
            length=rough_length(max(listening.seconds, 1.0))
        )
        if listening.download:
            words += " " + self.tr("Before that it downloads what it needs for it, once: {size}.").format(
                size=size_text(listening.download)
            )
        return words

    def look_again(self) -> None:
        """Something else has got words, perhaps: where there were none, look once more."""
        self._transcript.forget_absence()
        if self.isVisible():
            self._transcript.want()

    # --- what the user does ---

    def look_for_words(self) -> None:
        """Let the user type what to look for, as soon as there are words."""
        self._looking = self._transcript.stage is not Stage.READY
        if not self._looking:
            self.reading.field.setFocus(Qt.FocusReason.ShortcutFocusReason)
            self.reading.field.selectAll()

    def choose_file(self) -> None:
        """Ask where to save it; the dialog asks before an existing file is replaced."""
        suggestion = self._transcript.suggestion(self.folder)
        dialog = QFileDialog(self, self.tr("Save the transcript"), str(suggestion))
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setFileMode(QFileDialog.FileMode.AnyFile)
        filters = {f"{name} (*{suffix})": suffix for suffix, name in self._formats().items()}
        dialog.setNameFilters(list(filters))
        dialog.setDefaultSuffix(suggestion.suffix.lstrip("."))
        dialog.selectFile(str(suggestion))
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.filterSelected.connect(lambda chosen: _change_format(dialog, filters[chosen]))
        dialog.fileSelected.connect(lambda name: self._chosen(Path(name), f".{dialog.defaultSuffix()}"))
        dialog.open()

    def _formats(self) -> dict[str, str]:
        return {
            ".srt": self.tr("SubRip subtitles"),
            ".vtt": self.tr("WebVTT subtitles"),
            ".txt": self.tr("Plain text"),
        }

    def _chosen(self, path: Path, suffix: str) -> None:
        asked = path.suffix.lower() in FORMATS
        # About another name than the dialog gave nobody was asked.
        self._transcript.save(path if asked else path.with_name(path.name + suffix), overwrite=asked)

    def _saved(self, path: Path) -> None:
        self.folder = path.parent
        self.reading.say(self.tr("Saved as {name}").format(name=path.name))

    def _not_saved(self, error: ReelyError) -> None:
        message(self, self.tr("Save the transcript"), error.message, error.hint).open()


def _change_format(dialog: QFileDialog, suffix: str) -> None:
    """The name in the dialog goes with the format that is chosen."""
    dialog.setDefaultSuffix(suffix.lstrip("."))
    for name in dialog.selectedFiles():
        path = Path(name)
        dialog.selectFile(str(path.with_suffix(suffix)) if path.suffix.lower() in FORMATS else name)
