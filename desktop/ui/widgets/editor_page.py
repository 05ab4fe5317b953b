"""The page on which a source is cut: picture, transport, side panel, timeline."""

from __future__ import annotations

from enum import Enum, auto

from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from desktop.timecode import format_timecode
from desktop.ui.models.export import Export
from desktop.ui.models.session import Session, State
from desktop.ui.player import Player
from desktop.ui.sound import Sound
from desktop.ui.widgets.choice import Choice, Option
from desktop.ui.widgets.controls import ElidedLabel, label
from desktop.ui.widgets.export_panel import ExportPanel
from desktop.ui.widgets.hooks_panel import HooksPanel
from desktop.ui.widgets.outcome_cards import ErrorCard, ResultCard, WorkingCard
from desktop.ui.widgets.preview_view import PreviewView
from desktop.ui.widgets.timeline_painting import Shown
from desktop.ui.widgets.timeline_panel import TimelinePanel
from desktop.ui.widgets.transport_bar import TransportBar
from desktop.ui.widgets.words_panel import WordsPanel


class Tab(Enum):
    """What the side panel is about."""

    CLIP = auto()
    HOOKS = auto()
    WORDS = auto()


class EditorPage(QWidget):
    """Arranges the parts and picks the side panel's card by the session's state."""

    def __init__(
        self,
        session: Session,
        shown: Shown,
        export: Export,
        player: Player,
        *,
        hooks: HooksPanel,
        words: WordsPanel,
        sound: Sound,
    ) -> None:
        super().__init__()
        timeline = shown.timeline
        self._session = session
        self._title = ElidedLabel("title")
        self._facts = label("", "muted")
        self.preview = PreviewView(session, player)
        self.preview.clicked.connect(player.toggle)
        self.transport = TransportBar(timeline, player, sound)
        self.timeline = TimelinePanel(shown)
        self.timeline.view.scrubbed.connect(player.pause)
        self.export = ExportPanel(export, timeline)
        self.working = WorkingCard(session)
        self.result = ResultCard(session)
        self.error = ErrorCard(session, opening=False)
        self.result.again_requested.connect(session.dismiss)
        self.error.dismissed.connect(session.dismiss)
        self.hooks = hooks
        self.words = words
        self.timeline.view.scrubbed.connect(words.reading.list.follow)
        self.making = self._build_making()
        self.side = QStackedWidget()
        for card in (self.making, self.working, self.result, self.error):
            self.side.addWidget(card)

        panel = QFrame()
        panel.setObjectName("sidePanel")
        panel.setFixedWidth(296)
        inside = QVBoxLayout(panel)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.addWidget(self.side)
        head = QHBoxLayout()
        head.setSpacing(12)
        head.addWidget(self._title, 1)
        head.addWidget(self._facts)
        upper = QGridLayout()
        upper.setContentsMargins(18, 14, 18, 12)
        upper.setHorizontalSpacing(18)
        upper.setVerticalSpacing(10)
        upper.addLayout(head, 0, 0)
        upper.addWidget(self.preview, 1, 0)
        upper.addWidget(self.transport, 2, 0)
        upper.addWidget(panel, 0, 1, 3, 1)
        upper.setRowStretch(1, 1)
        upper.setColumnStretch(0, 1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(upper, 1)
        layout.addWidget(self.timeline)
        session.changed.connect(self._show)
        self.show_tab(Tab.CLIP)
        self._show()

    def _build_making(self) -> QWidget:
        self.tabs = Choice(
            (
                Option(Tab.CLIP, self.tr("Clip"), ""),
                Option(Tab.HOOKS, self.tr("Hooks"), ""),
                Option(Tab.WORDS, self.tr("Words"), ""),
            ),
            explained=False,
        )
        self.tabs.chosen.connect(self.show_tab)
        page = QWidget()
        making = QVBoxLayout(page)
        making.setContentsMargins(0, 0, 0, 0)
        making.setSpacing(0)
        top = QVBoxLayout()
        top.setContentsMargins(18, 14, 18, 0)
        top.addWidget(self.tabs)
        self._tab = QStackedWidget()
        self._panels: dict[Tab, QWidget] = {
            Tab.CLIP: self.export,
            Tab.HOOKS: self.hooks,
            Tab.WORDS: self.words,
        }
        for panel in self._panels.values():
            self._tab.addWidget(panel)
        making.addLayout(top)
        making.addWidget(self._tab, 1)
        return page

    def show_tab(self, tab: Tab) -> None:
        """Show the clip that is made, the hooks that are proposed, or what is said."""
        self.tabs.show_value(tab)
        self._tab.setCurrentWidget(self._panels[tab])

    def _show(self) -> None:
        session = self._session
        cards: dict[State, QWidget] = {
            State.WORKING: self.working,
            State.DONE: self.result,
            State.FAILED: self.error,
        }
        self.side.setCurrentWidget(cards.get(session.state, self.making))
        source = session.source
        if source is not None:
            self._title.setText(source.title)
            facts = [source.channel, format_timecode(source.duration, 0)]
            self._facts.setText("  ·  ".join(fact for fact in facts if fact))
