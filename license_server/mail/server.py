"""Where mail is handed over: the meaning of `MAIL_URL`."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from urllib.parse import parse_qs, unquote, urlsplit

from email_validator import EmailNotValidError, validate_email


class Encryption(Enum):
    """How the connection is protected; the value is the scheme of `MAIL_URL`."""

    WHERE_OFFERED = "smtp"
    FROM_THE_START = "smtps"
    STARTTLS = "smtp+starttls"


_PORTS = {Encryption.WHERE_OFFERED: 25, Encryption.FROM_THE_START: 465, Encryption.STARTTLS: 587}


@dataclass(frozen=True)
class MailServer:
    """An SMTP server, how to sign in there, and whom mail comes from (None: chosen by the deployment)."""

    host: str
    port: int
    encryption: Encryption
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    sender: str | None = None

    @classmethod
    def parse(cls, url: str) -> MailServer:
        """The server of `smtp://`, `smtps://` or `smtp+starttls://` (or `starttls://`)
        `[user:password@]host[:port][?from=address]`.

        `smtp` encrypts where the server offers it, and signs in over an encrypted connection only;
        `smtp+starttls` insists. Raises `ValueError`, whose words never quote the URL.
        """
        parts = urlsplit(url)
        scheme = "smtp+starttls" if parts.scheme == "starttls" else parts.scheme
        if scheme not in {encryption.value for encryption in Encryption}:
            raise ValueError("has to begin with smtp://, smtps:// or smtp+starttls://")
        encryption = Encryption(scheme)
        try:
            port = parts.port or _PORTS[encryption]
        except ValueError:
            raise ValueError("has a port that is no port") from None
        if not parts.hostname:
            raise ValueError("names no host")
        if parts.path not in {"", "/"}:
            raise ValueError("has a path, which means nothing here")
        options = parse_qs(parts.query, keep_blank_values=True)
        if set(options) - {"from"}:
            raise ValueError("knows only the option from")
        return cls(
            host=parts.hostname,
            port=port,
            encryption=encryption,
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            sender=_address(options["from"][0]) if "from" in options else None,
        )


def _address(text: str) -> str:
    try:
        return validate_email(text, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        raise ValueError("has an option from that is not an email address") from None
