"""Models that are downloaded on first use: from their publisher, resumed, checked, removable; or a folder."""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO, Self
from urllib.error import HTTPError
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from desktop.errors import Exit, ReelyError
from desktop.files import disk_error, sync_folder
from desktop.jobs.cancellation import CancelToken
from desktop.jobs.protocol import Report
from desktop.source.small import trusted

logger = logging.getLogger(__name__)

_TIMEOUT = 15.0  # seconds without a byte
_READ = 256 * 1024
_PARTIAL = ".partial"
_PATIENCE = 600.0  # seconds for another process that fetches the same model


@dataclass(frozen=True)
class ModelFile:
    """One file of a model, as its publisher has it: `size` in bytes, `sha256` in hex."""

    name: str
    url: str
    size: int
    sha256: str


@dataclass(frozen=True)
class Model:
    """A model. `name` is its folder, `title` what people read, `override` a variable that names a folder.

    Without `files` it is not downloaded: only a folder of the user's own can have it.
    """

    name: str
    title: str
    files: tuple[ModelFile, ...]
    override: str
    needed: tuple[str, ...] = ()
    """What a folder of the user's own must have at least; empty: all files."""

    @property
    def size(self) -> int:
        """Bytes to download."""
        return sum(file.size for file in self.files)


class ModelFolder:
    """The models of this installation, a folder each. Safe to use from several processes at once."""

    def __init__(
        self, root: Path, *, offline: bool = False, environment: Mapping[str, str] = os.environ
    ) -> None:
        self._root = root
        self._offline = offline
        self._environment = environment

    def find(self, model: Model) -> Path | None:
        """The folder with the model's files, if they are there.

        Raises ReelyError `model-incomplete` if the user names a folder that lacks one.
        """
        chosen = self._environment.get(model.override)
        if not chosen and not model.files:
            return None
        folder = Path(chosen).expanduser() if chosen else self._root / model.name
        names = model.needed if chosen and model.needed else tuple(file.name for file in model.files)
        missing = [name for name in names if not (folder / name).is_file()]
        if chosen and missing:
            raise ReelyError(
                "model-incomplete",
                f"The folder that {model.override} names has no {missing[0]}.",
                f"Put the files of the {model.title} there, or unset {model.override}.",
                Exit.USAGE,
            )
        return None if missing else folder

    def fetch(self, model: Model, report: Report, token: CancelToken) -> Path:
        """The folder with the model's files, which are downloaded if they are not there.

        What has come stays for the next try. Raises ReelyError `offline`, `model-download-failed`,
        `model-damaged`, `disk-full` or `cannot-write-file`, and `Cancelled`.
        """
        folder = self.find(model)
        if folder is not None:
            return folder
        if self._offline:
            raise ReelyError(
                "offline",
                f"The {model.title} is not on this computer, and Reely is told to stay offline.",
                "Unset REELY_OFFLINE to download it once.",
                Exit.NETWORK,
            )
        folder = self._root / model.name
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with FileLock(self._root / f"{model.name}.lock", timeout=_PATIENCE):
                done = 0
                for file in model.files:
                    _bring(model, file, folder, _Progress(model, done, report), token)
                    done += file.size
            sync_folder(folder)
        except Timeout as error:
            raise _failed(model, "another process has been at it for ten minutes") from error
        except OSError as error:
            raise disk_error(error, folder) from error
        return folder

    def remove(self, model: Model) -> None:
        """Delete what was downloaded of the model; a folder of the user's own stays."""
        shutil.rmtree(self._root / model.name, ignore_errors=True)


@dataclass(frozen=True)
class _Progress:
    """Bytes of one file as a fraction of the model, of which `before` bytes are there already."""

    model: Model
    before: int
    report: Report

    def __call__(self, count: int) -> None:
        megabytes = self.model.size / 1e6
        self.report(
            f"downloading the {self.model.title} ({megabytes:.0f} MB)",
            min(1.0, (self.before + count) / self.model.size),
        )


def _bring(model: Model, file: ModelFile, folder: Path, progress: _Progress, token: CancelToken) -> None:
    """The file under its real name, once its bytes are what the publisher's are."""
    final, partial = folder / file.name, folder / (file.name + _PARTIAL)
    if final.is_file():
        return
    digest = hashlib.sha256()
    with partial.open("a+b") as out:
        have = out.seek(0, os.SEEK_END)
        if have > file.size:
            out.truncate(have := 0)
        out.seek(0)
        while part := out.read(_READ):
            digest.update(part)
        if have < file.size:
            with _Download(model, file, have) as answer:
                if not answer.resumed and have:
                    out.truncate(have := 0)
                    digest = hashlib.sha256()
                while part := answer.read():
                    token.raise_if_cancelled()
                    out.write(part)
                    digest.update(part)
                    have += len(part)
                    if have > file.size:
                        break
                    progress(have)
        out.flush()
        os.fsync(out.fileno())
    if have < file.size:
        raise _failed(model, "the connection ended early")
    if have > file.size or digest.hexdigest() != file.sha256:
        partial.unlink()
        raise ReelyError(
            "model-damaged",
            f"What was downloaded of the {model.title} is not what its publisher offers.",
            f"Try again later, or put its files into a folder and name it in {model.override}.",
            Exit.NETWORK,
        )
    partial.replace(final)


class _HttpsOnly(urllib.request.HTTPRedirectHandler):
    """Publishers send on to where their bytes are; from https never to anything less."""

    def redirect_request(  # noqa: PLR0917
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        if urlsplit(newurl).scheme != urlsplit(req.full_url).scheme:
            return None
        return super().redirect_request(req, fp, code, msg, headers, newurl)


class _Download:
    """The bytes of `file` from `start` on, or all of them where the server has no ranges (not `resumed`)."""

    def __init__(self, model: Model, file: ModelFile, start: int) -> None:
        self._model = model
        # The bytes as they are: what is checked is what the publisher counted.
        headers = {"Range": f"bytes={start}-", "Accept-Encoding": "identity", "User-Agent": "Reely"}
        request = urllib.request.Request(file.url, headers=headers)  # noqa: S310 - our own constants
        opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=trusted()), _HttpsOnly())
        try:
            self._answer = opener.open(request, timeout=_TIMEOUT)
        except HTTPError as error:
            error.close()
            raise _failed(model, f"the server answered {error.code}") from error
        except (OSError, HTTPException) as error:
            raise _failed(model, "the server could not be reached") from error
        span = self._answer.headers.get("Content-Range", "")
        self.resumed = self._answer.status == HTTPStatus.PARTIAL_CONTENT and span.startswith(
            f"bytes {start}-"
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._answer.close()

    def read(self) -> bytes:
        try:
            part: bytes = self._answer.read(_READ)
        except (OSError, HTTPException) as error:
            logger.info("a download broke off: %s", type(error).__name__)
            raise _failed(self._model, "the connection broke off") from error
        return part


def _failed(model: Model, why: str) -> ReelyError:
    return ReelyError(
        "model-download-failed",
        f"The {model.title} could not be downloaded: {why}.",
        f"Try again, it goes on where it stopped; or name a folder with its files in {model.override}.",
        Exit.NETWORK,
    )
