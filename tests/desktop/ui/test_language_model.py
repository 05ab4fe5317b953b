"""A language model in the window: chosen, agreed to, waited for, stopped, and never in the way of hooks."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TypeVar

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QDialog, QLabel, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from desktop.errors import Exit, ReelyError
from desktop.hooks.llm.endpoint import Price
from desktop.ui.model_ports import ModelSettings
from desktop.ui.models.hooks import Stage
from desktop.ui.models.second_opinion import Asking
from desktop.ui.widgets.editor_page import Tab
from desktop.ui.widgets.model_dialog import ModelDialog, _Place, _Use
from desktop.ui.widgets.sending_dialog import SendingDialog
from desktop.ui.window import MainWindow
from tests.desktop.ui.stage import StagePorts
from tests.desktop.ui.stage_account import SIGNED_IN
from tests.desktop.ui.stage_model import GPT, IN_USE

LEFT = Qt.MouseButton.LeftButton
KEY = "sk-5up3r-s3cr3t"
SLOW = ReelyError("llm-slow", "api.openai.com gave no whole answer.", "Try again.", Exit.NETWORK)

DialogT = TypeVar("DialogT", bound=QDialog)


def click(widget: QWidget) -> None:
    QTest.mouseClick(widget, LEFT)


def words(widget: QWidget) -> str:
    return "\n".join(each.text() for each in widget.findChildren(QLabel) if each.isVisible())


def opened(window: QWidget, kind: type[DialogT]) -> DialogT:
    (dialog,) = [each for each in window.findChildren(kind) if each.isVisible()]
    return dialog


@pytest.fixture
def at_hooks(ready: MainWindow, qtbot: QtBot, ports: StagePorts) -> Iterator[MainWindow]:
    """The window with a source open and somebody signed in, at the hooks' tab."""
    ports.status = SIGNED_IN
    ready.account.refresh()
    qtbot.waitUntil(lambda: ready.account.status.signed_in)
    click(ready.editor.tabs.button(Tab.HOOKS))
    yield ready
    ports.answered.set()


@pytest.fixture
def with_model(at_hooks: MainWindow, qtbot: QtBot, ports: StagePorts) -> MainWindow:
    """The same, with a model in use that was not agreed to yet."""
    ports.model_settings_kept = IN_USE
    at_hooks.models.opinion.load()
    qtbot.waitUntil(lambda: at_hooks.models.opinion.settings.enabled)
    return at_hooks


@pytest.fixture
def shown(with_model: MainWindow, qtbot: QtBot) -> SendingDialog:
    """What would be sent, after a search."""
    click(with_model.editor.hooks.begin)
    qtbot.waitUntil(lambda: any(d.isVisible() for d in with_model.findChildren(SendingDialog)))
    return opened(with_model, SendingDialog)


# --- choosing ---


@pytest.fixture
def dialog(at_hooks: MainWindow) -> ModelDialog:
    click(at_hooks.editor.hooks.model)
    return opened(at_hooks, ModelDialog)


