"""What the pages share that people meet in a browser: one look, and no script, picture or frame at all."""

from __future__ import annotations

import hashlib
from base64 import b64encode

from flask import Response, make_response, render_template

STYLE = """
:root { color-scheme: light dark; }
body { margin: 0; background: Canvas; color: CanvasText; font: 1.1rem/1.5 system-ui, sans-serif; }
main { max-width: 32rem; margin: 10vh auto; padding: 0 1.5rem; }
label, input, button { display: block; width: 100%; box-sizing: border-box; font: inherit; }
input, button { padding: 0.6rem; margin: 0.4rem 0 1rem; border: 1px solid; border-radius: 0.4rem; }
button { background: #1d4ed8; color: #fff; border-color: #1d4ed8; cursor: pointer; }
:focus-visible { outline: 3px solid #f59e0b; outline-offset: 2px; }
[role="alert"] { border-left: 0.3rem solid #dc2626; padding-left: 0.8rem; }
"""


def page(template: str, status: int = 200, *, style: str = STYLE, **words: object) -> Response:
    """A page made from a template, with the only style that its policy allows."""
    response = make_response(render_template(template, style=style, **words), status)
    allowed = b64encode(hashlib.sha256(style.encode()).digest()).decode("ascii")
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'sha256-{allowed}'; form-action 'self'; base-uri 'none';"
        " frame-ancestors 'none'"
    )
    return response
