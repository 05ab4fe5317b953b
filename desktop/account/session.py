"""The sign-in of this installation: a refresh token that every use replaces, and the access token it gives.

The refresh token lies encrypted on disk; the keyring holds the key. So a use writes a file, as a whole and
at once, and not the keyring, which may be locked, slow or small (Windows: 1,280 characters) just then; the
file alone, in a backup say, is worth nothing. The access token is only ever in memory.
"""

from __future__ import annotations

import secrets as random
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TypeVar

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from desktop.account import problems
from desktop.account.device import base64url, from_base64url
from desktop.account.locks import exclusive
from desktop.account.profile import Folder
from desktop.account.secret_store import SecretStore
from desktop.account.server import Server, ServerRefusal
from desktop.account.wire import Session as SessionAnswer
from desktop.errors import Exit, ReelyError
from desktop.files import write_file

_NONCE = 12  # bytes
_EARLY = 30.0  # seconds before its end from which an access token counts as expired

T = TypeVar("T")


class Session:
    """Gives valid access tokens. Safe from several threads, and beside other processes."""

    def __init__(self, folder: Folder, secrets: SecretStore, server: Server, secret_name: str) -> None:
        self._folder = folder
        self._secrets = secrets
        self._server = server
        self._secret_name = secret_name
        self._lock = threading.RLock()
        self._key: bytes | None = None
        self._access: str | None = None
        self._access_ends = 0.0  # by the monotonic clock

    def exists(self) -> bool:
        """Whether there is a sign-in to use; it may turn out to have ended."""
        return self._access is not None or self._read() is not None

    def begin(self, answer: SessionAnswer) -> None:
        """Keep the tokens of a new sign-in."""
        with self._lock, self._across_processes():
            self._key = key = ChaCha20Poly1305.generate_key()
            self._secrets.set(self._secret_name, base64url(key))
            self._write(key, answer.refresh_token)
            self._remember(answer)

    def forget(self) -> None:
        """Remove the tokens and their key from this computer."""
        with self._lock, self._across_processes():
            self._remove()

    def _remove(self) -> None:
        self._key = self._access = None
        self._folder.session.unlink(missing_ok=True)
        self._secrets.delete(self._secret_name)

    def authorised(self, call: Callable[[str], T]) -> T:
        """`call(access token)`, once more with a new token if the server does not take the first.

        Raises ReelyError `not-signed-in`, or `sign-in-ended` after removing the tokens that are of no use.
        """
        token = self._access_token()
        try:
            return call(token)
        except ServerRefusal as refusal:
            if refusal.code != problems.SIGN_IN_ENDED:
                raise
        try:
            return call(self._access_token(refused=token))
        except ServerRefusal as refusal:
            if refusal.code == problems.SIGN_IN_ENDED:
                self.forget()
            raise

    def _access_token(self, refused: str | None = None) -> str:
        with self._lock:
            if self._access is None or self._access == refused or time.monotonic() > self._access_ends:
                self._refresh()
            if self._access is None:
                raise not_signed_in()
            return self._access

    def _refresh(self) -> None:
        """Use the refresh token up for a new pair; one process at a time, for a reused token ends all."""
        with self._across_processes():
            held = self._read()
            if held is None:
                self._access = None
                return
            key, refresh_token = held
            try:
                answer = self._server.post("/api/v1/auth/refresh", None, SessionAnswer, bearer=refresh_token)
            except ServerRefusal as refusal:
                if refusal.code == problems.SIGN_IN_ENDED:
                    self._remove()
                raise
            self._write(key, answer.refresh_token)
            self._remember(answer)

    def _remember(self, answer: SessionAnswer) -> None:
        self._access = answer.access_token
        self._access_ends = time.monotonic() + max(0.0, answer.expires_in - _EARLY)

    def _read(self) -> tuple[bytes, str] | None:
        """The key and the refresh token, or None where either is missing or does not fit the other."""
        try:
            sealed = self._folder.session.read_bytes()
        except FileNotFoundError:
            return None
        token = self._unseal(sealed, self._key)
        if token is None:  # the first time, or another process has signed in anew
            self._key = _key(self._secrets.get(self._secret_name))
            token = self._unseal(sealed, self._key)
        return (self._key, token) if self._key is not None and token is not None else None

    def _unseal(self, sealed: bytes, key: bytes | None) -> str | None:
        if key is None:
            return None
        try:
            token = ChaCha20Poly1305(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], self._bound_to())
        except (InvalidTag, ValueError):
            return None
        return token.decode("ascii")

    def _write(self, key: bytes, token: str) -> None:
        nonce = random.token_bytes(_NONCE)
        sealed = ChaCha20Poly1305(key).encrypt(nonce, token.encode("ascii"), self._bound_to())
        write_file(self._folder.session, nonce + sealed)

    def _bound_to(self) -> bytes:
        # A token file is not sent to another server because somebody changed the address.
        return self._server.url.encode()

    def _across_processes(self) -> AbstractContextManager[None]:
        return exclusive(self._folder.session_lock)


def _key(secret: str | None) -> bytes | None:
    try:
        key = from_base64url(secret or "")
    except ValueError:
        return None
    return key if len(key) == 32 else None


def not_signed_in() -> ReelyError:
    return ReelyError(
        "not-signed-in",
        "You are not signed in.",
        "Sign in, or sign up: the free tier costs nothing.",
        Exit.ACCOUNT,
    )
