"""To move a layer: how it is written, and commands that can be typed as they stand."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

from worlds import records as world

from bnconform import Argument, Settings
from bnconform.cli.main import _parser
from bnconform.report import write_report
from bnconform.report.choices.ports import Port, ports
from bnconform.results.file import merge

SETTINGS = Settings(
    call="mini.bn", eps=Argument("eps", "1e-05"), momentum=Argument("decay", "0.99"), weighs="old"
).to_json()


def ported(out: Path, *changed: dict[str, Any]) -> tuple[Port, ...]:
    names = ("mini.batch_norm", "other.norm@jax", "third.norm")
    stated = [world.implementation(name, **{"settings": SETTINGS, "adapter": f"bnconform.adapters.{name[:4]}", **more})
              for name, more in zip(names, changed, strict=False)]  # fmt: skip
    return ports(merge([world.write(out, implementations=stated)]))


def test_a_layer_is_written_out_with_its_defaults_and_a_command_for_each_other(tmp_path: Path) -> None:
    first, second, third = ported(
        tmp_path, {}, {}, {"settings": {**SETTINGS, "call": "bn{n}d", "fixed": {"fast": "True"}}}
    )
    assert first.written == "mini.bn(eps=1e-05, decay=0.99)"
    unset = ported(tmp_path / "b", {"settings": {**SETTINGS, "eps": {"name": "eps", "default": "", "link": ""}}})
    assert unset[0].written == "mini.bn(eps=…, decay=0.99)"
    assert third.written == "bn2d(eps=1e-05, decay=0.99, fast=True)"
    assert second.commands == (
        "bnconform convert other.norm@jax mini.batch_norm", "bnconform convert other.norm@jax third.norm")  # fmt: skip


def test_a_command_names_the_adapter_of_the_users_and_can_be_typed_as_it_stands(tmp_path: Path) -> None:
    first, _ = ported(tmp_path, {"adapter": "my own.py"}, {})
    (command,) = first.commands
    options = _parser().parse_args(shlex.split(command)[1:])
    assert (options.source, options.target, options.adapter) == ("mini.batch_norm", "other.norm@jax", ["my own.py"])


def test_of_many_a_command_is_left_to_be_filled_in(tmp_path: Path) -> None:
    stated = [
        world.implementation(f"mini.{n}", settings=SETTINGS, adapter="bnconform.adapters.mini") for n in range(17)
    ]
    first, *_ = ports(merge([world.write(tmp_path, implementations=stated)]))
    assert first.commands == ("bnconform convert mini.0 TO",)


def test_nothing_is_moved_from_or_to_what_states_no_settings(tmp_path: Path) -> None:
    assert [one.commands for one in ported(tmp_path, {}, {"settings": None})] == [()]
    page = (write_report([world.write(tmp_path)], tmp_path).parent / "choices.html").read_text(encoding="utf-8")
    assert "Move a layer</h2>" not in page
