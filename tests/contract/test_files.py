"""Files are written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from bnconform.contract.files import write_whole


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_texts_are_utf_8_and_bytes_are_kept_and_no_draft_is_left(tmp_path: Path) -> None:
    write_whole({tmp_path / "text": "γ\n", tmp_path / "bytes": b"\r\n\xff"})
    assert (tmp_path / "text").read_bytes() == b"\xce\xb3\n"
    assert (tmp_path / "bytes").read_bytes() == b"\r\n\xff"
    assert names(tmp_path) == ["bytes", "text"]


def test_an_older_file_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("an older and longer one")
    write_whole({tmp_path / "text": "new"})
    assert (tmp_path / "text").read_text() == "new"


def test_where_one_cannot_be_written_all_old_files_stand_and_no_draft_is_left(tmp_path: Path) -> None:
    (tmp_path / "first").write_text("old")
    with pytest.raises(FileNotFoundError):
        write_whole({tmp_path / "first": "new", tmp_path / "absent" / "second": "new"})
    assert (tmp_path / "first").read_text() == "old"
    assert names(tmp_path) == ["first"]


def test_a_text_that_has_no_utf_8_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("old")
    with pytest.raises(UnicodeEncodeError):
        write_whole({tmp_path / "text": "\ud800"})
    assert ((tmp_path / "text").read_text(), names(tmp_path)) == ("old", ["text"])
