"""What a user writes to make an implementation: declared with links, sent between processes, fit to be converted."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from bnconform import Argument, Implementation, Outcome, Settings
from bnconform.adapters import _settings
from bnconform.cli.convert import Wish, convert
from bnconform.contract.errors import ContractError
from bnconform.contract.implementation import Described
from bnconform.contract.settings import ARGUMENTS, OFFERS

DECLARED = {name: one for name, one in vars(_settings).items() if isinstance(one, Settings)}


def described(settings: Settings) -> Described:
    return Described.of(Implementation(name="a.bn", run=lambda case: Outcome(), settings=settings))


def test_all_there_are_have_links_and_numbers() -> None:
    assert len(DECLARED) > 25
    for name, one in DECLARED.items():
        assert one.eps is not None, name
        for argument in one.named(*ARGUMENTS):
            assert argument.link.startswith("https://"), (name, argument)
        for argument in one.named("eps", "momentum"):
            assert argument.default in ("", "None") or 0 < Decimal(argument.default) <= 1, (name, argument)


@pytest.mark.parametrize("name", DECLARED)
def test_a_description_keeps_its_settings(name: str) -> None:
    one = described(DECLARED[name])
    assert Described.from_json(json.loads(json.dumps(one.to_json()))) == one


@pytest.mark.parametrize("name", DECLARED)
def test_each_can_be_written_in_the_words_of_every_other(name: str) -> None:
    source = DECLARED[name]
    missing = {which for which in ("eps", "momentum") for one in source.named(which) if not one.default}
    wish = Wish(**dict.fromkeys(missing, "0.25"))
    for target in DECLARED.values():
        conversion = convert(described(source), described(target), wish)
        arguments = conversion.after.arguments
        assert target.eps is not None
        assert Decimal(arguments[target.eps.name]) == conversion.layer.eps
        if target.momentum is not None and conversion.layer.new is not None:
            written = Decimal(arguments[target.momentum.name])
            assert conversion.layer.new == (written if target.weighs == "new" else 1 - written)


def test_what_is_not_known_of_a_later_version_is_left_out() -> None:
    message = {**_settings.TORCH_MODULE.to_json(), "later": 1}
    assert Settings.from_json(message) == _settings.TORCH_MODULE


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"weighs": "new"}, "weighs is 'new'; expected 'new' or 'old' beside a momentum"),
        ({"momentum": Argument("m")}, "weighs is ''; expected 'new' or 'old' beside a momentum"),
        ({"momentum": Argument("m"), "weighs": "both"}, "weighs is 'both'"),
        ({"offers": "training"}, "offers is 'training'; expected some of"),
        ({"offers": ("magic",)}, rf"offers is \('magic',\); expected some of \('{OFFERS[0]}'"),
        ({"eps": "eps"}, "eps is 'eps'; expected an Argument or None"),
    ],
)
def test_a_wrong_field_is_refused_by_name(changes: dict[str, Any], expected: str) -> None:
    with pytest.raises(ContractError, match=f"a.bn: {expected}"):
        Settings(**{"call": "a.bn", **changes})


def test_settings_of_another_kind_are_refused() -> None:
    wrong: Any = {"eps": "1e-5"}
    with pytest.raises(ContractError, match=r"a.bn: settings is .*; expected a bnconform.Settings"):
        Implementation(name="a.bn", run=lambda case: Outcome(), settings=wrong)
