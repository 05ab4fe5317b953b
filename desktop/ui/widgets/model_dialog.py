"""Choosing a language model: none, one of the usual places, or any address; its name, key and price."""

from __future__ import annotations

from enum import Enum

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLineEdit, QSpinBox, QVBoxLayout, QWidget

from desktop.hooks.llm.endpoint import LEAST_CONTEXT, PRESETS, Preset
from desktop.hooks.llm.prices import PRICES_OF
from desktop.ui.model_ports import ModelSettings
from desktop.ui.models.model_setup import Draft, ModelSetup
from desktop.ui.widgets.choice import Choice, Option
from desktop.ui.widgets.controls import button, label
from desktop.ui.widgets.dialogs import ask

_WIDTH = 560
_LONGEST_KEY = 1000


class _Use(Enum):
    OFF = False
    ON = True


class _Place(Enum):
    OPENAI = "openai"
    ANTHROPIC = "anthropic"
    OLLAMA = "ollama"
    LLAMA_CPP = "llama-cpp"
    LM_STUDIO = "lm-studio"
    OTHER = ""


def _preset(place: _Place) -> Preset | None:
    return next((preset for preset in PRESETS if preset.id == place.value), None)


def _place_of(url: str) -> _Place:
    return next((_Place(preset.id) for preset in PRESETS if preset.url == url), _Place.OTHER)


