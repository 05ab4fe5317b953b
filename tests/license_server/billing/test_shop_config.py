"""What a deployment that sells has to say, and what production refuses."""

from __future__ import annotations

import pytest

from license_server.config import Config, ConfigError
from tests.license_server.test_config import RIGHT

_SELLS = {
    "STRIPE_SECRET_KEY": "sk_live_51Nabcdefghijklmnop",
    "STRIPE_WEBHOOK_SECRET": "whsec_Zx81kQm0vT5bWc7Y",
    "STRIPE_PRICE_PRO": "price_1NPro",
    "STRIPE_PRICE_PREMIUM": "price_1NPremium",
}


@pytest.fixture
def production() -> dict[str, str]:
    return {**RIGHT, **_SELLS}


def test_a_shop_with_everything_right_opens(production: dict[str, str]) -> None:
    config = Config.from_environment({**production, "STRIPE_PRICE_PRO": "price_2, price_1"})
    assert config.stripe_price_pro == ("price_2", "price_1")
    assert "sk_live" not in repr(config)
    assert "whsec" not in repr(config)


@pytest.mark.parametrize("missing", sorted(_SELLS))
def test_half_a_shop_does_not_open_anywhere(production: dict[str, str], missing: str) -> None:
    for environment in ("production", "development"):
        with pytest.raises(ConfigError, match=missing):
            Config.from_environment({**production, missing: "", "REELY_ENV": environment})


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("STRIPE_SECRET_KEY", "sk_test_51Nabcdefghijklmnop"),
        ("STRIPE_SECRET_KEY", "pk_live_51Nabcdefghijklmnop"),
        ("STRIPE_WEBHOOK_SECRET", "Zx81kQm0vT5bWc7Y"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_aaaaaaaaaaaaaaaaa"),
        ("STRIPE_WEBHOOK_SECRET", "whsec_Zx81kQm0vT5bWc7Y,whsec_test"),
        ("STRIPE_API_BASE", "http://stripe.example.com"),
        ("STRIPE_PRICE_PREMIUM", "price_1NPro"),
    ],
)
def test_production_does_not_sell_for_play_money(
    production: dict[str, str], variable: str, value: str
) -> None:
    with pytest.raises(ConfigError, match=variable) as refusal:
        Config.from_environment({**production, variable: value})
    assert value not in str(refusal.value)
