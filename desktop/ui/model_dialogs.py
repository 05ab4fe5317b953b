"""The language model's dialogs over the window: choosing one, and seeing what is sent before it is."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt
from PySide6.QtWidgets import QDialog, QWidget

from desktop.hooks.llm.outgoing import Outgoing
from desktop.ui.model_ports import ModelPorts
from desktop.ui.models.hooks import Hooks
from desktop.ui.models.model_setup import ModelSetup
from desktop.ui.models.second_opinion import SecondOpinion
from desktop.ui.operations import OperationRunner
from desktop.ui.widgets.model_dialog import ModelDialog
from desktop.ui.widgets.sending_dialog import SendingDialog


class ModelDialogs(QObject):
    """Opens one dialog at a time over `window`, and holds what they show."""

    def __init__(self, ports: ModelPorts, runner: OperationRunner, hooks: Hooks, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self.opinion = SecondOpinion(ports, runner, hooks, self)
        self.setup = ModelSetup(ports, runner, self.opinion, self)
        self.opinion.agreement_needed.connect(self._show_outgoing)

    def show_settings(self) -> None:
        """Which model is used, if any."""
        self._open(ModelDialog(self.setup, self._window))

    def _show_outgoing(self, outgoing: Outgoing) -> None:
        dialog = SendingDialog(outgoing, self._window)
        dialog.accepted.connect(lambda: self.opinion.agree(outgoing))
        dialog.rejected.connect(self.opinion.decline)
        self._open(dialog)

    @staticmethod
    def _open(dialog: QDialog) -> None:
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()
