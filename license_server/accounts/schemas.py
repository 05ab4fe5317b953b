"""What the account endpoints take and answer."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator, AliasChoices, Field, JsonValue, SecretStr

from license_server.accounts.passwords import LONGEST, SHORTEST
from license_server.schemas import Answer, Body, Name


def _normalised(address: str) -> str:
    try:
        # Whether the domain takes mail is found out by a mail to it, not by a look-up here.
        return validate_email(
            address.strip(), check_deliverability=False, test_environment=True
        ).normalized.lower()
    except EmailNotValidError:
        raise ValueError("is not an email address") from None


Email = Annotated[
    str,
    Field(max_length=320, examples=["ada@example.com"], json_schema_extra={"format": "email"}),
    AfterValidator(_normalised),
]


def _of_a_right_length(password: SecretStr) -> SecretStr:
    if not SHORTEST <= len(password.get_secret_value()) <= LONGEST:
        raise ValueError(f"has to be {SHORTEST} to {LONGEST} characters long")
    return password


NewPassword = Annotated[
    SecretStr,
    Field(json_schema_extra={"minLength": SHORTEST, "maxLength": LONGEST}),
    AfterValidator(_of_a_right_length),
]
Password = Annotated[SecretStr, Field(min_length=1, max_length=LONGEST)]

EmailTokenText = Annotated[str, Field(min_length=1, max_length=100)]


class Registration(Body):
    email: Email
    password: NewPassword
    full_name: Name | None = None


class Credentials(Body):
    email: Email
    password: Password


class ProfileChange(Body):
    """A new name, or a new address; the latter needs the password."""

    full_name: Name | None = None
    email: Email | None = None
    current_password: Annotated[
        Password | None, Field(validation_alias=AliasChoices("current_password", "password"))
    ] = None


class PasswordChange(Body):
    current_password: Password
    new_password: NewPassword


class Forgotten(Body):
    email: Email


class PasswordReset(Body):
    """The token of the mail, and the password to have from now on."""

    token: EmailTokenText
    new_password: Annotated[NewPassword, Field(validation_alias=AliasChoices("new_password", "password"))]


class EmailVerification(Body):
    """The token of the mail."""

    token: EmailTokenText


class Requested(Answer):
    """The same whether the address has an account or not."""

    detail: str = "If the address has an account, mail to it is on its way."


class PasswordConfirmation(Body):
    password: Password


class User(Answer):
    id: str
    email: str
    full_name: str | None
    tier: str
    role: str
    email_verified: bool
    created_at: datetime


class SignedIn(Answer):
    """A signed-in user and the tokens of the session. `expires_in` is the access token's life in seconds."""

    user: User
    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a scheme, no secret
    expires_in: int


class SessionAnswer(Answer):
    id: str
    client: str | None
    created_at: datetime
    last_used_at: datetime
    current: bool


class Export(Answer):
    """Everything that is stored about an account, table by table; passwords and tokens are left out."""

    exported_at: datetime
    user: User
    tables: dict[str, list[dict[str, JsonValue]]]
