"""Who may do how much: sign-in, lease, journal, permits. Qt-free, blocking, safe from any thread."""

from desktop.account.account import Account
from desktop.account.models import AccountStatus, Delivery, Meter, MeterStatus
from desktop.account.permit import Permit
from desktop.account.secret_store import SecretStore

__all__ = ["Account", "AccountStatus", "Delivery", "Meter", "MeterStatus", "Permit", "SecretStore"]
