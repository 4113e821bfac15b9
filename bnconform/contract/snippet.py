"""A Snippet is the call that users of a framework write, as source text for the script of a finding.

Rules: it is Python as it stands, filled in by nothing; the script defines what it uses of the case, under the names
that `Snippet` lists; a text that could not run there is refused when it is stated.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from bnconform.contract.errors import ContractError

IMPORTS = "import sys\n\nimport numpy as np"
NEEDED = frozenset({"sys", "np"})
"""What the rest of the script uses of the imports."""


@dataclass(frozen=True, kw_only=True)
class Snippet:
    """What calls an implementation without its adapter.

    code: defines run(), which returns arrays by the names of an Outcome: "y", "running_mean", "dx" and so on. It reads
    VALUES, arrays in float64 or None under "x", "gamma", "beta", "running_mean", "running_var" and "dy"; DTYPES, the
    names of their types; MODE, "train" or "infer"; AXIS, that of the channels; EPS; MOMENTUM, the weight of the new
    statistics. imports: what stands above, `sys` and `np` among it. needs: what the script needs beside NumPy, in
    words. A case that asks for more than first derivatives goes through the adapter.
    """

    code: str
    imports: str = IMPORTS
    needs: str = ""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not isinstance(value, str):
                raise ContractError(f"Snippet.{name} is {value!r:.60}; expected a text")
        if NEEDED - _bound(_parsed(self.imports, "imports")):
            raise ContractError(f"Snippet.imports are {self.imports!r:.200}; expected {IMPORTS!r} among them")
        if not any(isinstance(one, ast.FunctionDef) and one.name == "run" for one in _parsed(self.code, "code").body):
            raise ContractError(f"Snippet.code is {self.code!r:.60}; expected that it defines the function run()")

    def to_json(self) -> dict[str, Any]:
        """Returns the snippet as values that JSON can hold."""
        return asdict(self)

    @classmethod
    def from_json(cls, message: Mapping[str, Any]) -> Snippet:
        """Returns the snippet that `to_json` gave as `message`; what this version does not know is left out."""
        return cls(**{name: value for name, value in message.items() if name in cls.__dataclass_fields__})


def _parsed(text: str, name: str) -> ast.Module:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError) as error:
        raise ContractError(f"Snippet.{name} is no Python: {error}; expected source text") from None


def _bound(tree: ast.Module) -> set[str]:
    """Returns the names that the imports of `tree` give."""
    imports = [one for one in tree.body if isinstance(one, (ast.Import, ast.ImportFrom))]
    return {alias.asname or alias.name.partition(".")[0] for one in imports for alias in one.names}
