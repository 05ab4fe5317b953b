"""Over the list of hooks: whether a language model was asked about them, how it goes, and what came of it."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from desktop.ui.models.hooks import Hooks, Stage
from desktop.ui.models.second_opinion import Asking, SecondOpinion
from desktop.ui.widgets.controls import button, label
from desktop.ui.words import usage_text


class OpinionBanner(QWidget):
    """Shows a `SecondOpinion`; not there while there is nothing to say. Emits `settings_requested`."""

    settings_requested = Signal()

    def __init__(self, opinion: SecondOpinion, hooks: Hooks, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._opinion = opinion
        self._hooks = hooks
        self._words = label("", "small", wrap=True)
        self._hint = label("", "small", wrap=True)
        self._code = label("", "code")
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.setAccessibleName(self.tr("Progress of the language model"))
        self.stop = button(self.tr("Stop"), "inline")
        self.stop.clicked.connect(opinion.stop)
        self.ask = button("", "inline")
        self.ask.clicked.connect(opinion.ask)
        self.settings = button(self.tr("Settings…"), "inline")
        self.settings.clicked.connect(self.settings_requested)
        buttons = QHBoxLayout()
        buttons.setSpacing(0)
        for each in (self.stop, self.ask, self.settings):
            buttons.addWidget(each)
        buttons.addStretch()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 0, 18, 8)
        layout.setSpacing(4)
        for widget in (self._words, self._hint, self._code, self._bar):
            layout.addWidget(widget)
        layout.addLayout(buttons)
        opinion.changed.connect(self._show)
        hooks.changed.connect(self._show)
        self._show()

    def _show(self) -> None:
        opinion, error = self._opinion, self._opinion.error
        waiting = opinion.asking in {Asking.LOOKING, Asking.WAITING}
        can_ask = bool(
            opinion.settings.endpoint
            and opinion.asking is Asking.NOT
            and self._hooks.stage is Stage.FOUND
            and self._hooks.answer
            and self._hooks.answer.evidence
        )
        self._words.setText(self._said())
        self._words.setVisible(bool(self._words.text()))
        self._hint.setText(error.hint if error else "")
        self._hint.setVisible(error is not None)
        self._code.setText(error.code if error else "")
        self._code.setVisible(error is not None)
        self._bar.setVisible(waiting)
        if opinion.progress is None:
            self._bar.setRange(0, 0)
        else:
            self._bar.setRange(0, 1000)
            self._bar.setValue(round(opinion.progress.fraction * 1000))
        self.stop.setVisible(waiting)
        self.stop.setEnabled(not opinion.stopping)
        again = error is not None or opinion.declined
        self.ask.setText(
            self.tr("Ask again") if again else self.tr("Ask {model}").format(model=opinion.model)
        )
        self.ask.setVisible(can_ask)
        self.settings.setVisible(error is not None)
        self.setVisible(waiting or can_ask or bool(self._words.text()))

    def _said(self) -> str:
        opinion = self._opinion
        model = opinion.model
        if opinion.error is not None:
            return self.tr("Reely's own ranking. {why}").format(why=opinion.error.message)
        if opinion.declined:
            return self.tr("Reely's own ranking; {model} was not asked.").format(model=model)
        match opinion.asking:
            case Asking.LOOKING | Asking.WAITING if opinion.stopping:
                return self.tr("Stopping")
            case Asking.LOOKING | Asking.WAITING:
                return self.tr("{model} compares them. Until then, this is Reely's own ranking.").format(
                    model=model
                )
            case Asking.DONE:
                usage = self._hooks.answer.usage if self._hooks.answer else None
                said = self.tr("Ranked by Reely together with {model}.").format(model=model)
                return f"{said} {usage_text(usage)}" if usage else said
            case _:
                return ""
