"""Secrets: in the keyring if there is one that answers, else in memory, and never on disk."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import keyring.core
import pytest
from keyring.backends.null import Keyring as NullKeyring
from keyring.errors import KeyringLocked

from desktop.account import SecretStore
from desktop.errors import Exit, ReelyError
from tests.desktop.account.conftest import MemoryKeyring


class StuckKeyring(MemoryKeyring):
    """A keyring that waits for somebody to unlock it."""

    def __init__(self) -> None:
        super().__init__()
        self.unlocked = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.unlocked.wait()
        return super().get_password(service, username)


class LockedKeyring(MemoryKeyring):
    """A keyring whose user has refused to unlock it."""

    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked("locked")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise KeyringLocked("locked")


class BrokenKeyring(MemoryKeyring):
    """A backend that lets its own errors through."""

    def get_password(self, service: str, username: str) -> str | None:
        raise OSError("no bus")

    def set_password(self, service: str, username: str, password: str) -> None:
        raise OSError("no bus")


@pytest.fixture
def stuck() -> Iterator[StuckKeyring]:
    backend = StuckKeyring()
    yield backend
    backend.unlocked.set()
    for thread in threading.enumerate():
        if thread.name == "keyring":
            thread.join()


def test_a_secret_is_kept_found_replaced_and_forgotten() -> None:
    backend = MemoryKeyring()
    store = SecretStore(backend)
    assert store.get("key") is None
    store.set("key", "one")
    store.set("key", "two")
    assert SecretStore(backend).get("key") == "two"
    assert store.lasting
    store.delete("key")
    store.delete("key")
    assert store.get("key") is None
    assert backend.secrets == {}


@pytest.mark.parametrize("backend", [LockedKeyring(), BrokenKeyring(), NullKeyring()])
def test_what_the_keyring_does_not_take_stays_in_memory_for_this_session(backend: MemoryKeyring) -> None:
    store = SecretStore(backend)
    store.set("key", "secret")
    assert store.get("key") == "secret"
    assert not store.lasting
    assert SecretStore(backend).get("key") is None
    store.delete("key")
    assert store.get("key") is None


def test_without_any_keyring_secrets_stay_in_memory() -> None:
    store = SecretStore()
    store.set("key", "secret")
    assert store.get("key") == "secret"
    assert not store.lasting
    assert SecretStore().get("key") is None


def test_a_keyring_that_does_not_answer_is_told_in_time(stuck: StuckKeyring) -> None:
    store = SecretStore(stuck, time_limit=0.1)
    started = time.monotonic()
    with pytest.raises(ReelyError) as silent:
        store.get("key")
    assert time.monotonic() - started < 2
    assert (silent.value.code, silent.value.exit) == ("keyring-silent", Exit.ACCOUNT)


def test_a_keyring_that_does_not_answer_leaves_a_new_secret_in_memory(stuck: StuckKeyring) -> None:
    store = SecretStore(stuck, time_limit=0.1)
    store.set("key", "secret")
    assert store.get("key") == "secret"
    assert not store.lasting


def test_a_plain_file_is_never_chosen_as_a_keyring_by_itself(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PYTHON_KEYRING_BACKEND")
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    SecretStore().set("key", "very-secret-indeed")
    assert keyring.core.recommended(keyring.core.get_keyring()) or not any(tmp_path.rglob("*"))
    assert not any(b"very-secret" in file.read_bytes() for file in tmp_path.rglob("*") if file.is_file())


def test_the_backend_that_the_user_names_is_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", "keyrings.alt.file.PlaintextKeyring")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    store = SecretStore()
    store.set("key", "secret")
    assert store.lasting
    assert SecretStore().get("key") == "secret"
    assert any(tmp_path.rglob("*.cfg"))
