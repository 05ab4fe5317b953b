"""The window: puts models and parts together, and routes keys, drops and dialogs."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction, QCloseEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QMainWindow,
    QMessageBox,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from desktop.source.models import Source
from desktop.ui.account_dialogs import AccountDialogs, may_upgrade
from desktop.ui.commands import Targets, editing_commands
from desktop.ui.doorbell import SCHEME
from desktop.ui.feeding import Fed, Feeding
from desktop.ui.hooks_desk import HooksDesk, Parts
from desktop.ui.keys import Command, command_for
from desktop.ui.model_dialogs import ModelDialogs
from desktop.ui.models.document import Document
from desktop.ui.models.export import Export
from desktop.ui.models.hooks import Hooks
from desktop.ui.models.marks import Marks
from desktop.ui.models.recent import RecentlyOpened
from desktop.ui.models.session import Session, State
from desktop.ui.models.strip import Strip
from desktop.ui.models.timeline import Timeline
from desktop.ui.models.transcript import SourceTranscript
from desktop.ui.models.waveform import Waveform
from desktop.ui.operations import OperationRunner
from desktop.ui.player import Player
from desktop.ui.ports import Ports
from desktop.ui.preferences import Preferences
from desktop.ui.saving import Saving
from desktop.ui.sound import Sound
from desktop.ui.widgets.account_corner import AccountCorner
from desktop.ui.widgets.controls import Picture
from desktop.ui.widgets.dialogs import KeysDialog, message
from desktop.ui.widgets.drop_area import DropArea
from desktop.ui.widgets.editor_page import EditorPage, Tab
from desktop.ui.widgets.hooks_panel import HooksPanel
from desktop.ui.widgets.link_bar import LinkBar
from desktop.ui.widgets.pages import EmptyPage, FailedPage, LoadingPage
from desktop.ui.widgets.timeline_painting import Shown
from desktop.ui.widgets.words_panel import WordsPanel
from desktop.ui.words import Remedy

_SMALLEST = QSize(960, 600)
_USUAL = QSize(1280, 800)


class MainWindow(QMainWindow):
    """The whole app on one window. `ports` does the work; `home` holds what the window remembers."""

    def __init__(self, ports: Ports, home: Path, *, sound: Sound | None = None) -> None:
        super().__init__()
        self.setWindowTitle("Reely")
        self.setMinimumSize(_SMALLEST)
        self._closed = False
        self._export_when_named = False
        self.preferences = Preferences(home)
        self.runner = OperationRunner(self)
        self.timeline = Timeline(self)
        self.marks = Marks(self.timeline, self)
        self.hooks = Hooks(ports, self.runner, self.marks, self)
        self.models = ModelDialogs(ports, self.runner, self.hooks, self)
        self.transcript = SourceTranscript(ports, self.runner, self.timeline, self)
        self.strip = Strip(ports, self.runner, self)
        self.waveform = Waveform(ports, self.runner, self)
        self.session = Session(ports, self.runner, self)
        self.accounts = AccountDialogs(ports, self.runner, self)
        self.account = self.accounts.account
        self.export = Export(ports, self.runner, self.timeline, self)
        self.document = Document(self.runner, self.timeline, self.export, self)
        self.recent = RecentlyOpened(self.preferences, self)
        self.saving = Saving(self.document, self.preferences, self)
        self.sound = sound or Sound(self)
        self.player = Player(self.timeline, self.sound, self)
        fed = Fed(
            self.timeline,
            self.strip,
            self.waveform,
            self.hooks,
            self.transcript,
            self.export,
            self.document,
            self.player,
        )
        self.feeding = Feeding(self.session, fed, self.preferences, self)
        self._build()
        self.desk = HooksDesk(
            Parts(
                self.hooks, self.marks, self.timeline, self.export, self.player, self.editor, self.accounts
            ),
            self.start_export,
            self,
        )
        self._connect()
        self._commands = {
            **editing_commands(Targets(self.timeline, self.marks, self.player, self.sound, self.editor)),
            Command.SHOW_KEYS: self.show_keys,
            Command.BACK: self._back,
        }
        self._add_actions()
        self._restore()
        self._show_state()
        self.account.refresh()
        self.models.opinion.load()

    # --- building ---

    def _build(self) -> None:
        self.link_bar = LinkBar()
        self.account_corner = AccountCorner(self.account)
        self.empty = EmptyPage(self.recent)
        self.loading = LoadingPage(self.session)
        self.failed = FailedPage(self.session)
        shown = Shown(self.timeline, self.strip, self.waveform, self.marks)
        self.editor = EditorPage(
            self.session,
            shown,
            self.export,
            self.player,
            hooks=HooksPanel(self.hooks, self.marks, self.account, self.models.opinion),
            words=WordsPanel(self.transcript),
            sound=self.sound,
        )
        self.pages = QStackedWidget()
        for page in (self.empty, self.loading, self.failed, self.editor):
            self.pages.addWidget(page)
        bar = QFrame()
        bar.setObjectName("topBar")
        row = QHBoxLayout(bar)
        row.setContentsMargins(18, 10, 18, 10)
        row.setSpacing(14)
        row.addWidget(Picture("logo", QSize(30, 30)))
        row.addWidget(self.link_bar, 1)
        row.addWidget(self.account_corner)
        self.body = body = DropArea()
        body.setObjectName("body")
        layout = QVBoxLayout(body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(bar)
        layout.addWidget(self.pages, 1)
        self.setCentralWidget(body)

    def _connect(self) -> None:
        self.body.dropped.connect(self.open)
        self.link_bar.requested.connect(self.open)
        self.empty.open_requested.connect(self.link_bar.choose_file)
        self.empty.paste_requested.connect(self._paste_or_type)
        self.account_corner.sign_in_requested.connect(self.accounts.sign_in)
        self.account_corner.upgrade_requested.connect(self.accounts.show_offers)
        self.account_corner.account_requested.connect(self.accounts.show_account)
        self.editor.hooks.model_requested.connect(self.models.show_settings)
        self.session.changed.connect(self._show_state)
        self.session.source_opened.connect(self._source_opened)
        self.session.trimmed.connect(self._trimmed)
        self.hooks.found.connect(self.editor.words.look_again)
        self.failed.card.remedy_chosen.connect(self._remedy)
        self.failed.card.dismissed.connect(self._start_over)
        self.editor.error.remedy_chosen.connect(self._remedy)
        self.editor.export.requested.connect(self.start_export)
        self.editor.timeline.keys.clicked.connect(self.show_keys)
        self.editor.timeline.save.clicked.connect(self.saving.save)
        self.export.named.connect(self._export_if_waiting)
        self.document.changed.connect(self._show_title)
        self.document.opened.connect(self.recent.remember)
        self.empty.recent_chosen.connect(self.open)

    def _add_actions(self) -> None:
        standard = QKeySequence.StandardKey
        for keys, action in (
            (QKeySequence(standard.Open), self.link_bar.choose_file),
            (QKeySequence(standard.Paste), self.link_bar.paste),
            (QKeySequence(standard.Undo), self.timeline.undo),
            (QKeySequence("Ctrl+Shift+Z"), self.timeline.redo),
            (QKeySequence("Ctrl+Y"), self.timeline.redo),
            (QKeySequence("Ctrl+L"), self._focus_link),
            (QKeySequence("Ctrl+E"), self.start_export),
            (QKeySequence("Ctrl+H"), self._find_hooks),
            (QKeySequence(standard.Find), self._look_for_words),
            (QKeySequence("F3"), lambda: self.transcript.search.step(1)),
            (QKeySequence("Shift+F3"), lambda: self.transcript.search.step(-1)),
            (QKeySequence("Ctrl+Shift+E"), self._choose_destination),
            (QKeySequence(standard.Save), self.saving.save),
            (QKeySequence("Ctrl+Shift+S"), self.saving.save_as),
            (QKeySequence("Ctrl+Q"), self.close),
        ):
            each = QAction(self)
            each.setShortcut(keys)
            each.triggered.connect(action)
            self.addAction(each)

    def _restore(self) -> None:
        self.sound.set_volume(self.preferences.volume)
        self.sound.set_muted(self.preferences.muted)
        self.link_bar.folder = self.preferences.open_folder
        if not self.restoreGeometry(self.preferences.geometry):
            self.resize(_USUAL)

    # --- what the user does ---

    def open(self, text: str) -> None:
        """Open a link or a path, as if it was pasted; first the user may save the project that is open."""
        if self.session.state is not State.WORKING:
            self.saving.before_leaving(lambda: self._open(text))

    def visit(self, text: str) -> None:
        """Somebody started Reely once more, or came back from the browser: come to the front with `text`."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.raise_()
        self.activateWindow()
        if text.startswith(SCHEME):
            self.account.refresh()  # pages of the web may send this: they get no more than a look
        elif text:
            self.open(text)

    def _open(self, text: str) -> None:
        self.document.leave()
        self.link_bar.show_text(text)
        self.session.open(text)

    def start_export(self) -> None:
        """Make the clip that is selected, as soon as it has a name."""
        self._export_when_named = self.export.naming
        edit, destination = self.export.edit, self.export.destination
        if (
            self._export_when_named
            or edit is None
            or destination is None
            or self.session.state is not State.READY
        ):
            return
        self.player.pause()
        self.editor.working.show_target(destination)
        self.session.export(edit, destination, overwrite=self.export.may_replace)

    def _export_if_waiting(self) -> None:
        if self._export_when_named:
            self.start_export()

    def show_keys(self) -> None:
        KeysDialog(self).open()

    def _find_hooks(self) -> None:
        if self.session.state is State.READY:
            self.desk.find()

    def _look_for_words(self) -> None:
        if self.session.state is State.READY:
            self.editor.show_tab(Tab.WORDS)
            self.editor.words.look_for_words()

    def _paste_or_type(self) -> None:
        self.link_bar.paste()
        if self.session.state is State.EMPTY:
            self._focus_link()

    def _focus_link(self) -> None:
        self.link_bar.field.setFocus()
        self.link_bar.field.selectAll()

    def _choose_destination(self) -> None:
        if self.session.state is State.READY:
            self.editor.export.choose_destination()

    def _back(self) -> None:
        if self.session.state is State.LOADING:
            self.session.cancel()
        elif self.session.state in {State.DONE, State.FAILED}:
            self.session.dismiss()
        self._focus_editor()

    def _start_over(self) -> None:
        self.session.dismiss()
        self._focus_link()

    def _remedy(self, remedy: Remedy) -> None:
        match remedy:
            case Remedy.SIGN_IN:
                self.accounts.sign_in(self.session.retry)
            case Remedy.UPGRADE:
                self.accounts.show_offers(self.session.error, self.session.retry)
            case Remedy.REPLACE:
                self.session.retry(overwrite=True)
            case Remedy.SAVE_ELSEWHERE:
                self.session.dismiss()
                self.editor.export.choose_destination()
            case Remedy.ANOTHER_SOURCE:
                self._start_over()
            case Remedy.BACK:
                self.session.dismiss()
            case Remedy.RETRY:
                self.session.retry()

    # --- what the models announce ---

    def _show_state(self) -> None:
        session = self.session
        if session.source is not None:
            page: QWidget = self.editor
        else:
            page = {State.LOADING: self.loading, State.FAILED: self.failed}.get(session.state, self.empty)
        self.pages.setCurrentWidget(page)
        busy = session.state is State.WORKING
        self.link_bar.setEnabled(not busy)
        self.body.setAcceptDrops(not busy)
        if session.state is State.LOADING:
            self.loading.cancel.setFocus()
        if session.state is State.FAILED and may_upgrade(session.error):
            self.accounts.show_offers(session.error, session.retry)

    def _show_title(self) -> None:
        title = self.document.title
        self.setWindowTitle(f"{title} – Reely" if title else "Reely")

    def _source_opened(self, source: Source) -> None:
        self.editor.show_tab(Tab.CLIP)
        if source.path is not None:
            self.link_bar.folder = source.path.parent
        self._focus_editor()

    def _trimmed(self) -> None:
        self.preferences.save_folder = self.session.clips[0].path.parent if self.session.clips else None
        self.export.suggest_again()
        self.account.refresh()

    def _focus_editor(self) -> None:
        if self.session.source is not None:
            self.editor.timeline.view.setFocus(Qt.FocusReason.OtherFocusReason)

    # --- keys, closing ---

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Plain keys that no part has used: fields keep their letters, buttons their space bar."""
        command = command_for(event.keyCombination())
        always = {Command.SHOW_KEYS, Command.BACK}
        if command is None or (self.session.source is None and command not in always):
            super().keyPressEvent(event)
            return
        self._commands[command]()
        event.accept()

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        if self.session.state is State.WORKING and not self._closed:
            event.ignore()
            self._ask_to_stop()
            return
        if self.document.modified and not self._closed:
            event.ignore()
            self.saving.before_leaving(self._stop_and_close)
            return
        self.shut_down()
        event.accept()

    def _ask_to_stop(self) -> None:
        words = self.tr("If you quit now, it is not made; nothing is counted.")
        question = message(self, self.tr("Quit Reely"), self.tr("A clip is being made."), words)
        stop = question.addButton(self.tr("Quit"), QMessageBox.ButtonRole.DestructiveRole)
        question.addButton(self.tr("Go on"), QMessageBox.ButtonRole.RejectRole)
        stop.clicked.connect(self._stop_and_close)
        question.open()

    def _stop_and_close(self) -> None:
        self._closed = True
        self.close()

    def shut_down(self) -> None:
        """End everything that runs, and remember what is to be remembered. Safe to call twice."""
        preferences = self.preferences
        preferences.geometry = self.saveGeometry()
        preferences.open_folder = self.link_bar.folder
        preferences.volume = self.sound.volume
        preferences.muted = self.sound.muted
        preferences.save()
        self.hide()
        self.player.close()
        self.strip.load(None)
        self.waveform.load(None, None)
        self.runner.close()
        self.session.close()