class ModelDialog(QDialog):
    """Shows a `ModelSetup`. A key that was typed is given to it and kept nowhere else."""

    def __init__(self, setup: ModelSetup, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._setup = setup
        self.setModal(True)
        self.setWindowTitle(self.tr("Language model"))
        self.setFixedWidth(_WIDTH)
        self.use = Choice(
            (
                Option(_Use.OFF, self.tr("Off"), self.tr("Reely ranks the hooks alone, on this computer.")),
                Option(_Use.ON, self.tr("On"), self.tr("After each search the model is asked, too.")),
            )
        )
        self.use.chosen.connect(self._choose_use)
        names = [*((_Place(preset.id), preset.name) for preset in PRESETS), (_Place.OTHER, self.tr("Other"))]
        self.places = Choice(tuple(Option(place, name, "") for place, name in names), explained=False)
        self.places.chosen.connect(self._choose_place)
        self.url = _field(self.tr("Address"), "https://")
        self.url.textChanged.connect(self._show)
        self.name = _field(self.tr("Name of the model"), "")
        self.key = _field(self.tr("Key"), "")
        self.key.setEchoMode(QLineEdit.EchoMode.Password)
        self.key.setMaxLength(_LONGEST_KEY)
        self.context = QSpinBox()
        self.context.setRange(LEAST_CONTEXT, 1_000_000)
        self.context.setSingleStep(1024)
        self.context.setGroupSeparatorShown(True)
        self.context.setMinimumWidth(96)
        self.context.setAlignment(Qt.AlignmentFlag.AlignHCenter)
        self.context.setAccessibleName(self.tr("Tokens that a question and its answer may have"))
        self.price_sent = _field(self.tr("Dollars for a million tokens sent"), self.tr("sent"))
        self.price_answered = _field(self.tr("Dollars for a million tokens answered"), self.tr("answered"))
        self._key_hint = label("", "small", wrap=True)
        self._error, self._said = label("", "bad", wrap=True), label("", "good", wrap=True)
        self.test = button(self.tr("Test"))
        self.test.clicked.connect(lambda: setup.try_out(self.draft()))
        self.forget = button(self.tr("Forget…"), "quiet")
        self.forget.clicked.connect(self._ask_to_forget)
        self.cancel = button(self.tr("Cancel"))
        self.cancel.clicked.connect(self.reject)
        self.save = button(self.tr("Save"), "primary")
        self.save.clicked.connect(lambda: setup.keep(self.draft()))
        self._value = _Use.OFF
        self._build()
        self._fill(setup.opinion.settings)
        setup.begin()
        setup.changed.connect(self._show)
        setup.kept.connect(self.accept)
        self.finished.connect(self._left)
        self._show()

    def draft(self) -> Draft:
        """What is typed."""
        return Draft(
            enabled=bool(self._value.value),
            url=self.url.text(),
            model=self.name.text(),
            context=self.context.value(),
            price_sent=self.price_sent.text(),
            price_answered=self.price_answered.text(),
            key=self.key.text(),
        )

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(28, 24, 28, 20)
        layout.setSpacing(8)
        layout.addWidget(label(self.tr("A language model of your own"), "title"))
        layout.addWidget(
            label(
                self.tr(
                    "It helps to put hooks in order, and words their titles. It is sent what is said in a "
                    "video, and nothing before you have seen it."
                ),
                "muted",
                wrap=True,
            )
        )
        layout.addSpacing(6)
        layout.addWidget(self.use)
        layout.addSpacing(4)
        layout.addWidget(self.places)
        layout.addSpacing(4)
        for name, field in (
            (self.tr("Address"), self.url),
            (self.tr("Model"), self.name),
            (self.tr("Key"), self.key),
        ):
            row = QHBoxLayout()
            row.addWidget(_name(name))
            row.addWidget(field, 1)
            layout.addLayout(row)
        layout.addWidget(self._key_hint)
        prices = QHBoxLayout()
        prices.addWidget(_name(self.tr("Price")))
        prices.addWidget(self.price_sent)
        prices.addWidget(self.price_answered)
        prices.addWidget(label(self.tr("$ a million tokens"), "muted"))
        layout.addLayout(prices)
        layout.addWidget(
            label(
                self.tr("Prices are for the estimate; left empty, those of {month} count.").format(
                    month=PRICES_OF
                ),
                "small",
                wrap=True,
            )
        )
        room = QHBoxLayout()
        room.addWidget(_name(self.tr("Context")))
        room.addWidget(self.context)
        room.addWidget(label(self.tr("tokens for a question and its answer"), "muted"), 1)
        layout.addLayout(room)
        layout.addWidget(self._error)
        layout.addWidget(self._said)
        layout.addSpacing(8)
        bottom = QHBoxLayout()
        bottom.addWidget(self.test)
        bottom.addWidget(self.forget)
        bottom.addStretch()
        bottom.addWidget(self.cancel)
        bottom.addWidget(self.save)
        layout.addLayout(bottom)

    def _fill(self, settings: ModelSettings) -> None:
        endpoint = settings.endpoint
        self._value = _Use(settings.enabled)
        self.use.show_value(self._value)
        if endpoint is None:
            self._choose_place(_Place.OPENAI)
            return
        self.places.show_value(_place_of(endpoint.url))
        self.url.setText(endpoint.url)
        self.name.setText(endpoint.model)
        self.context.setValue(endpoint.context)
        if endpoint.price is not None:
            self.price_sent.setText(f"{endpoint.price.sent:g}")
            self.price_answered.setText(f"{endpoint.price.answered:g}")

    def _choose_use(self, use: _Use) -> None:
        self._value = use
        self.use.show_value(use)
        self._show()

    def _choose_place(self, place: _Place) -> None:
        self.places.show_value(place)
        preset = _preset(place)
        for price in (self.price_sent, self.price_answered):
            price.clear()
        self.key.clear()
        if preset is None:
            self.url.clear()
            self.name.clear()
            self.url.setFocus()
        else:
            self.url.setText(preset.url)
            self.name.setText(preset.model)
            self.context.setValue(preset.context)
        self._show()

    def _ask_to_forget(self) -> None:
        ask(
            self,
            self.tr("Forget the language model?"),
            self.tr("Its key is deleted from the keyring, and nothing is sent any more."),
            self.tr("Forget"),
            self._setup.forget,
        )

    def _left(self) -> None:
        self.key.clear()
        self._setup.leave()

    def _show(self) -> None:
        setup, settings = self._setup, self._setup.opinion.settings
        error = setup.error
        known = settings.endpoint is not None
        same = settings.endpoint is not None and settings.endpoint.url == self.url.text().strip()
        here = self.url.text().strip().startswith("http://")
        if same and settings.key_kept:
            hint = self.tr("A key is kept; type another one to replace it.")
        elif here:
            hint = self.tr("A model on this computer mostly needs no key.")
        else:
            hint = self.tr("It is kept in the keyring of this computer, and never shown again.")
        if same and settings.key_kept and not settings.key_lasts:
            hint = self.tr("This computer has no keyring: the key is forgotten when Reely is closed.")
        self._key_hint.setText(hint)
        self._error.setText(f"{error.message} {error.hint}" if error else "")
        self._error.setVisible(error is not None)
        self._said.setText(setup.said)
        self._said.setVisible(bool(setup.said))
        self.test.setText(self.tr("One moment…") if setup.trying else self.tr("Test"))
        self.forget.setVisible(known)
        for widget in (self.test, self.forget, self.save, self.places, self.use):
            widget.setEnabled(not setup.busy)
        self.adjustSize()


def _field(name: str, placeholder: str) -> QLineEdit:
    field = QLineEdit()
    field.setAccessibleName(name)
    field.setPlaceholderText(placeholder)
    field.setMaxLength(500)
    return field


def _name(text: str) -> QWidget:
    name = label(text, "heading")
    name.setFixedWidth(64)
    name.setAlignment(Qt.AlignmentFlag.AlignVCenter)
    return name
