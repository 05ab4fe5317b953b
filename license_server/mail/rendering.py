"""Letters as messages in text and HTML: the same mail always makes the same bytes."""

from __future__ import annotations

from datetime import datetime
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from functools import cache
from ipaddress import ip_address
from urllib.parse import urlsplit

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from license_server.config import Config
from license_server.mail.letters import Letter


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=PackageLoader("license_server.mail"),
        autoescape=select_autoescape(["html"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["moment"] = lambda at: f"{at:%d %B %Y, %H:%M} UTC"
    environment.filters["day"] = lambda at: f"{at:%d %B %Y}"
    return environment


def message(
    letter: Letter, *, id: str, to: str, written_at: datetime, link: str | None, config: Config
) -> EmailMessage:
    """The message of a mail. `link` is where the person is to go, in letters that ask them to.

    Whoever gets it twice can tell by its Message-ID, which is made of the mail's `id` (RFC 5322, 3.6.4).
    """
    host = _host(config)
    found = EmailMessage(policy=SMTP)
    found["Subject"] = letter.subject
    found["From"] = f"Reely <{(config.mail_server and config.mail_server.sender) or f'no-reply@{host}'}>"
    found["To"] = to
    found["Date"] = format_datetime(written_at)
    found["Message-ID"] = f"<{id}@{host}>"
    found["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence note is to answer it
    words = {"letter": letter, "link": link, "to": to}
    text = _templates().get_template(f"{letter.kind}.txt").render(words)
    html = _templates().get_template(f"{letter.kind}.html").render(words)
    found.set_content(text, cte=_encoding(text))
    found.add_alternative(html, subtype="html", cte=_encoding(html))
    found.set_boundary(f"=_{id}")
    return found


def _encoding(text: str) -> str:
    # Links stay in one piece where nothing has to be encoded; our lines are far below the 998 of RFC 5322.
    return "7bit" if text.isascii() else "quoted-printable"


def _host(config: Config) -> str:
    host = urlsplit(config.public_url).hostname or "localhost"
    try:
        ip_address(host)
    except ValueError:
        return host
    return "localhost"  # a server at home; an address in numbers would not do in a sender
