"""Accounts, their sessions with their refresh tokens, and what is counted of tries to sign in."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from license_server.database import Base, Id, new_id


class Role(StrEnum):
    USER = "user"
    ADMIN = "admin"


class Account(Base):
    """A person. `email` is normalised and in lower case; nothing else about an address is compared."""

    __tablename__ = "accounts"
    __table_args__ = (CheckConstraint("role IN ('user', 'admin')", name="role"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    email: Mapped[str] = mapped_column(String(320), unique=True)
    full_name: Mapped[str | None] = mapped_column(String(200))
    password_hash: Mapped[str] = mapped_column(String(255))
    role: Mapped[str] = mapped_column(String(16), default=Role.USER)
    email_verified: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


class SignInSession(Base):
    """One sign-in, and the family of its refresh tokens."""

    __tablename__ = "sessions"
    __table_args__ = (Index(None, "account_id", "created_at"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True, default=new_id)
    account_id: Mapped[str] = mapped_column(Id, ForeignKey("accounts.id", ondelete="CASCADE"))
    client: Mapped[str | None] = mapped_column(String(200))
    """The program that signed in, as its User-Agent says."""
    created_at: Mapped[datetime]
    last_used_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]


class RefreshToken(Base):
    """A refresh token, known only by its SHA-256."""

    __tablename__ = "refresh_tokens"

    token_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    session_id: Mapped[str] = mapped_column(Id, ForeignKey("sessions.id", ondelete="CASCADE"), index=True)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class SignInAttempts(Base):
    """Failed sign-ins of an account from an address; either may be empty, for any (see `throttle`).

    The keys are keyed digests, also of addresses that nobody has an account with.
    """

    __tablename__ = "sign_in_attempts"

    account_key: Mapped[str] = mapped_column(String(64), primary_key=True)
    address_key: Mapped[str] = mapped_column(String(64), primary_key=True)
    failures: Mapped[int]
    tried_at: Mapped[datetime] = mapped_column(index=True)
    succeeded_at: Mapped[datetime | None]


class EmailToken(Base):
    """A token that went to an account's email address, known only by its SHA-256."""

    __tablename__ = "email_tokens"
    __table_args__ = (Index(None, "account_id", "created_at"),)

    id: Mapped[str] = mapped_column(Id, primary_key=True)
    """The id of the mail that it is in."""
    account_id: Mapped[str] = mapped_column(Id, ForeignKey("accounts.id", ondelete="CASCADE"))
    purpose: Mapped[str] = mapped_column(String(16))
    email: Mapped[str] = mapped_column(String(320))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]
