"""Pages that people meet, in a real browser: they can be read, used with the keyboard, and load nothing."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from axe_selenium_python import Axe
from selenium.webdriver import Chrome, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from license_server import config as configuration
from tests.chromium import chromium
from tests.license_server.actors import PASSWORD
from tests.license_server.post import parsed, text

pytestmark = pytest.mark.slow
NEW_PASSWORD = "eight orange kettles"


@dataclass
class Site:
    """A running server and the folder that its mail goes to."""

    url: str
    mail: Path

    def call(self, path: str, body: object, token: str = "") -> dict[str, Any]:
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        raw = json.dumps(body).encode()
        with urlopen(Request(f"{self.url}/api/v1{path}", raw, headers), timeout=30) as answer:
            found: dict[str, Any] = json.loads(answer.read())
        return found

    def link(self, browser: Chrome, kind: str, email: str) -> str:
        """The link in the newest letter of a kind to somebody, once it has arrived."""
        pattern = f"*-{kind}-*.eml"

        def found(_: Chrome) -> str:
            for path in sorted(self.mail.glob(pattern), reverse=True):
                letter = parsed(path.read_bytes())
                link = re.search(r"http://\S+\?token=\S+", text(letter))
                if letter["To"] == email and link:
                    return link[0]
            return ""

        return WebDriverWait(browser, 20, 0.1).until(found)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    data = tmp_path_factory.mktemp("site")
    ours = set(configuration._VARIABLES.values())
    command = [sys.executable, "-c", "from license_server.cli import main; main()", "run", "--port", "0"]
    with subprocess.Popen(
        [*command, "--data", str(data)],
        env={name: value for name, value in os.environ.items() if name not in ours},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().removeprefix("listening on ").strip()
        try:
            yield Site(url, data / "mail")
        finally:
            process.terminate()


@pytest.fixture
def browser(tmp_path: Path) -> Iterator[Chrome]:
    with chromium(tmp_path / "chromium") as browser:
        yield browser


def _check(browser: Chrome, title: str) -> None:
    """What holds for every page, in either colour scheme and on a phone."""
    assert browser.title == f"{title} – Reely"
    assert browser.find_element(By.TAG_NAME, "h1").text == title
    assert browser.find_element(By.TAG_NAME, "html").get_attribute("lang") == "en"
    assert [element.aria_role for element in browser.find_elements(By.TAG_NAME, "main")] == ["main"]
    assert browser.execute_script("return performance.getEntriesByType('resource').length") == 0
    # "network" is the icon that browsers ask for by themselves, and the status of a refusal.
    said = browser.get_log("browser")  # type: ignore[no-untyped-call]
    assert [entry for entry in said if entry["source"] not in {"network", "recommendation"}] == []
    axe = Axe(browser)
    axe.inject()
    for scheme in ("light", "dark"):
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
        violations = axe.run()["violations"]
        assert not violations, axe.report(violations)
    metrics = {"width": 320, "height": 640, "deviceScaleFactor": 1, "mobile": True}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    wide = browser.execute_script("return document.documentElement.scrollWidth > innerWidth")
    browser.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert not wide, "no scrolling sideways on a phone (WCAG 1.4.10)"


def _press(browser: Chrome, *keys: str) -> None:
    for key in keys:
        browser.switch_to.active_element.send_keys(key)


def _arrive(browser: Chrome, title: str) -> None:
    WebDriverWait(browser, 20, 0.05).until(lambda found: found.title == f"{title} – Reely")


def test_an_address_is_confirmed_with_the_keyboard(site: Site, browser: Chrome) -> None:
    body = {"email": "ada@example.com", "password": PASSWORD}
    site.call("/auth/register", body)
    browser.get(site.link(browser, "verify-email", "ada@example.com"))
    _check(browser, "Confirm your email address")
    _press(browser, Keys.TAB)
    assert browser.switch_to.active_element.accessible_name == "Confirm my address"
    _press(browser, Keys.ENTER)
    _arrive(browser, "Your address is confirmed")
    _check(browser, "Your address is confirmed")
    assert browser.find_element(By.CSS_SELECTOR, "[role=status]").text
    assert site.call("/auth/login", body)["user"]["email_verified"] is True


def test_a_password_is_chosen_with_the_keyboard_and_a_fault_is_told(site: Site, browser: Chrome) -> None:
    email = "grace@example.com"
    site.call("/auth/register", {"email": email, "password": PASSWORD})
    site.call("/auth/forgot-password", {"email": email})
    browser.get(site.link(browser, "reset-password", email))
    _check(browser, "Choose a new password")
    _press(browser, Keys.TAB)
    field = browser.switch_to.active_element
    assert (field.accessible_name, field.get_attribute("type")) == ("New password", "password")
    _press(browser, "short", Keys.ENTER)
    assert browser.title.startswith("Choose"), "the browser itself says what is wrong"
    assert browser.execute_script("return arguments[0].validity.tooShort", field)
    field.clear()
    field.send_keys("password1", Keys.ENTER)
    alert = WebDriverWait(browser, 20, 0.05).until(
        lambda found: found.find_elements(By.CSS_SELECTOR, "[role=alert]")
    )
    assert "too easy to guess" in alert[0].text
    _check(browser, "Choose a new password")
    field = browser.find_element(By.ID, "password")
    assert field.get_attribute("aria-invalid") == "true"
    assert "fault" in str(field.get_attribute("aria-describedby"))
    field.send_keys(NEW_PASSWORD, Keys.TAB, Keys.ENTER)
    _arrive(browser, "Your password is changed")
    _check(browser, "Your password is changed")
    assert site.call("/auth/login", {"email": email, "password": NEW_PASSWORD})["user"]["email"] == email


@pytest.mark.parametrize("path", ["/checkout/done", "/checkout/cancelled"])
def test_who_comes_back_from_paying_is_told_how_it_went(site: Site, browser: Chrome, path: str) -> None:
    browser.get(site.url + path)
    _check(browser, browser.find_element(By.TAG_NAME, "h1").text)
    assert len(browser.find_element(By.TAG_NAME, "main").text) > 40


def test_a_link_that_was_used_says_what_to_do(site: Site, browser: Chrome) -> None:
    browser.get(f"{site.url}/verify-email?token=et_nonsense")
    browser.find_element(By.TAG_NAME, "button").click()
    _arrive(browser, "This link no longer works")
    assert "ask for a new one" in browser.find_element(By.CSS_SELECTOR, "[role=alert]").text


def test_the_reference_can_be_read_and_opened(site: Site, browser: Chrome) -> None:
    browser.get(f"{site.url}/docs")
    heading = browser.find_element(By.TAG_NAME, "h1").text
    assert heading.startswith("Reely license server, version ")
    _check(browser, heading)
    details = browser.find_element(By.ID, "leases-request_lease")
    summary = details.find_element(By.TAG_NAME, "summary")
    assert summary.text.startswith("POST /api/v1/leases")
    assert not details.find_element(By.TAG_NAME, "h3").is_displayed()
    browser.execute_script("arguments[0].focus()", summary)
    _press(browser, Keys.ENTER)
    shown = details.text
    for words in ("Reely-Device-Signature", "quota-exhausted", '"request_id"', "Authorization: Bearer"):
        assert words in shown
    with urlopen(f"{site.url}/openapi.json", timeout=30) as answer:
        document = json.loads(answer.read())
    told = {
        element.get_attribute("id") for element in browser.find_elements(By.CSS_SELECTOR, "section > details")
    }
    operations = {
        operation["operationId"] for item in document["paths"].values() for operation in item.values()
    }
    assert operations <= told
    assert {f"shape-{name}" for name in document["components"]["schemas"]} <= told
