"""What takes part in a run, and the one message of a call that is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from worlds.hosts import adapter

from bnconform.contract.address import Address
from bnconform.contract.errors import CallError
from bnconform.engine import selection
from bnconform.engine.book import all_specs
from bnconform.engine.selection import Hosts, Request, Selection, _reaches, choose_specs, fits, select, targets

ECHO = "def echo(case): return Outcome(y=case.x)\n"
SPECS = all_specs()
ABSENT = "import a_framework_that_is_absent\n"


@pytest.fixture
def hosts() -> Iterator[list[Hosts]]:
    """Hosts that a test opens; closed after it."""
    opened: list[Hosts] = []
    yield opened
    for one in opened:
        one.close()


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, hosts: list[Hosts]) -> Any:
    """Installs adapters, each a namespace and its address text; returns a function that selects among them."""

    def installed(**texts: str) -> Any:
        addresses = [_address(tmp_path, namespace, text) for namespace, text in texts.items()]
        monkeypatch.setattr(selection, "installed_addresses", lambda: addresses)

        def chosen(*adapters: str, **asked: Any) -> Selection:
            request = Request(adapters=adapters, in_process=True, **asked)
            hosts.append(Hosts(request=request))
            return select(request, hosts[-1])

        return chosen

    return installed


def _address(folder: Path, namespace: str, text: str) -> Address:
    named = adapter(folder, text, f"{namespace}_adapter.py")
    return Address(target=named.target, namespace=namespace, named=False)


def names(found: Selection) -> list[str]:
    return [one.name for offer in found.offers for one in offer.implementations]


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"dtypes": ("float31",)}, "--dtype float31: unknown dtype; expected one of float16, bfloat16, float32"),
        ({"device": "tpu"}, "--device tpu: unknown device; expected one of cpu, cuda"),
        ({"examples": 0}, "--examples 0: expected a number of at least 1"),
        ({"timeout": 0.0}, "--timeout 0: expected a number of seconds above 0"),
        ({"timeout": float("nan")}, "--timeout nan: expected a number of seconds above 0"),
        ({"import_timeout": float("inf")}, "--import-timeout inf: expected a number of seconds above 0"),
        ({"host_memory": -1.0}, "--host-memory -1: expected a number of GiB above 0"),
    ],
)  # fmt: skip
def test_a_value_that_no_run_can_have_is_refused(asked: dict[str, Any], message: str) -> None:
    with pytest.raises(CallError, match=message):
        Request(**asked).check()


def test_the_defaults_are_a_run_of_everything() -> None:
    Request().check()
    assert fits("anything.at_all", ())


@pytest.mark.parametrize(
    ("globs", "reaches"),
    [
        ((), True),
        (("bn.*",), True),
        (("bn.echo",), True),
        (("b*",), True),
        (("*",), True),
        (("[bc]n.echo",), True),
        (("?n.echo",), True),
        (("bn",), True),
        (("bnx.*",), False),
        (("torch.*", "keras.*"), False),
        (("torch.*", "bn.e?ho"), True),
        (("bns.echo",), False),
    ],
)
def test_an_adapter_is_asked_only_if_a_glob_can_fit_its_namespace(globs: tuple[str, ...], reaches: bool) -> None:
    assert _reaches(globs, "bn") == reaches


def test_an_adapter_that_no_glob_can_reach_is_not_even_imported(world: Any) -> None:
    found = world(bn=ECHO, torch="raise SystemExit('imported')\n")(implementations=("bn.*",))
    assert names(found) == ["bn.echo"]
    assert (found.missing, found.broken) == ((), ())


def test_all_installed_adapters_take_part_where_none_is_named(world: Any) -> None:
    found = world(bn=ECHO + "def twice(case): return Outcome(y=case.x + case.x)\n")()
    assert names(found) == ["bn.echo", "bn.twice"]


def test_an_adapter_that_is_named_takes_part_alone(world: Any, tmp_path: Path) -> None:
    named = adapter(tmp_path, "def mine(case): return Outcome(y=case.x)\n", "mine.py")
    assert names(world(bn=ECHO)(named.target)) == ["bn.mine"]


def test_globs_choose_among_named_and_installed_adapters(world: Any, tmp_path: Path) -> None:
    named = adapter(tmp_path, "def mine(case): return Outcome(y=case.x)\n", "mine.py")
    chosen = world(bn=ECHO)
    assert names(chosen(named.target, implementations=("bn.*",))) == ["bn.mine", "bn.echo"]
    assert names(chosen(named.target, implementations=("bn.m*",))) == ["bn.mine"]


OPT_IN = ECHO + "def slow(case): return Outcome(y=case.x)\nslow.opt_in = True\n"


def test_what_is_opt_in_takes_part_only_where_it_is_asked_for(world: Any, tmp_path: Path) -> None:
    chosen = world(bn=OPT_IN)
    assert names(chosen()) == ["bn.echo"]
    assert names(chosen(implementations=("bn.*",))) == ["bn.echo", "bn.slow"]
    assert names(chosen(implementations=("bn.slow",))) == ["bn.slow"]
    assert names(chosen(adapter(tmp_path, OPT_IN, "mine.py").target)) == ["bn.echo", "bn.slow"]


def test_a_framework_that_is_not_installed_is_listed_and_no_error(world: Any) -> None:
    found = world(bn=ECHO, absent=ABSENT)()
    assert names(found) == ["bn.echo"]
    assert [one["needs"] for one in found.missing] == ["a_framework_that_is_absent"]
    assert found.missing[0]["adapter"].endswith("absent_adapter.py")


def test_an_installed_adapter_that_is_broken_is_listed_with_its_reason(world: Any) -> None:
    found = world(bn=ECHO, shaky="raise ValueError('of no use')\n")()
    assert names(found) == ["bn.echo"]
    (broken,) = found.broken
    assert broken["adapter"].endswith("shaky_adapter.py")
    assert "could not be imported: ValueError: of no use" in broken["message"]


def test_a_named_adapter_that_is_broken_is_a_wrong_call(world: Any, tmp_path: Path) -> None:
    named = adapter(tmp_path, "raise ValueError('of no use')\n", "mine.py")
    with pytest.raises(CallError, match=r"mine\.py \(line \d+\) could not be imported: ValueError: of no use"):
        world(bn=ECHO)(named.target)


def test_a_named_adapter_whose_framework_is_absent_is_a_wrong_call(world: Any, tmp_path: Path) -> None:
    named = adapter(tmp_path, ABSENT, "mine.py")
    with pytest.raises(CallError, match=r"mine\.py .*No module named 'a_framework_that_is_absent'"):
        world(bn=ECHO)(named.target)


def test_an_adapter_file_that_is_not_there_is_a_wrong_call(world: Any) -> None:
    with pytest.raises(CallError, match=r"--adapter nowhere\.py: there is no such file"):
        world(bn=ECHO)("nowhere.py")


def test_an_installed_adapter_must_keep_to_its_namespace(world: Any) -> None:
    found = world(other=ECHO, bn=ECHO)()
    assert names(found) == ["bn.echo"]
    assert "offers 'bn.echo'; expected names that begin with 'other' and a dot" in found.broken[0]["message"]


def test_two_adapters_with_one_name_are_a_wrong_call(world: Any, tmp_path: Path) -> None:
    first, second = (adapter(tmp_path, ECHO, f"{name}.py") for name in ("first", "second"))
    with pytest.raises(CallError, match=r"two adapters offer an implementation called 'bn\.echo'"):
        world()(first.target, second.target)


def test_an_unknown_implementation_is_answered_with_the_nearest_name(world: Any) -> None:
    with pytest.raises(CallError, match=r"--implementation 'bn\.ecko' fits nothing; did you mean 'bn\.echo'\?"):
        world(bn=ECHO)(implementations=("bn.ecko",))


def test_an_unknown_implementation_far_from_all_is_answered_with_what_there_is(world: Any) -> None:
    expected = r"'bn\.z\*' fits nothing; expected one of: bn\.echo; not installed: a_framework_that_is_absent"
    with pytest.raises(CallError, match=expected):
        world(bn=ECHO, bnx=ECHO, absent=ABSENT)(implementations=("bn.z*", "absent.*"))


def test_specs_are_chosen_by_id_chapter_or_both() -> None:
    by_id = choose_specs(SPECS, ("averages_the_running_*", "averages_the_unbiased_*"))
    assert [one.id for one in by_id] == ["averages_the_running_mean", "averages_the_unbiased_variance"]
    assert {one.chapter for one in choose_specs(SPECS, ("inference",))} == {"inference"}
    (one,) = choose_specs(SPECS, ("inference.infers_by_the*",))
    assert one.id == "infers_by_the_running_statistics"
    assert choose_specs(SPECS, ()) == SPECS


def test_an_unknown_spec_is_answered_with_the_nearest_name() -> None:
    with pytest.raises(
        CallError, match=r"--spec 'normalizes_by_batch' fits nothing; did you mean 'normalizes_by_the_b"
    ):
        choose_specs(SPECS, ("inference", "normalizes_by_batch"))


def test_targets_are_every_implementation_in_every_dtype_asked_for(world: Any) -> None:
    found = world(bn=ECHO)()
    every = [(one.implementation.name, one.dtype) for _, one in targets(found, Request())]
    assert every == [("bn.echo", "bfloat16"), ("bn.echo", "float32")]
    one = targets(found, Request(dtypes=("float32", "float64")))
    assert [target.dtype for _, target in one] == ["float32"]


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [({"device": "cuda"}, "device cuda and dtype any"), ({"dtypes": ("float64",)}, "device cpu and dtype float64")],
)
def test_a_run_of_nothing_is_a_wrong_call_that_says_what_there_is(
    world: Any, asked: dict[str, Any], wanted: str
) -> None:
    with pytest.raises(CallError, match=rf"nothing to run on {wanted}; there is bn\.echo \(bfloat16, float32 on cpu\)"):
        targets(world(bn=ECHO)(), Request(**asked))


def test_a_run_without_any_framework_says_what_is_not_installed(world: Any) -> None:
    with pytest.raises(CallError, match="there is no implementation: a_framework_that_is_absent is not installed"):
        targets(world(absent=ABSENT)(), Request())
    with pytest.raises(CallError, match="there is no implementation: no adapter loaded"):
        targets(Selection(), Request())


def test_a_selection_travels_to_another_process(world: Any, tmp_path: Path) -> None:
    found = world(bn=ECHO, absent=ABSENT, shaky="raise ValueError\n")()
    arrived = Selection.from_json(json.loads(json.dumps(found.to_json())))
    assert arrived == found
    pairs = Address(target="a", namespace="a", named=True, python="/bin/python", env=(("KEY", "value"),))
    with_env = Selection(offers=(selection.Offer(pairs, found.offers[0].implementations),))
    assert Selection.from_json(json.loads(json.dumps(with_env.to_json()))) == with_env