def test_none_is_used_unless_somebody_chooses_one(
    at_hooks: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    assert "All of it happens on this computer." in words(at_hooks.editor.hooks)
    click(at_hooks.editor.hooks.begin)
    qtbot.waitUntil(lambda: at_hooks.hooks.stage is Stage.FOUND)
    assert at_hooks.models.opinion.asking is Asking.NOT
    assert not at_hooks.editor.hooks.banner.isVisible()
    assert ports.reranked == []


def test_a_model_is_chosen_with_its_key(
    at_hooks: MainWindow, dialog: ModelDialog, qtbot: QtBot, ports: StagePorts
) -> None:
    click(dialog.use.button(_Use.ON))
    click(dialog.places.button(_Place.ANTHROPIC))
    assert dialog.url.text() == "https://api.anthropic.com/v1"
    assert dialog.name.text().startswith("claude")
    QTest.keyClicks(dialog.key, KEY)
    assert KEY not in dialog.key.displayText()
    QTest.keyClicks(dialog.price_sent, "0.5")
    click(dialog.save)
    qtbot.waitUntil(lambda: at_hooks.models.opinion.settings.enabled)
    kept = ports.model_settings_kept.endpoint
    assert kept is not None
    assert (kept.host, kept.price) == ("api.anthropic.com", Price(sent=0.5, answered=0))
    assert ports.model_keys == [KEY]
    assert not any(d.isVisible() for d in at_hooks.findChildren(ModelDialog))
    assert "Then claude-haiku-5-5 helps to rank them." in words(at_hooks.editor.hooks)


def test_a_key_is_never_shown_again(with_model: MainWindow, ports: StagePorts, qtbot: QtBot) -> None:
    click(with_model.editor.hooks.model)
    dialog = opened(with_model, ModelDialog)
    assert (dialog.url.text(), dialog.name.text(), dialog.key.text()) == (GPT.url, GPT.model, "")
    assert "A key is kept" in words(dialog)
    dialog.key.setText(KEY)
    click(dialog.cancel)
    assert ports.model_keys == []
    click(with_model.editor.hooks.model)
    assert opened(with_model, ModelDialog).key.text() == ""


@pytest.mark.parametrize(
    ("url", "price", "said"),
    [
        ("http://example.com/v1", "", "where others can read along"),
        ("sk-5up3r-s3cr3t", "", "no address of a language model"),
        ("https://api.openai.com/v1", "cheap", "no price"),
    ],
)
def test_what_cannot_be_is_said_and_nothing_is_kept(
    dialog: ModelDialog, ports: StagePorts, url: str, price: str, said: str
) -> None:
    dialog.url.setText(url)
    dialog.price_sent.setText(price)
    click(dialog.save)
    assert said in words(dialog)
    assert KEY not in words(dialog)
    assert dialog.isVisible()
    assert ports.model_settings_kept == ModelSettings()


def test_it_is_tried_before_it_is_kept(dialog: ModelDialog, qtbot: QtBot, ports: StagePorts) -> None:
    click(dialog.places.button(_Place.OLLAMA))
    click(dialog.test)
    qtbot.waitUntil(lambda: "llama3.2 answered in 1.2 s" in words(dialog))
    assert ports.model_tries[0][0].url == "http://localhost:11434/v1"
    ports.model_error = ReelyError("llm-unreachable", "Nothing answers there.", "Start it.", Exit.NETWORK)
    click(dialog.test)
    qtbot.waitUntil(lambda: "Nothing answers there. Start it." in words(dialog))
    assert ports.model_settings_kept == ModelSettings()


def test_it_can_be_forgotten(with_model: MainWindow, qtbot: QtBot, ports: StagePorts) -> None:
    click(with_model.editor.hooks.model)
    dialog = opened(with_model, ModelDialog)
    click(dialog.forget)
    question = opened(dialog, QMessageBox)
    click(next(each for each in question.buttons() if each.text() == "Forget"))
    qtbot.waitUntil(lambda: not with_model.models.opinion.settings.enabled)
    assert ports.model_settings_kept == ModelSettings()
    assert "All of it happens on this computer." in words(with_model.editor.hooks)


# --- sending ---


def test_what_is_sent_is_shown_before_and_reelys_own_hooks_are_there_meanwhile(
    with_model: MainWindow, shown: SendingDialog, ports: StagePorts
) -> None:
    assert "Send what is said to gpt-6-luna?" in words(shown)
    assert "api.openai.com, which cost" in words(shown)
    text = shown.text.toPlainText()
    assert "[0] 1s And nobody had seen it coming." in text
    assert "[39]" in text
    assert ports.reranked == []
    assert len(with_model.editor.hooks.rows) == 3


def test_sending_gives_the_models_order_and_words_marked_as_its_own(
    with_model: MainWindow, shown: SendingDialog, qtbot: QtBot, ports: StagePorts
) -> None:
    ports.answered.clear()
    click(shown.send)
    qtbot.waitUntil(ports.asked.is_set)
    panel = with_model.editor.hooks
    qtbot.waitUntil(lambda: "gpt-6-luna compares them." in words(panel.banner))
    assert len(panel.rows) == 3
    ports.answered.set()
    qtbot.waitUntil(lambda: with_model.models.opinion.asking is Asking.DONE)
    with_model.marks.choose(0)
    qtbot.waitUntil(panel.rows[0].isVisible)  # Qt shows what comes into a layout a moment later
    told = words(panel)
    for each in (
        "Ranked by Reely together with gpt-6-luna. 1,100 tokens, $0.0002.",
        "The plan nobody believed in",
        "Title by gpt-6-luna",
        "gpt-6-luna: It ends on a real surprise.",
    ):
        assert each in told, each
    assert with_model.marks.marks[0].title == "The plan nobody believed in"
    assert ports.agreed


def test_what_was_chosen_and_adjusted_meanwhile_stays_so_wherever_the_model_puts_it(
    with_model: MainWindow, shown: SendingDialog, qtbot: QtBot, ports: StagePorts
) -> None:
    ports.answered.clear()
    click(shown.send)
    qtbot.waitUntil(ports.asked.is_set)
    marks, hooks = with_model.marks, with_model.hooks
    assert hooks.answer is not None
    moments = [(hook.start, hook.end) for hook in hooks.answer.hooks]
    marks.choose(0)
    marks.set_out(0, marks.marks[0].end + 0.2)
    adjusted, others = marks.marks[0].range, {mark.range for mark in marks.marks[1:]}
    playhead = with_model.timeline.playhead
    ports.answered.set()
    qtbot.waitUntil(lambda: with_model.models.opinion.asking is Asking.DONE)
    order = [(hook.start, hook.end) for hook in hooks.answer.hooks]
    assert order != moments
    assert marks.chosen == order.index(moments[0]) != 0
    assert marks.marks[marks.chosen].range == adjusted
    assert {mark.range for mark in marks.marks} == {adjusted, *others}
    assert with_model.timeline.playhead == playhead


def test_not_now_sends_nothing_and_it_can_be_asked_later(
    with_model: MainWindow, shown: SendingDialog, qtbot: QtBot, ports: StagePorts
) -> None:
    click(shown.not_now)
    panel = with_model.editor.hooks
    qtbot.waitUntil(lambda: "gpt-6-luna was not asked" in words(panel.banner))
    assert (ports.reranked, ports.agreed) == ([], False)
    click(panel.banner.ask)
    qtbot.waitUntil(lambda: any(d.isVisible() for d in with_model.findChildren(SendingDialog)))
    click(opened(with_model, SendingDialog).send)
    qtbot.waitUntil(lambda: with_model.models.opinion.asking is Asking.DONE)


def test_whoever_has_agreed_is_not_asked_again(
    with_model: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    ports.agreed = True
    panel = with_model.editor.hooks
    panel.describe.setText("surprises")
    click(panel.begin)
    qtbot.waitUntil(lambda: with_model.models.opinion.asking is Asking.DONE)
    assert ports.reranked == ["surprises"]
    assert not with_model.findChildren(SendingDialog)


def test_waiting_can_be_stopped_and_reelys_ranking_stays(
    with_model: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    ports.agreed = True
    ports.answered.clear()
    click(with_model.editor.hooks.begin)
    qtbot.waitUntil(ports.asked.is_set)
    banner = with_model.editor.hooks.banner
    qtbot.waitUntil(banner.stop.isVisible)
    click(banner.stop)
    qtbot.waitUntil(lambda: with_model.models.opinion.asking is Asking.NOT, timeout=500)
    assert "Reely's own ranking" in words(banner)
    assert [row.number for row in with_model.editor.hooks.rows] == [0, 1, 2]
    assert with_model.marks.marks[0].title == "The squirrels strike back"


def test_a_stop_before_anything_is_sent_sends_nothing(
    with_model: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    ports.agreed = True
    ports.looking.clear()
    click(with_model.editor.hooks.begin)
    opinion = with_model.models.opinion
    qtbot.waitUntil(lambda: opinion.asking is Asking.LOOKING)
    click(with_model.editor.hooks.banner.stop)
    ports.looking.set()
    qtbot.waitUntil(lambda: opinion.asking is Asking.NOT)
    assert opinion.declined
    assert ports.reranked == []


def test_a_failure_is_told_beside_reelys_ranking_and_tried_again(
    with_model: MainWindow, qtbot: QtBot, ports: StagePorts
) -> None:
    ports.agreed = True
    ports.model_error = SLOW
    click(with_model.editor.hooks.begin)
    banner = with_model.editor.hooks.banner
    qtbot.waitUntil(lambda: "Reely's own ranking. api.openai.com gave no whole answer." in words(banner))
    assert "llm-slow" in words(banner)
    assert with_model.hooks.stage is Stage.FOUND
    assert len(with_model.editor.hooks.rows) == 3
    ports.model_error = None
    click(banner.ask)
    qtbot.waitUntil(lambda: with_model.models.opinion.asking is Asking.DONE)
    click(with_model.editor.hooks.model)


def test_another_source_ends_the_waiting(with_model: MainWindow, qtbot: QtBot, ports: StagePorts) -> None:
    ports.agreed = True
    ports.answered.clear()
    click(with_model.editor.hooks.begin)
    qtbot.waitUntil(ports.asked.is_set)
    with_model.open("https://youtu.be/def")
    qtbot.waitUntil(lambda: with_model.hooks.stage is Stage.IDLE)
    assert with_model.models.opinion.asking is Asking.NOT
    ports.answered.set()
    qtbot.waitUntil(lambda: with_model.session.preview is not None, timeout=10_000)
    assert with_model.hooks.hooks == ()


def test_ports_are_called_off_the_windows_thread(
    with_model: MainWindow, shown: SendingDialog, qtbot: QtBot, ports: StagePorts
) -> None:
    click(shown.send)
    qtbot.waitUntil(lambda: with_model.models.opinion.asking is Asking.DONE)
    assert threading.get_ident() not in ports.calls_on_model
