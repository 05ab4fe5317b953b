"""What the user decides about a language model, and what would be sent to it, to be seen before it is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from desktop.hooks.llm.endpoint import Endpoint
from desktop.hooks.llm.prices import PRICES_OF, cost_of, price_of, tokens_in
from desktop.hooks.llm.prompts import (
    Message,
    final_room,
    most_answered,
    most_finalists,
    parts_of,
    per_part,
)
from desktop.hooks.models import Evidence, Wish

_A_PROPOSAL, _A_VERDICT = 20, 70  # tokens of an answer for each moment


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelChoice(_Frozen):
    """The model that the user has chosen, if any, and the addresses that may be sent words.

    `enabled`: the window asks it after each search. The command asks it when it is told to.
    """

    enabled: bool = False
    endpoint: Endpoint | None = None
    agreed: tuple[str, ...] = ()

    def may_send(self, endpoint: Endpoint) -> bool:
        """Whether the user has seen what is sent to this address, and agreed."""
        return endpoint.url in self.agreed


class Outgoing(_Frozen):
    """What would be sent: each question word for word, but for the final, which repeats the best moments.

    `sent` and `answered` are estimates in tokens, `cost` in US dollars, None where nobody knows the price.
    """

    endpoint: Endpoint
    questions: tuple[tuple[Message, ...], ...]
    sent: int
    answered: int
    cost: float | None
    agreed: bool

    @property
    def text(self) -> str:
        """All questions, as they are sent."""
        count = len(self.questions)
        return "\n\n".join(
            "\n\n".join([f"— Question {number} of {count + 1} —", *(one.content for one in messages)])
            for number, messages in enumerate(self.questions, 1)
        )

    @property
    def in_words(self) -> str:
        """`About 13,400 tokens in 2 questions to api.openai.com, which cost about $0.002.`"""
        count = len(self.questions) + 1
        said = f"About {self.sent + self.answered:,} tokens in {count} questions to {self.endpoint.host}"
        if self.endpoint.local:
            return f"{said}: a program on this computer, which costs nothing."
        if self.cost is None:
            return f"{said}. What {self.endpoint.model} costs there is not known to Reely."
        cost = (
            f"${self.cost:.2f}"
            if self.cost >= 0.095
            else f"${self.cost:.3f}"
            if self.cost >= 0.0005
            else None
        )
        priced = "by your own price" if self.endpoint.price else f"by the prices of {PRICES_OF}"
        costing = f"which cost about {cost}" if cost else "which cost less than $0.001"
        return f"{said}, {costing} ({priced}; more if the model thinks at length)."


def outgoing_of(evidence: Evidence, wish: Wish, endpoint: Endpoint, *, agreed: bool) -> Outgoing:
    """What ranking these hooks by this model would send."""
    context = endpoint.context
    questions = tuple(part.messages for part in parts_of(evidence, wish, context))
    finalists = most_finalists(wish)
    spoken = sum(line.end - line.start for line in evidence.lines) or 1.0
    said = sum(tokens_in(line.text) for line in evidence.lines)
    final = min(final_room(wish, context), round(said / spoken * finalists * wish.longest))
    sent = sum(tokens_in(one.content) for messages in questions for one in messages) + final
    answered = len(questions) * per_part(wish) * _A_PROPOSAL + finalists * _A_VERDICT
    answered = min(answered, (len(questions) + 1) * most_answered(context))
    price = price_of(endpoint)
    return Outgoing(
        endpoint=endpoint,
        questions=questions,
        sent=sent,
        answered=answered,
        cost=cost_of(price, sent, answered) if price else None,
        agreed=agreed,
    )
