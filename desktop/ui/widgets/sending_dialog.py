"""What would be sent to a language model, word for word, before anything is."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from desktop.hooks.llm.outgoing import Outgoing
from desktop.ui.widgets.controls import button, label


class SendingDialog(QDialog):
    """Accepted by *Send*; everything else sends nothing."""

    def __init__(self, outgoing: Outgoing, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        endpoint = outgoing.endpoint
        self.setModal(True)
        self.setWindowTitle(self.tr("Language model"))
        self.resize(640, 560)
        self.text = QPlainTextEdit(outgoing.text)
        self.text.setReadOnly(True)
        self.text.setAccessibleName(self.tr("What would be sent"))
        self.send = button(self.tr("Send"), "primary")
        self.send.clicked.connect(self.accept)
        self.not_now = button(self.tr("Not now"))
        self.not_now.clicked.connect(self.reject)
        self.not_now.setDefault(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(28, 24, 28, 20)
        layout.setSpacing(10)
        layout.addWidget(
            label(self.tr("Send what is said to {model}?").format(model=endpoint.model), "title", wrap=True)
        )
        layout.addWidget(label(outgoing.in_words, wrap=True))
        layout.addWidget(
            label(
                self.tr(
                    "This text, word for word, and no picture, sound, title or link. A last question repeats "
                    "the best moments of it."
                ),
                "muted",
                wrap=True,
            )
        )
        layout.addWidget(self.text, 1)
        layout.addWidget(
            label(
                self.tr("If you send it, {host} is sent other videos' words, too, without asking.").format(
                    host=endpoint.host
                ),
                "small",
                wrap=True,
            )
        )
        bottom = QHBoxLayout()
        bottom.addStretch()
        bottom.addWidget(self.not_now)
        bottom.addWidget(self.send)
        layout.addLayout(bottom)
        self.not_now.setFocus()
