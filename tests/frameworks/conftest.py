"""Every test of this folder is marked `framework`."""

from __future__ import annotations

import pytest


def pytest_itemcollected(item: pytest.Item) -> None:
    """Adds the marker; pytest calls this for the items of this folder alone."""
    item.add_marker(pytest.mark.framework)
