"""Stripe's protocol: nested forms in, JSON out, with errors, pages of lists, and expanded objects."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import parse_qsl

Json = dict[str, Any]

_KEY = re.compile(r"^([^\[\]]+)((?:\[[^\[\]]*\])*)$")
_INCLUDED_WHEN_ASKED = {"invoice": {"payments"}, "customer": {"subscriptions"}}
"""Lists inside of objects that only come where they are expanded."""


class ApiError(Exception):
    """A refusal, as Stripe words it."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        type: str = "invalid_request_error",
        code: str | None = None,
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.body: Json = {
            "error": {"type": type, "message": message, "code": code, "param": param, "doc_url": None}
        }


def missing(kind: str, id: str, param: str = "id", status: int = 404) -> ApiError:
    """The refusal of something that does not exist."""
    return ApiError(status, f"No such {kind}: '{id}'", code="resource_missing", param=param)


def parse_form(text: str) -> Json:
    """The nested values of `a[b][0][c]=d`; lists are those whose keys are numbers or nothing."""
    root: Json = {}
    for key, value in parse_qsl(text, keep_blank_values=True):
        match = _KEY.match(key)
        if match is None:
            raise ApiError(400, f"Invalid parameter: {key}", param=key)
        path = [match[1], *re.findall(r"\[([^\[\]]*)\]", match[2])]
        node = root
        for part, following in zip(path, [*path[1:], None], strict=True):
            name = part or str(len(node))
            if following is None:
                node[name] = value
            else:
                node = node.setdefault(name, {})
    return {key: _with_lists(value) for key, value in root.items()}


def _with_lists(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    values = {key: _with_lists(value) for key, value in node.items()}
    if values and all(key.isdigit() for key in values):
        return [values[key] for key in sorted(values, key=int)]
    return values


def page(objects: Iterable[Json], url: str, params: Json) -> Json:
    """A part of a list, newest first, after `starting_after`."""
    found = list(objects)
    limit = int(params.get("limit", 10))
    if not 1 <= limit <= 100:
        raise ApiError(400, "This value must be between 1 and 100.", param="limit")
    if after := params.get("starting_after"):
        places = [place for place, each in enumerate(found) if each["id"] == after]
        if not places:
            raise missing("object", after, "starting_after", 400)
        found = found[places[0] + 1 :]
    return {"object": "list", "url": url, "has_more": len(found) > limit, "data": found[:limit]}


def shown(answer: Json, expand: Iterable[str], find: Callable[[str], Json | None]) -> Json:
    """The answer as it goes out: with what is to be expanded, and without what only comes expanded.

    What is the stand-in's own has a name that begins with an underscore, and stays here.
    """
    paths = [path.split(".") for path in expand]
    found = _shown(copy.deepcopy(answer), paths, find)
    assert isinstance(found, dict)
    return found


def _shown(node: Any, paths: list[list[str]], find: Callable[[str], Json | None]) -> Any:
    if isinstance(node, list):
        return [_shown(each, paths, find) for each in node]
    if not isinstance(node, dict):
        return node
    asked = {path[0] for path in paths}
    for hidden in _INCLUDED_WHEN_ASKED.get(str(node.get("object")), set()) - asked:
        node.pop(hidden, None)
    for key, value in list(node.items()):
        if key.startswith("_"):
            del node[key]
            continue
        inner = [path[1:] for path in paths if path[0] == key and len(path) > 1]
        expanded = find(value) if key in asked and isinstance(value, str) else None
        node[key] = _shown(copy.deepcopy(expanded) or value, inner, find)
    return node
