"""The hooks of a source: finding them, and each with its score, its title, its reasons and its words."""

from __future__ import annotations

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLineEdit,
    QScrollArea,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)

from desktop.errors import Exit
from desktop.hooks.models import Hook, Reason
from desktop.timecode import format_length, format_timecode
from desktop.ui import theme
from desktop.ui.models.account import Account
from desktop.ui.models.hooks import Hooks, Stage
from desktop.ui.models.marks import Marks
from desktop.ui.models.second_opinion import SecondOpinion
from desktop.ui.widgets.controls import ElidedLabel, button, label, panel_page
from desktop.ui.widgets.opinion_banner import OpinionBanner
from desktop.ui.widgets.progress_lines import ProgressLines
from desktop.ui.words import Remedy, meter_words, remedy_for, remedy_text

_LONGEST_WISH = 500
_BAR = QSize(46, 5)


class HooksPanel(QWidget):
    """Shows `Hooks`; emits what the user wants done with them."""

    play_requested = Signal()
    cut_all_requested = Signal()
    remedy_chosen = Signal(object)
    model_requested = Signal()

    def __init__(
        self,
        hooks: Hooks,
        marks: Marks,
        account: Account,
        opinion: SecondOpinion,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._opinion = opinion
        self._hooks = hooks
        self._marks = marks
        self._account = account
        self._shown: tuple[Hook, ...] | None = None
        self.rows: list[HookRow] = []
        self.describe = QLineEdit()
        self.describe.setMaxLength(_LONGEST_WISH)
        self.describe.setPlaceholderText(self.tr("Moments about… (if anything)"))
        self.describe.setAccessibleName(self.tr("What the moments shall be about"))
        self.describe.returnPressed.connect(self._find)
        self.begin = button(self.tr("Find hooks"), "primary")
        self.begin.setMinimumHeight(42)
        self.begin.clicked.connect(self._find)
        self._cost = label("", "small", wrap=True)
        self._where = label("", "small", wrap=True)
        self.model = button(self.tr("Language model…"), "inline")
        self.model.clicked.connect(self.model_requested)
        self.banner = OpinionBanner(opinion, hooks)
        self.banner.settings_requested.connect(self.model_requested)
        self._finding = ProgressLines(self.tr("Looking for hooks"))
        self.cancel = self._finding.cancel
        self.cancel.clicked.connect(hooks.cancel)
        self._remedy = Remedy.RETRY
        self.remedy = button(remedy_text(self._remedy), "primary")
        self.remedy.clicked.connect(lambda: self.remedy_chosen.emit(self._remedy))
        self.take = button(self.tr("Add to the edit"), icon="plus")
        self.take.setToolTip(self.tr("Add the chosen hook to the edit  (Enter)"))
        self.take.clicked.connect(marks.take_chosen)
        self.cut_all = button("", "primary", "scissors")
        self.cut_all.clicked.connect(self.cut_all_requested)
        self.again = button(self.tr("Find again"), "quiet")
        self.again.clicked.connect(self._start_over)
        self.pages = QStackedWidget()
        self._idle = self._build_idle()
        self._list, self._failed = self._build_list(), self._build_failed()
        for page in (self._idle, self._finding, self._list, self._failed):
            self.pages.addWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 12, 0, 18)
        layout.addWidget(self.pages)
        self._starting_over = False
        hooks.changed.connect(self._show)
        marks.changed.connect(self._show_chosen)
        account.changed.connect(self._show)
        opinion.changed.connect(self._show)
        self._show()

    # --- building ---

    def _build_idle(self) -> QWidget:
        page, column = panel_page()
        column.addWidget(label(self.tr("Let Reely look for the gripping moments"), "heading", wrap=True))
        column.addWidget(
            label(
                self.tr("It reads the captions (or listens), and proposes 15 to 60 seconds with reasons."),
                "small",
                wrap=True,
            )
        )
        column.addWidget(self._where)
        column.addWidget(self.describe)
        column.addWidget(self.model, 0, Qt.AlignmentFlag.AlignLeft)
        column.addStretch()
        column.addWidget(self._cost)
        column.addWidget(self.begin)
        return page

    def _build_list(self) -> QWidget:
        page, column = panel_page()
        column.setContentsMargins(0, 0, 0, 0)
        inside = QWidget()
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(10, 0, 10, 0)
        self._column.setSpacing(2)
        self._notes = label("", "small", wrap=True)
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setWidget(inside)
        for surface in (area.viewport(), inside):
            surface.setAutoFillBackground(False)  # the panel's own shows through
        self.area = area
        foot = QVBoxLayout()
        foot.setContentsMargins(18, 0, 18, 0)
        foot.setSpacing(8)
        pair = QHBoxLayout()
        pair.addWidget(self.take, 1)
        pair.addWidget(self.again)
        foot.addLayout(pair)
        foot.addWidget(self.cut_all)
        column.addWidget(self.banner)
        column.addWidget(area, 1)
        column.addLayout(foot)
        return page

    def _build_failed(self) -> QWidget:
        page, column = panel_page()
        self._message, self._hint = label("", wrap=True), label("", "muted", wrap=True)
        self._code = label("", "code")
        back = button(self.tr("Back"), "quiet")
        back.clicked.connect(self._hooks.dismiss_error)
        column.addWidget(label(self.tr("No hooks were found"), "title"))
        for widget in (self._message, self._hint, self._code):
            column.addWidget(widget)
        column.addStretch()
        column.addWidget(self.remedy)
        column.addWidget(back)
        return page

    # --- showing ---

    def _show(self) -> None:
        hooks = self._hooks
        page = {
            Stage.IDLE: self._idle,
            Stage.FINDING: self._finding,
            Stage.FOUND: self._idle if self._starting_over else self._list,
            Stage.FAILED: self._failed,
        }[hooks.stage]
        self.pages.setCurrentWidget(page)
        status = self._account.status
        self._cost.setText(
            self.tr("Uses one hook run: {left} this month.").format(left=meter_words(status.hook_runs))
            if status.signed_in
            else ""
        )
        self._where.setText(
            self.tr("Then {model} helps to rank them.").format(model=self._opinion.model)
            if self._opinion.settings.enabled
            else self.tr("All of it happens on this computer.")
        )
        self._finding.show_progress(hooks.progress, stopping=hooks.cancelling)
        if hooks.error is not None:
            self._remedy = remedy_for(hooks.error, opening=False)
            if self._remedy is Remedy.SAVE_ELSEWHERE:  # it is no file that the user names
                self._remedy = Remedy.RETRY
            self._message.setText(hooks.error.message)
            self._hint.setText(hooks.error.hint)
            self._code.setText(hooks.error.code)
            self.remedy.setText(remedy_text(self._remedy))
            self.remedy.setVisible(self._remedy is not Remedy.BACK and hooks.error.exit is not Exit.USAGE)
        if hooks.hooks is not self._shown:
            self._fill(hooks.hooks)
        notes = "\n".join(hooks.notes)
        self._notes.setText(notes)
        self._notes.setVisible(bool(notes))
        count = len(hooks.hooks)
        self.cut_all.setText(self.tr("Cut all {count}").format(count=count))
        self.cut_all.setVisible(count > 0)
        self.take.setVisible(count > 0)

    def _fill(self, hooks: tuple[Hook, ...]) -> None:
        self._shown = hooks
        while (item := self._column.takeAt(0)) is not None:
            if (widget := item.widget()) is not None and widget is not self._notes:
                widget.deleteLater()
        self.rows = [HookRow(number, hook) for number, hook in enumerate(hooks)]
        for row in self.rows:
            row.chosen.connect(self._choose)
            self._column.addWidget(row)
        self._column.addWidget(self._notes)
        self._column.addStretch()
        self._show_chosen()

    def _show_chosen(self) -> None:
        for row in self.rows:
            row.show_chosen(row.number == self._marks.chosen)
        self.take.setEnabled(self._marks.chosen is not None)

    # --- what the user does ---

    def _choose(self, number: int) -> None:
        self._marks.choose(number)
        self.play_requested.emit()

    def _find(self) -> None:
        self._starting_over = False
        self._hooks.find(self.describe.text())

    def _start_over(self) -> None:
        self._starting_over = True
        self._show()
        self.describe.setFocus()


