"""The part of the pytest plugin that is loaded once specs are asked for: it starts the session that judges.

Rules: a wrong call ends pytest with its own usage error, before anything was run or written.
"""

from __future__ import annotations

from typing import Any

import pytest

from bnconform.cli.session.plugin import specs_folder
from bnconform.cli.session.session import Conformance
from bnconform.cli.session.workers import is_worker, serve
from bnconform.contract.errors import CallError, ContractError
from bnconform.engine.selection import Request

try:
    from xdist.scheduler import LoadScopeScheduling
except ImportError:  # without xdist nobody asks for a scheduler
    LoadScopeScheduling = object

MANY = {"adapters": "adapter", "implementations": "implementation", "specs": "spec", "dtypes": "dtype"}
ONE = ("device", "examples", "seed", "timeout", "import_timeout", "host_memory", "in_process", "deviations", "shard",
       "without_variants")  # fmt: skip


def request_of(config: pytest.Config) -> Request:
    """Returns the request of the options."""
    said: dict[str, Any] = {name: tuple(config.getoption(f"bn_{option}")) for name, option in MANY.items()}
    said |= {name: config.getoption(f"bn_{name}") for name in ONE}
    return Request(**{name: value for name, value in said.items() if value is not None})


def pytest_configure(config: pytest.Config) -> None:
    """Registers the session; turns a wrong call into pytest's usage error."""
    folder, out = specs_folder(config), config.getoption("bn_out")
    if folder is None:
        raise pytest.UsageError("bnconform needs a folder of specs; give --bn-specs FOLDER")
    where = (config.invocation_params.dir / out).resolve() if out else None
    if is_worker(config):
        serve()
    session = Conformance(config, request_of(config), folder, where)
    try:
        session.start()
    except (CallError, ContractError) as error:
        session.close()
        raise pytest.UsageError(str(error)) from error
    except OSError as error:
        session.close()
        raise pytest.UsageError(f"{error.filename or where or folder}: {error.strerror or error}") from error
    except BaseException:  # an interrupt while adapters say what they offer
        session.close()
        raise
    config.pluginmanager.register(session, "bnconform-session")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Lets one worker have all items of an implementation, so that its adapter is imported and compiled once."""
    return ByImplementation(config, log)


class ByImplementation(LoadScopeScheduling):  # type: ignore[misc, no-any-unimported]  # xdist ships no types
    """Schedules by the implementation, read off the brackets of an item's name before the dtype."""

    def _split_scope(self, nodeid: str) -> str:
        _, bracket, inside = nodeid.rstrip("]").partition("[")
        return inside.rsplit("-", 2)[0] if bracket else nodeid
