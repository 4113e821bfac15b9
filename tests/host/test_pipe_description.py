"""What a program says of itself in its first frame: what is left out has its default, what is wrong is told."""

from __future__ import annotations

from typing import Any

import pytest
from worlds.programs import framed

from bnconform.contract.address import named_address
from bnconform.contract.dialect import Dialect
from bnconform.contract.errors import ContractError
from bnconform.contract.settings import Argument, Settings
from bnconform.host.pipe import read_description

ADDRESS = named_address("pipe:sh")


def test_what_a_description_leaves_out_has_its_default() -> None:
    one = {"name": "p.bn", "features": ["mask"], "by_dtype": {"float16": {"stats_dtype": "float32"}}}
    (found,) = read_description(ADDRESS, framed({"kind": "Described", "implementations": [one]})[8:])
    assert (found.dtypes, found.devices, found.compiled) == (("float32", "float64"), ("cpu",), False)
    assert (found.features, found.dialect) == (("mask",), Dialect())
    assert found.dialect_for("float16").stats_dtype == "float32"


def test_a_program_may_say_what_a_user_writes_and_offer_its_defaults() -> None:
    settings = {"call": "p_bn", "eps": {"name": "epsilon", "default": "1e-05", "link": "https://p.example/bn"}}
    one = {"name": "p.bn", "features": ["default_eps"], "settings": settings}
    (found,) = read_description(ADDRESS, framed({"kind": "Described", "implementations": [one]})[8:])
    assert found.settings == Settings(call="p_bn", eps=Argument("epsilon", "1e-05", "https://p.example/bn"))
    assert (found.settings.default_eps, found.settings.default_momentum) == (1e-5, None)


def test_a_program_may_say_what_it_consists_of() -> None:
    items = [{"name": "p.bn", "versions": {"p": "2", "cuda": "12.4"}}, {"name": "p.plain", "version": "2"}]
    found = read_description(ADDRESS, framed({"kind": "Described", "implementations": items})[8:])
    assert [one.versions for one in found] == [{"p": "2", "cuda": "12.4"}, {"p": "2"}]


DESCRIPTIONS = {
    "kind": ({"kind": "Hello"}, r"got \{'kind': 'Hello'\}; expected the kind 'Described' and a list"),
    "none": ([], r"IMPLEMENTATIONS is \[\]"),
    "item": (["p.bn"], r"got 'p\.bn' for an implementation; expected a JSON object"),
    "nameless": ([{}], r"Implementation\.name is None"),
    "twice": ([{"name": "p.bn"}] * 2, r"are both called 'p\.bn'"),
    "field": ([{"name": "p.bn", "dtype": "float32"}], r"got 'dtype' in an implementation; expected some of name, "),
    "snippet": ([{"name": "p.bn", "snippet": {"code": ""}}], r"got 'snippet' in an implementation"),
    "versions": ([{"name": "p.bn", "versions": {"p": 2}}], r"p\.bn: versions is \{'p': 2\}; expected versions by"),
    "run": ([{"name": "p.bn", "run": "x"}], r"got 'run' in an implementation"),
    "dtypes": ([{"name": "p.bn", "dtypes": ["F32"]}], r"p\.bn: dtypes is \['F32'\]; expected some of"),
    "ranks": ([{"name": "p.bn", "ranks": "4"}], r"p\.bn: ranks is '4'"),
    "features": ([{"name": "p.bn", "features": ["memory"]}], r"its features name 'memory', which no program can offer"),
    "listless": ([{"name": "p.bn", "features": 3}], r"not iterable"),
    "dialect": ([{"name": "p.bn", "dialect": {"running_var": "odd"}}], r"Dialect\.running_var is 'odd'; expected one"),
    "choice": ([{"name": "p.bn", "dialect": {"epsilon": "odd"}}], r"got 'epsilon' in a dialect; expected some of "),
    "links": ([{"name": "p.bn", "dialect": {"links": ["running_var"]}}], r"got \['running_var'\] for links; expected"),
    "link": ([{"name": "p.bn", "dialect": {"links": {"running_var": 1}}}], r"expected an address for each field"),
    "settings": ([{"name": "p.bn", "settings": {"call": "f", "epsilon": 1}}], r"got 'epsilon' in settings; expected"),
    "argument": ([{"name": "p.bn", "settings": {"call": "f", "eps": 1e-5}}], r"got 1e-05 for eps; expected a JSON"),
    "lines": (
        [{"name": "p.bn", "settings": {"call": "f\n\x1b[2Jg", "weighs": "new"}}],
        "frame: f \ufffd\\[2Jg: weighs",
    ),
    "line": ([{"name": "p\nq", "features": ["memory"]}], "frame: p q: its features name 'memory'"),
    "default": ([{"name": "p.bn", "features": ["default_eps"]}], r"offers 'default_eps'; expected settings that"),
    "by_dtype": ([{"name": "p.bn", "by_dtype": {"float16": 1}}], r"got 1 for a dialect; expected a JSON object"),
}


@pytest.mark.parametrize(("said", "message"), DESCRIPTIONS.values(), ids=DESCRIPTIONS.keys())
def test_a_description_that_breaks_the_contract_is_refused(said: Any, message: str) -> None:
    described = said if isinstance(said, dict) else {"kind": "Described", "implementations": said}
    with pytest.raises(ContractError, match=rf"^pipe:sh, its first (?=frame: ).*{message}") as told:
        read_description(ADDRESS, framed(described)[8:])
    assert "\n" not in str(told.value)