class HookRow(QFrame):
    """A hook: score, title and times; the chosen one also shows its reasons and its words."""

    chosen = Signal(int)

    def __init__(self, number: int, hook: Hook) -> None:
        super().__init__()
        self.number = number
        self.setObjectName("hookRow")
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        span = f"{format_timecode(hook.start, 1)} · {format_length(hook.end - hook.start)}"
        self.setAccessibleName(f"{hook.title}, {hook.score:.0f}, {span}")
        self.setAccessibleDescription("\n".join([*(reason.note for reason in hook.reasons), hook.text]))
        score = label(f"{hook.score:.0f}", "score")
        score.setAlignment(Qt.AlignmentFlag.AlignCenter)
        score.setFixedSize(34, 26)
        title = ElidedLabel("heading")
        title.setText(hook.title)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(title)
        words.addWidget(label(span, "small"))
        if hook.title_by:
            by = ElidedLabel("small")
            by.setText(self.tr("Title by {model}").format(model=hook.title_by))
            words.addWidget(by)
        head = QHBoxLayout()
        head.setSpacing(10)
        head.addWidget(score)
        head.addLayout(words, 1)
        self._more = QWidget()
        more = QVBoxLayout(self._more)
        more.setContentsMargins(0, 4, 0, 2)
        more.setSpacing(4)
        for reason in hook.reasons:
            more.addWidget(_ReasonRow(reason))
        said = label(hook.text, "muted", wrap=True)
        said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        more.addWidget(said)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 7, 8, 7)
        layout.setSpacing(4)
        layout.addLayout(head)
        layout.addWidget(self._more)
        self.show_chosen(False)

    def show_chosen(self, chosen: bool) -> None:
        self._more.setVisible(chosen)
        self.setProperty("chosen", chosen)
        self.style().unpolish(self)
        self.style().polish(self)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Space chooses and plays it, as a click; all other keys are the window's."""
        if event.key() == Qt.Key.Key_Space:
            self.chosen.emit(self.number)
        else:
            event.ignore()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802 - Qt's name
        if event.button() is Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.chosen.emit(self.number)
        event.accept()


class _ReasonRow(QWidget):
    """A signal's share as a bar, and what it found."""

    def __init__(self, reason: Reason) -> None:
        super().__init__()
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(_Share(reason.weight), 0, Qt.AlignmentFlag.AlignTop)
        note = f"{reason.by}: {reason.note}" if reason.by else reason.note
        layout.addWidget(label(note, "small", wrap=True), 1)
        self.setAccessibleName(f"{note}, {reason.weight:.0%}")


class _Share(QWidget):
    def __init__(self, share: float) -> None:
        super().__init__()
        self._share = share
        self.setFixedSize(_BAR.width(), 16)

    def paintEvent(self, _event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        top = (self.height() - _BAR.height()) / 2
        for width, name in ((1.0, "hover"), (max(0.06, self._share), "good")):
            painter.setBrush(theme.color(name))
            painter.drawRoundedRect(QRectF(0, top, _BAR.width() * width, _BAR.height()), 2.5, 2.5)
        painter.end()
