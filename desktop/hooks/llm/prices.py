"""What asking costs, as far as it can be known before: tokens by a rule of thumb, dollars by a price list."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from desktop.hooks.llm.endpoint import Endpoint, Price

PRICES_OF = "October 2026"
"""When the list below was true."""
_BYTES_A_TOKEN = 3.5  # of UTF-8; English has about 4.2, so this is rather too many tokens than too few
_MILLION = 1e6
_DATED = re.compile(r"-(?:20\d\d-?\d\d-?\d\d|latest)$")

# US dollars for a million tokens sent and answered, by who sells them directly.
_PRICES: dict[str, dict[str, tuple[float, float]]] = {
    "api.openai.com": {
        "gpt-6.1-sol": (2.0, 10.0),
        "gpt-6.1-terra": (1.0, 5.0),
        "gpt-6-sol": (2.0, 10.0),
        "gpt-6-luna": (0.1, 0.5),
        "gpt-5.5": (5.0, 30.0),
        "gpt-5.4": (2.5, 15.0),
        "gpt-5.4-nano": (0.2, 1.25),
        "gpt-5": (1.25, 10.0),
        "gpt-5-mini": (0.25, 2.0),
        "gpt-5-nano": (0.05, 0.4),
        "gpt-4o-mini": (0.15, 0.6),
    },
    "api.anthropic.com": {
        "claude-fable-5-1": (10.0, 50.0),
        "claude-opus-5-5": (4.0, 20.0),
        "claude-opus-5": (5.0, 25.0),
        "claude-sonnet-5-5": (2.0, 10.0),
        "claude-sonnet-5": (2.0, 10.0),
        "claude-haiku-5-5": (0.1, 0.5),
        "claude-haiku-4-5": (1.0, 5.0),
    },
}


def tokens_in(text: str) -> int:
    """About how many tokens a text has: models count differently, and none tells before it is asked."""
    return round(len(text.encode()) / _BYTES_A_TOKEN)


def price_of(endpoint: Endpoint) -> Price | None:
    """The user's own price, else that of the list; nothing for what runs here; None where nobody knows."""
    if endpoint.price is not None:
        return endpoint.price
    if endpoint.local:
        return Price(sent=0, answered=0)
    listed = _PRICES.get(urlsplit(endpoint.url).hostname or "", {})
    found = listed.get(_DATED.sub("", endpoint.model))
    return Price(sent=found[0], answered=found[1]) if found else None


def cost_of(price: Price, sent: int, answered: int) -> float:
    """US dollars for so many tokens."""
    return (price.sent * sent + price.answered * answered) / _MILLION
