"""The account through the command: a laptop on a train, other devices, and a tier that is paid for."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.end_to_end.conftest import SAMPLE, Command, Server
from tests.stripe import Stripe


@pytest.fixture
def laptop(reely: Command, own_server: Server) -> Command:
    """The command on a computer of Ada's, who has just signed up."""
    return _computer(reely, own_server, "laptop", "sign-up")


def _computer(reely: Command, server: Server, name: str, way_in: str) -> Command:
    environment = {
        **reely.environment,
        "REELY_HOME": str(reely.folder / f"home-of-{name}"),
        "REELY_SERVER_URL": server.url,
    }
    command = replace(reely, environment=environment)
    signed = command("account", way_in, "--email", "ada@example.com")
    assert signed.code == 0, signed.stdout
    return command


def test_a_laptop_on_a_train_cuts_what_it_holds_and_settles_to_the_clips_on_its_disk(
    laptop: Command, own_server: Server
) -> None:
    taken = laptop("account", "offline", "--take", "3").last
    assert [taken["meters"][meter]["on_device"] for meter in ("trim", "hook_run")] == [3, 3]
    own_server.go_away()
    for number in range(3):
        cut = laptop("trim", SAMPLE, "--from", "1", "--to", "2", "-o", f"{number}.mp4")
        assert cut.code == 0, cut.stdout
    refused = laptop("trim", SAMPLE, "--from", "1", "--to", "2", "-o", "one too many.mp4")
    assert (refused.code, refused.last["code"]) == (4, "offline-exhausted")
    assert "Connect to the internet" in refused.last["hint"]
    away = laptop("account", "show").last
    assert (away["online"], away["meters"]["trim"]["unreported"]) == (False, 3)
    words = laptop.in_words("account", "offline").stdout
    assert "0 trims on this device, 3 not reported yet" in words
    own_server.come_back()
    back = laptop("account", "show").last
    clips = len(list(laptop.folder.glob("*.mp4")))
    assert (back["online"], back["meters"]["trim"]["settled"], clips) == (True, 3, 3)
    assert back["meters"]["trim"]["unreported"] == 0
    given = laptop("account", "offline", "--return").last
    assert (given["meters"]["trim"]["held"], given["meters"]["trim"]["available"]) == (0, 2)


def test_devices_and_sign_ins_are_minded_from_another_computer(
    reely: Command, laptop: Command, own_server: Server
) -> None:
    _computer(reely, own_server, "desk", "sign-in")
    listed = laptop("account", "devices").last["devices"]
    assert sorted(device["current"] for device in listed) == [False, True]
    desk = next(device["id"] for device in listed if not device["current"])
    renamed = laptop("account", "devices", "--rename", desk, "The desk's").last["devices"]
    assert "The desk's" in {device["name"] for device in renamed}
    assert len(laptop("account", "devices", "--lost", desk).last["devices"]) == 1
    unknown = laptop("account", "devices", "--remove", desk)
    assert (unknown.code, unknown.last["code"]) == (2, "no-such-device")
    sign_ins = laptop("account", "sessions").last["sessions"]
    other = next(entry["id"] for entry in sign_ins if not entry["current"])
    assert [entry["current"] for entry in laptop("account", "sessions", "--end", other).last["sessions"]] == [
        True
    ]


def test_a_tier_is_paid_for_in_the_browser_and_there_at_once(laptop: Command, stripe: Stripe) -> None:
    upgrade = laptop("account", "upgrade").last
    assert upgrade["tier"] == "pro"
    assert upgrade["checkout_url"].startswith(stripe.address)
    with stripe.lock:
        (session,) = stripe.store.all("checkout.session", status="open")
    stripe.pay(session["id"])
    stripe.deliveries.settle()
    shown = laptop("account", "show").last
    assert (shown["tier"], shown["meters"]["trim"]["limit"]) == ("pro", 100)
    again = laptop("account", "upgrade", "pro")
    assert (again.code, again.last["code"]) == (4, "already-subscribed")
    assert laptop("account", "manage").last["portal_url"].startswith(stripe.address)


def test_a_password_is_changed_and_an_account_deleted_without_a_question(laptop: Command) -> None:
    changed = laptop("account", "change-password", REELY_NEW_PASSWORD="another long secret of a test")
    assert changed.code == 0, changed.stdout
    unsure = laptop("account", "delete")
    assert (unsure.code, unsure.last["code"]) == (2, "usage")
    wrong = laptop("account", "delete", "--yes")
    assert (wrong.code, wrong.last["code"]) == (4, "invalid-credentials")
    gone = laptop("account", "delete", "--yes", REELY_PASSWORD="another long secret of a test")
    assert (gone.code, gone.last["signed_in"]) == (0, False)
    nobody = laptop("account", "devices")
    assert (nobody.code, nobody.last["code"]) == (4, "not-signed-in")
