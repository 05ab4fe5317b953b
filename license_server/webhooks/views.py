"""The endpoints under `/webhook-endpoints`."""

from __future__ import annotations

from flask import current_app
from sqlalchemy import select

from license_server.accounts import identity
from license_server.accounts import service as accounts
from license_server.database import conclude, unit_of_work
from license_server.errors import NotFound, TierLimit, WebhookAddressRefused, WebhookEndpointLimit
from license_server.http import Room
from license_server.pagination import page
from license_server.schemas import Page, PageQuery
from license_server.webhooks import delivery, service, signing
from license_server.webhooks.courier import Courier
from license_server.webhooks.models import WebhookDelivery, WebhookEndpoint
from license_server.webhooks.reach import AddressRefusedError, NameUnknownError
from license_server.webhooks.schemas import (
    CreatedWebhookEndpoint,
    DeliveryAnswer,
    NewWebhookEndpoint,
    WebhookEndpointAnswer,
    WebhookSecret,
)

room = Room("webhooks", __name__)


@room.serve(
    "POST",
    "/webhook-endpoints",
    status=201,
    problems=(TierLimit, WebhookEndpointLimit, WebhookAddressRefused),
    rate_limit="look_up",
)
def create(body: NewWebhookEndpoint) -> CreatedWebhookEndpoint:
    """Have events posted to an address; its signing secret is shown this once."""
    account_id = identity.caller().account.id
    accounts.lock(account_id)
    service.check_may_have_another(account_id)
    conclude()  # looking a name up may take long
    _check_address(str(body.url))
    with unit_of_work(writes=True):
        accounts.lock(account_id)
        endpoint = service.create(account_id, str(body.url), body.events, body.description)
        secret = signing.secret(endpoint.id, endpoint.secret_version)
        return CreatedWebhookEndpoint(**_endpoint(endpoint).model_dump(), secret=secret)


@room.serve("GET", "/webhook-endpoints")
def list_endpoints(query: PageQuery) -> Page[WebhookEndpointAnswer]:
    """The account's webhook endpoints, newest first."""
    rows = select(WebhookEndpoint).where(
        WebhookEndpoint.account_id == identity.caller().account.id, WebhookEndpoint.ended_at.is_(None)
    )
    found, cursor = page(rows, WebhookEndpoint.created_at, WebhookEndpoint.id, query)
    return Page(items=[_endpoint(endpoint) for endpoint in found], next=cursor)


@room.serve("DELETE", "/webhook-endpoints/<endpoint_id>", problems=(NotFound,))
def remove(endpoint_id: str) -> None:
    """Delete an endpoint and the log of its deliveries; what was not delivered yet never is."""
    account = identity.caller().account
    accounts.lock(account.id)
    service.remove(service.find(account, endpoint_id))


@room.serve("POST", "/webhook-endpoints/<endpoint_id>/test", problems=(NotFound,), rate_limit="call_out")
def test(endpoint_id: str) -> DeliveryAnswer:
    """Send a test event now, once, and tell what came of it; a success turns a disabled endpoint on again."""
    return _delivery(delivery.test(service.find(identity.caller().account, endpoint_id)))


@room.serve("POST", "/webhook-endpoints/<endpoint_id>/rotate-secret", problems=(NotFound,))
def rotate_secret(endpoint_id: str) -> WebhookSecret:
    """Get a new signing secret, which is shown this once; the old one signs too for a day."""
    endpoint = service.find(identity.caller().account, endpoint_id)
    secret = service.rotate_secret(endpoint)
    return WebhookSecret(secret=secret, old_secret_until=endpoint.old_secret_until)


@room.serve("GET", "/webhook-endpoints/<endpoint_id>/deliveries", problems=(NotFound,))
def list_deliveries(endpoint_id: str, query: PageQuery) -> Page[DeliveryAnswer]:
    """What was and is to be delivered to an endpoint, newest first."""
    endpoint = service.find(identity.caller().account, endpoint_id)
    rows = select(WebhookDelivery).where(WebhookDelivery.endpoint_id == endpoint.id)
    found, cursor = page(rows, WebhookDelivery.created_at, WebhookDelivery.id, query)
    return Page(items=[_delivery(row) for row in found], next=cursor)


def _check_address(url: str) -> None:
    courier: Courier = current_app.extensions["reely_courier"]
    try:
        courier.reach.target(url)
    except AddressRefusedError as error:
        raise WebhookAddressRefused("url", str(error)) from None
    except NameUnknownError:
        return  # it may be known by the time that there is something to tell


def _endpoint(endpoint: WebhookEndpoint) -> WebhookEndpointAnswer:
    return WebhookEndpointAnswer.model_validate(endpoint, from_attributes=True)


def _delivery(row: WebhookDelivery) -> DeliveryAnswer:
    state = "delivered" if row.delivered_at else "failed" if row.given_up_at else "pending"
    return DeliveryAnswer.model_validate(
        {
            "id": row.id,
            "event": row.event,
            "state": state,
            "created_at": row.created_at,
            "delivered_at": row.delivered_at,
            "next_attempt_at": row.next_try_at,
            "attempts": row.attempts,
        }
    )
