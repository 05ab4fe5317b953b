"""What is done with hooks in the window: finding, playing and cutting them, and going on after a refusal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import QObject

from desktop.ui.account_dialogs import AccountDialogs, may_upgrade
from desktop.ui.models.export import Delivery, Export
from desktop.ui.models.hooks import Hooks, Stage
from desktop.ui.models.marks import Marks
from desktop.ui.models.timeline import Timeline
from desktop.ui.player import Player
from desktop.ui.widgets.editor_page import EditorPage, Tab
from desktop.ui.words import Remedy


@dataclass(frozen=True)
class Parts:
    """What of the window hooks have to do with."""

    hooks: Hooks
    marks: Marks
    timeline: Timeline
    export: Export
    player: Player
    editor: EditorPage
    accounts: AccountDialogs


class HooksDesk(QObject):
    """Does what the hooks' panel asks for; `start_export` makes the clips of the edit."""

    def __init__(self, parts: Parts, start_export: Callable[[], None], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._on = parts
        self._start_export = start_export
        panel = parts.editor.hooks
        panel.play_requested.connect(self._play)
        panel.cut_all_requested.connect(self._cut_all)
        panel.remedy_chosen.connect(self._remedy)
        parts.hooks.found.connect(parts.accounts.account.refresh)
        parts.hooks.failed.connect(self._refused)

    def find(self) -> None:
        """Show the hooks, and look for them if that was not done yet."""
        self._on.editor.show_tab(Tab.HOOKS)
        if self._on.hooks.stage is Stage.IDLE:
            self._on.editor.hooks.begin.click()

    def _refused(self) -> None:
        """What the tier forbids opens its offers by itself."""
        if may_upgrade(self._on.hooks.error):
            self._remedy(Remedy.UPGRADE)

    def _play(self) -> None:
        chosen = self._on.marks.chosen
        if chosen is not None:
            self._on.player.play_range(self._on.marks.marks[chosen].range)

    def _cut_all(self) -> None:
        """A clip of each hook, as its mark was adjusted."""
        self._on.timeline.choose([(mark.start, mark.end) for mark in self._on.marks.marks])
        self._on.export.set_delivery(Delivery.SEPARATE)
        self._start_export()

    def _remedy(self, remedy: Remedy) -> None:
        hooks, accounts = self._on.hooks, self._on.accounts
        match remedy:
            case Remedy.SIGN_IN:
                accounts.sign_in(hooks.find_again)
            case Remedy.UPGRADE:
                accounts.show_offers(hooks.error, hooks.find_again)
            case _:
                hooks.find_again()
