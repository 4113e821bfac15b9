"""What a user writes to make an implementation: declared with links, sent between processes, fit to be converted."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from bnconform import Argument, Implementation, Outcome, Settings
from bnconform.cli.convert import Wish, convert
from bnconform.contract.errors import ContractError
from bnconform.contract.implementation import Described
from bnconform.contract.settings import OFFERS

LINK = "https://example.org/bn"
EPS, MOMENTUM = Argument("eps", "1e-05", LINK), Argument("momentum", "0.1", LINK)
MODULE = Settings(call="a.BatchNorm{n}d", eps=EPS, momentum=MOMENTUM, weighs="new", affine=Argument("affine", "True"))
OLD = Settings(
    call="a.old",
    eps=Argument("epsilon", "0.001", LINK),
    momentum=Argument("decay", "0.99", LINK),
    weighs="old",
    scale=Argument("scale", "True", LINK),
    shift=Argument("center", "True", LINK),
    axis=Argument("axis", "-1", LINK),
)
DECLARED = {
    "new": MODULE,
    "cumulative": replace(MODULE, cumulative="None", momentum=Argument("momentum", "None", LINK)),
    "old": OLD,
    "variant": replace(OLD, fixed={"use_fast_variance": "False"}),
    "without a default": replace(OLD, eps=Argument("eps", "", LINK), momentum=Argument("decay_rate", "", LINK)),
    "by layout": replace(OLD, layouts={"1": "'NC{s}'", "-1": "'N{s}C'"}, axis=Argument("data_format", "'NHWC'", LINK)),
    "by the other axes": Settings(call="a.f", eps=EPS, axis=Argument("axis", "-1", LINK), reduced=True, channels=-1),
    "inference": Settings(call="A", eps=EPS, momentum=Argument("momentum", "0.9"), weighs="old", offers=OFFERS[1:2]),
    "by function": Settings(
        call="a.g",
        eps=EPS,
        scale=Argument("weight", "None", LINK, on="weight", off="None"),
        state=Argument("mean", "", LINK, on="mean, var=var", off="None, var=None"),
        channels=-1,
    ),
}


def described(settings: Settings) -> Described:
    return Described.of(Implementation(name="a.bn", run=lambda case: Outcome(), settings=settings))


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
    assert Settings.from_json({**MODULE.to_json(), "later": 1}) == MODULE


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


def test_a_call_of_several_lines_is_told_on_one() -> None:
    with pytest.raises(ContractError, match=r"^a b: weighs is 'new'; expected"):
        Settings(call="a\n\nb", weighs="new")


def test_settings_of_another_kind_are_refused() -> None:
    wrong: Any = {"eps": "1e-5"}
    with pytest.raises(ContractError, match=r"a.bn: settings is .*; expected a bnconform.Settings"):
        Implementation(name="a.bn", run=lambda case: Outcome(), settings=wrong)
