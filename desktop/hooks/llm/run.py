"""Doing the jobs that ask a language model."""

from __future__ import annotations

import time

from desktop.hooks.llm import troubles
from desktop.hooks.llm.answers import UnusableError, form_of_ranking, ranking_in
from desktop.hooks.llm.client import ModelClient
from desktop.hooks.llm.job import Reranked, RerankJob, Tried, TryModelJob
from desktop.hooks.llm.prompts import Message
from desktop.hooks.llm.ranking import judge
from desktop.jobs.protocol import Report

_TRIAL = (
    Message(
        role="system",
        content='Answer with JSON and nothing else: {"ranking": [{"moment": 1, "title": "", "reason": ""}]}',
    ),
    Message(role="user", content="<moment number=1>\nHello, and welcome.\n</moment>"),
)


def rerank_hooks(job: RerankJob, report: Report) -> Reranked:
    """The hooks anew. Raises ReelyError with a code that begins with `llm-`, or `offline`."""
    with ModelClient(job.endpoint, job.key, offline=job.offline) as model:
        try:
            judged = judge(job.evidence, job.wish, model, report)
        except UnusableError as fault:
            raise troubles.unusable(job.endpoint, str(fault)) from None
        return Reranked(hooks=judged.hooks, notes=judged.notes, usage=model.usage)


def try_model(job: TryModelJob, report: Report) -> Tried:
    """Whether the model answers. Raises as `rerank_hooks`, but for what the answer says."""
    report("asking the language model", 0.0)
    started = time.monotonic()
    with ModelClient(job.endpoint, job.key, offline=job.offline) as model:
        try:
            ranking_in(model.answer(_TRIAL, form_of_ranking(1)), 1)
        except UnusableError:
            return Tried(seconds=time.monotonic() - started, usable=False)
    return Tried(seconds=time.monotonic() - started, usable=True)
