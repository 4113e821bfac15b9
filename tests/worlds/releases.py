"""A package of several releases, as folders of wheels that an installer takes without a network, and its adapter."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

import numpy

LIGHT = ("numpy", "ml_dtypes", "safetensors")
RIGHT, WRONG = "0.0", "0.5"
"""What a release adds to y."""
ADAPTER = """
import os, time
import tinybn
from bnconform import Implementation, Outcome, Unsupported, installed

def run(case):
    import numpy as np
    time.sleep(float(os.environ.get("TINYBN_SLEEPS", "0")))
    if case.mode != "train":
        raise Unsupported("training only")
    x = np.moveaxis(case.x, case.axis, -1)
    rows = x.reshape(-1, x.shape[-1])
    one = x.dtype.type
    mean = rows.sum(axis=0) / one(len(rows))
    d = rows - mean
    y = d / np.sqrt((d * d).sum(axis=0) / one(len(rows)) + one(case.eps))
    y = y if case.gamma is None else y * case.gamma
    y = y if case.beta is None else y + case.beta
    return Outcome(y=np.moveaxis((y + one(tinybn.ADDED)).reshape(x.shape), -1, case.axis))

IMPLEMENTATIONS = [Implementation(name="tinybn.norm", run=run, version=tinybn.VERSION, dtypes={"float32"},
                                  versions=installed("tinybn"))]
"""


def wheels(folder: Path, releases: Mapping[str, str]) -> tuple[str, ...]:
    """Writes a wheel of tinybn for each release, by what it adds; returns the installer's words that find them. A
    release that is to be "broken" needs what there is not.

    What a host needs is there as well: wheels that lead to what is installed here.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for version, added in releases.items():
        needs = "Requires-Dist: no-such-package-at-all\n" if added == "broken" else ""
        text = f"VERSION, ADDED = {version!r}, {0 if added == 'broken' else added}\n"
        _wheel(folder, "tinybn", version, {"tinybn/__init__.py": text}, needs)
    here = Path(numpy.__file__).parents[1]
    for name in LIGHT:
        _wheel(folder, name, metadata.version(name), {f"{name}_of_the_judge.pth": f"{here}\n"})
    return "--no-index", "--find-links", str(folder)


def _wheel(folder: Path, name: str, version: str, files: Mapping[str, str], needs: str = "") -> None:
    info = f"{name}-{version}.dist-info"
    told = {
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: a test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    content = {**files, **told}
    record = "".join(f"{path},,\n" for path in [*content, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
        for path, text in {**content, f"{info}/RECORD": record}.items():
            archive.writestr(path, text)


def adapter(folder: Path) -> Path:
    """Writes the adapter of tinybn."""
    path = folder / "tinybn_adapter.py"
    path.write_text(ADAPTER, encoding="utf-8")
    return path
