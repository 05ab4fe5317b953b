"""Models in ONNX Runtime, on the CPU: opened in one way, with one error for files that are no model."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import NDArray

from desktop.errors import Exit, ReelyError
from desktop.hooks.model_files import Model, ModelFolder
from desktop.jobs.cancellation import CancelToken
from desktop.jobs.protocol import Report

logger = logging.getLogger(__name__)

T = TypeVar("T")


def open_model(
    models: ModelFolder, model: Model, use: Callable[[Path], T], report: Report, *, download: bool
) -> tuple[T | None, list[str]]:
    """What `use` makes of the model's folder, and what should be known about it; None without the model.

    With `download` the model is fetched if it is not there; a failure of that costs no more than quality.
    """
    try:
        folder = models.fetch(model, report, CancelToken()) if download else models.find(model)
        return (None if folder is None else use(folder)), []
    except ReelyError as error:
        if error.exit is Exit.USAGE:
            raise
        logger.info("not used: %s, %s", model.title, error.code)
        return None, [f"{error.message} {error.hint}"]


class Session:
    """An `onnxruntime.InferenceSession` of one thread: who wants more runs it from several threads at once.

    Threads of its own would wait for each other after each step, which is slow where others work as well.
    """

    def __init__(
        self, path: Path, model: Model, change: Callable[[bytes], bytes] = lambda content: content
    ) -> None:
        """`change` makes of the file's bytes what is opened.

        Raises ReelyError `model-unusable` if that is no model.
        """
        import onnxruntime  # noqa: PLC0415 - half a second that those without a model need not wait

        onnxruntime.disable_telemetry_events()  # Windows has another switch
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = 1
        self._path, self._model = path, model
        try:
            self._session = onnxruntime.InferenceSession(
                change(path.read_bytes()), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # it raises bare exceptions of its own kinds
            raise unusable(path.parent, model, error) from error
        self.inputs: dict[str, list[int | str]] = {one.name: one.shape for one in self._session.get_inputs()}
        """Their shapes; an axis of any length has a name."""
        self.outputs: dict[str, list[int | str]] = {
            one.name: one.shape for one in self._session.get_outputs()
        }

    def run(self, outputs: Sequence[str], feed: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """The outputs in the order asked for. Raises ReelyError `model-unusable` if it is another model."""
        try:
            found: list[NDArray[Any]] = self._session.run(list(outputs), dict(feed))
        except Exception as error:  # as above
            raise unusable(self._path.parent, self._model, error) from error
        return found


def any_length(content: bytes, shapes: Iterable[Sequence[int]], axes: Sequence[int]) -> bytes:
    """A model's file in which tensors of these shapes have any length on these axes. Lengths are below 128.

    A shape is a run of dimensions, each a message of two bytes that holds its length (onnx.proto,
    `TensorShapeProto`: `dim`, 1, and in it `dim_value`, 1). What takes the length's place is an empty
    `denotation`, 3: then nothing is said of it, and no byte of the file has moved.
    """
    for shape in shapes:
        fixed = b"".join(bytes((0x0A, 2, 0x08, length)) for length in shape)
        free = b"".join(
            bytes((0x0A, 2, 0x1A, 0) if axis in axes else (0x0A, 2, 0x08, length))
            for axis, length in enumerate(shape)
        )
        content = content.replace(fixed, free)
    return content


def unusable(folder: Path, model: Model, cause: object) -> ReelyError:
    """What to raise for a folder whose files are not what they should be."""
    logger.info("the %s cannot be used: %s", model.title, cause)
    return ReelyError(
        "model-unusable",
        f"The files in {folder} are no {model.title}.",
        f"Delete the folder so that they are downloaded again, or correct {model.override}.",
        Exit.MEDIA,
    )
