"""A person at the till: a real Chromium pays, changes its mind, upgrades, and comes back to our pages."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from wsgiref.types import StartResponse, WSGIEnvironment

import pytest
from flask import Flask
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.wait import WebDriverWait
from werkzeug.serving import make_server

from license_server.config import Config
from tests.chromium import chromium
from tests.license_server.actors import TestClock
from tests.license_server.billing.shop import WEBHOOK, Buyer, Shop
from tests.stripe import DECLINED, GOOD, Stripe

pytestmark = pytest.mark.slow


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Chrome]:
    with chromium(tmp_path / "profile") as chrome:
        yield chrome


@pytest.fixture
def open_shop(
    selling: Config, start: Callable[[Config], Flask], stripe: Stripe, clock: TestClock
) -> Iterator[Shop]:
    """A shop that is reached over HTTP, and hears of Stripe's events by itself."""
    apps: list[Flask] = []  # made after the server, whose address it has to know

    def answer(environ: WSGIEnvironment, respond: StartResponse) -> Iterable[bytes]:
        return apps[0](environ, respond)

    server = make_server("127.0.0.1", 0, answer, threaded=True)
    address = f"http://127.0.0.1:{server.server_port}"
    apps.append(start(selling.model_copy(update={"public_url": address})))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    stripe.deliver_to(address + WEBHOOK)
    try:
        yield Shop(apps[0], stripe, clock)
        stripe.deliveries.settle()
    finally:
        stripe.deliveries.hold()
        server.shutdown()
        thread.join()
        server.server_close()


def _wait(browser: Chrome) -> WebDriverWait[Chrome]:
    # An element that was found may go with its page before it is read.
    return WebDriverWait(
        browser, 20, ignored_exceptions=[NoSuchElementException, StaleElementReferenceException]
    )


def _until(browser: Chrome, heading: str) -> str:
    """The words of the page, once it has that heading."""
    _wait(browser).until(lambda _: browser.find_element(By.TAG_NAME, "h1").text == heading)
    return browser.find_element(By.TAG_NAME, "main").text


def _until_plan(browser: Chrome, words: str) -> None:
    _wait(browser).until(
        lambda _: [each.text for each in browser.find_elements(By.CLASS_NAME, "plan")] == [words]
    )


def _pay(browser: Chrome, number: str) -> None:
    field = browser.find_element(By.ID, "number")
    field.clear()
    field.send_keys(number)
    browser.find_element(By.XPATH, "//button[text()='Subscribe']").click()


def test_a_person_pays_and_comes_back_to_a_page_that_knows_it(browser: Chrome, open_shop: Shop) -> None:
    buyer = open_shop.person()
    browser.get(buyer.checkout("pro")["checkout_url"])
    assert "$9.99 per month" in _until(browser, "Subscribe to Reely Pro")
    _pay(browser, DECLINED)
    _wait(browser).until(lambda _: browser.find_elements(By.CSS_SELECTOR, "[role=alert]"))
    assert browser.find_element(By.CSS_SELECTOR, "[role=alert]").text == "Your card was declined."
    _pay(browser, GOOD)
    words = _until(browser, "Thank you")
    assert "Your account is now Pro." in words
    assert browser.title == "Thank you – Reely"
    assert browser.find_element(By.CSS_SELECTOR, "[role=status]").aria_role == "status"
    assert browser.find_element(By.TAG_NAME, "html").get_attribute("lang") == "en"
    width = browser.find_element(By.TAG_NAME, "main").value_of_css_property("max-width")
    assert width == "512px", "the page's own style is allowed by its policy"
    open_shop.stripe.deliveries.settle()
    assert buyer.tier == "pro"


def test_a_person_who_goes_back_has_paid_nothing(browser: Chrome, open_shop: Shop) -> None:
    buyer = open_shop.person()
    browser.get(buyer.checkout("premium")["checkout_url"])
    browser.find_element(By.ID, "back").click()
    assert "your account is as it was" in _until(browser, "Nothing was paid")
    assert buyer.tier == "free"


def test_a_person_upgrades_cancels_and_thinks_better_of_it(browser: Chrome, open_shop: Shop) -> None:
    buyer = open_shop.person()
    open_shop.stripe.pay(buyer.checkout("pro")["session_id"])
    open_shop.stripe.deliveries.settle()
    browser.get(_portal(buyer))
    for button, plan, tier in (
        ("Switch to Reely Premium", "Reely Premium, active", "premium"),
        ("Cancel at the end of the period", "Reely Premium, active, ends with the period", "premium"),
        ("Do not cancel", "Reely Premium, active", "premium"),
        ("Switch to Reely Pro", "Reely Pro, active", "pro"),
    ):
        browser.find_element(By.XPATH, f"//button[text()='{button}']").click()
        _until_plan(browser, plan)
        open_shop.stripe.deliveries.settle()
        assert buyer.tier == tier
        assert buyer.status()["cancel_at_period_end"] == ("ends" in plan)
    browser.find_element(By.ID, "return").click()
    assert "takes effect in Reely" in _until(browser, "All done")


def _portal(buyer: Buyer) -> str:
    return str(buyer.call("POST", "/payments/create-portal").get_json()["portal_url"])
