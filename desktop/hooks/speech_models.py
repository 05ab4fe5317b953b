"""Which model recognises speech: by language and machine, or a folder of the user's own."""

from __future__ import annotations

import os

from desktop.hooks.model_files import Model, ModelFile


def _whisper(name: str, title: str, files: tuple[tuple[str, int, str], ...]) -> Model:
    source = f"https://huggingface.co/Systran/faster-whisper-{name}/resolve/main"
    return Model(
        name=f"whisper-{name}",
        title=title,
        files=tuple(ModelFile(file, f"{source}/{file}", size, digest) for file, size, digest in files),
        override="REELY_SPEECH_MODEL",
        needed=("config.json", "model.bin"),  # any CTranslate2 Whisper: their vocabularies have several names
    )


ENGLISH = _whisper(
    "tiny.en",
    "small model for English speech",
    (
        ("config.json", 2_317, "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5"),
        ("model.bin", 75_537_502, "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"),
        ("tokenizer.json", 2_128_466, "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df"),
        ("vocabulary.txt", 422_309, "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf"),
    ),
)
ANY_LANGUAGE = _whisper(
    "base",
    "model for speech",
    (
        ("config.json", 2_309, "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a"),
        ("model.bin", 145_217_532, "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"),
        ("tokenizer.json", 2_203_239, "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab"),
        ("vocabulary.txt", 459_861, "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913"),
    ),
)
"""MIT, both: Whisper by OpenAI, converted for CTranslate2."""

LANGUAGES = (
    *(
        "ar",
        "bg",
        "ca",
        "cs",
        "da",
        "de",
        "el",
        "en",
        "es",
        "et",
        "fa",
        "fi",
        "fr",
        "he",
        "hi",
        "hr",
        "hu",
        "id",
    ),
    *(
        "it",
        "ja",
        "ko",
        "lt",
        "lv",
        "ms",
        "nl",
        "no",
        "pl",
        "pt",
        "ro",
        "ru",
        "sk",
        "sl",
        "sr",
        "sv",
        "ta",
        "th",
    ),
    *("tr", "uk", "ur", "vi", "zh"),
)
"""Of the 99 that Whisper knows those that it was given most of."""
_MANY_CORES = 8


def speech_model(language: str | None, cores: int | None = None) -> Model:
    """The model for a language (None: not known), on a machine with so many cores (None: this one).

    English has a small one of its own, which makes few more mistakes; fast machines take the larger one.
    """
    english = (language or "").partition("-")[0].lower() == "en"
    many = (cores or os.cpu_count() or 1) >= _MANY_CORES
    return ENGLISH if english and not many else ANY_LANGUAGE


# Seconds that one processor works on a second of sound (docs/benchmarks.md); more than four hardly help.
_WORK = {ENGLISH.name: 0.06, ANY_LANGUAGE.name: 0.114}
_MOST_CORES = 4


def listening_seconds(model: Model, duration: float, cores: int | None = None) -> float:
    """About how long it takes to listen to `duration` seconds; with so many cores (None: this machine's)."""
    return _WORK[model.name] * duration / min(cores or os.cpu_count() or 1, _MOST_CORES)
