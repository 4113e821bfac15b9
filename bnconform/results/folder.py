"""The folder of a run: which process has it, which files in it are a run's own, and which of them may be removed.

Rules: one process at a time has a folder, for as long as it lives; what a run writes beside its results is noted in the
folder's ledger first, with its digest, and nothing but a regular file of that name and digest is removed or replaced,
nor anything through a link; a page is known by what it says of itself, a draft of a killed run by the name that it was
to have.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone
from hashlib import sha256
from pathlib import Path
from typing import Any

from bnconform.contract.errors import ContractError
from bnconform.contract.files import drafted, write_all, write_whole

FILE = "results.jsonl"
LEDGER = ".bnconform"
"""The name of the ledger: a line for the process that has the folder, then one for each file that it wrote."""
PAGES = ("index.html", "specs.html", "choices.html")
AT_TIMES = ("versions.html",)
"""Pages that a report has where there is something to tell on them."""
GENERATOR = '<meta name="generator" content="bnconform">'
PLACES = ("witnesses", "reproduce", "scripts")
_NAME = re.compile(rf"({'|'.join(PLACES)})/[^/\x00]+")
_BEGINNING = b'{"process"'
_BLOCKED = (errno.EWOULDBLOCK, errno.EACCES)


class Folder:
    """The folder of a run, held until `release`. Raises ContractError where another process has it, or where files that
    no run wrote are in the way."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.lost: list[str] = []
        """What could not be written, and why."""
        try:
            out.mkdir(parents=True, exist_ok=True)
            self._ledger = os.open(out / LEDGER, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o666)
        except (OSError, ValueError) as error:
            why = error.strerror if isinstance(error, OSError) else error
            raise ContractError(f"{out}: {why}; expected a folder that can be written to") from error
        try:
            self._hold()
            self._refuse_strangers()
            self._own = self._entries() or {name: _digest(out / name) for name in self._named_by_results()}
            self._note({"process": os.getpid(), "since": datetime.now(timezone.utc).isoformat(timespec="seconds")})
        except OSError as error:
            os.close(self._ledger)
            raise ContractError(f"{out}: {error.strerror}; expected a folder that can be written to") from error
        except BaseException:
            os.close(self._ledger)
            raise

    @property
    def has_results(self) -> bool:
        """Whether there are results of an earlier run."""
        return os.path.lexists(self.out / FILE)

    def release(self) -> None:
        """Lets another run have the folder."""
        if self._ledger >= 0:
            os.close(self._ledger)
            self._ledger = -1

    def keep(self, name: str, content: bytes) -> str:
        """Writes a file of that name below the folder; returns why it could not be written, and "" where it was."""
        try:
            self._write(name, content)
        except (OSError, ValueError) as error:
            why = str(error.strerror if isinstance(error, OSError) else error)
            self.lost.append(f"{name}: {why}")
            return why
        return ""

    def _write(self, name: str, content: bytes) -> None:
        path = self.out / name
        if os.path.lexists(path) and not self._is_own(name):
            raise FileExistsError(errno.EEXIST, "there is a file of that name that no run wrote; it was left as it is")
        path.parent.mkdir(parents=True, exist_ok=True)
        digest = sha256(content).hexdigest()
        self._note({"file": name, "sha256": digest})
        write_whole({path: content})
        self._own[name] = digest

    def clear(self, kept: Iterable[str] = ()) -> None:
        """Removes the pages and the files of earlier runs, but those that are `kept`, and what killed ones left."""
        drafts = list(self._drafts())
        for page in _pages(self.out):
            page.unlink()
        for name in [name for name in self._own if name not in set(kept)]:
            if self._is_own(name):
                (self.out / name).unlink()
            del self._own[name]
        for draft in drafts:
            draft.unlink(missing_ok=True)
        if not self._own:
            with contextlib.suppress(OSError):  # lines of files that are gone do no harm
                self._forget()

    # What is whose

    def _refuse_strangers(self) -> None:
        """Raises ContractError for files that no run wrote, in places where a run writes."""
        results = self.out / FILE
        links = [self.out / place for place in PLACES if (self.out / place).is_symlink()]
        if links:
            raise ContractError(f"{links[0]} is a link; expected a folder of the run's own: remove it")
        strangers = [results] * (os.path.lexists(results) and not _is_ours(results))
        strangers += [page for page in _pages(self.out) if not is_our_page(page)]
        if strangers:
            raise ContractError(f"{strangers[0]} is not of an earlier bnconform run; choose another --out or remove it")

    def _is_own(self, name: str) -> bool:
        path = self.out / name
        return name in self._own and not path.is_symlink() and path.is_file() and _digest(path) == self._own[name]

    def _drafts(self) -> Iterator[Path]:
        """Yields the drafts of runs that were killed."""
        known = {Path(name).name for name in self._own} | {FILE, *PAGES, *AT_TIMES}
        for place in (self.out, *(self.out / one for one in PLACES)):
            for path in place.glob(".*.part") if not place.is_symlink() or place == self.out else ():
                name, process = drafted(path) or ("", 0)
                ours = name in known or re.fullmatch(r"framework-[^/]+\.html", name)
                if ours and not path.is_symlink() and not _lives(process):
                    yield path

    def _named_by_results(self) -> Iterator[str]:
        """Yields the files that an earlier version noted in its results alone."""
        if not self.has_results:
            return
        for line in (self.out / FILE).read_bytes().splitlines():
            record = _read(line)
            for name in (record.get(field) for field in ("witness", "reproduce", "script")):
                if isinstance(name, str) and _NAME.fullmatch(name) and _is_regular(self.out / name):
                    yield name

    # The ledger

    def _hold(self) -> None:
        try:
            fcntl.flock(self._ledger, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder: dict[str, Any] = next((one for one in reversed(self._lines()) if "process" in one), {})
            process = holder.get("process")
            # A file system without locks leaves the number of the process.
            if error.errno in _BLOCKED or (isinstance(process, int) and process != os.getpid() and _lives(process)):
                who = f"process {process}, since {holder.get('since')}" if holder else "another process"
                raise ContractError(
                    f"{self.out} is in use by another run ({who}); wait for its end or choose another --out"
                ) from None

    def _lines(self) -> list[dict[str, Any]]:
        size = os.fstat(self._ledger).st_size
        content = os.pread(self._ledger, size, 0)
        if not content.startswith(_BEGINNING[:size]):
            raise ContractError(f"{self.out / LEDGER} is no ledger of a bnconform run; choose another --out")
        return [_read(line) for line in content.splitlines()]

    def _entries(self) -> dict[str, str]:
        """Returns the digests of the files that the ledger holds, by name."""
        return {
            one["file"]: one["sha256"]
            for one in self._lines()
            if isinstance(one.get("sha256"), str) and _NAME.fullmatch(str(one.get("file")))
        }

    def _note(self, line: dict[str, Any]) -> None:
        write_all(self._ledger, json.dumps(line).encode() + b"\n")

    def _forget(self) -> None:
        """Cuts the ledger down to the line of the process that has the folder."""
        holder = [one for one in self._lines() if "process" in one][-1:]
        os.ftruncate(self._ledger, 0)
        for one in holder:
            self._note(one)


def is_our_page(page: Path) -> bool:
    """Returns whether a page says that bnconform wrote it."""
    if page.is_symlink() or not page.is_file():
        return False
    with page.open(encoding="utf-8", errors="replace") as file:
        return GENERATOR in file.read(2000)


def _pages(out: Path) -> list[Path]:
    """Returns the pages of a report that lie in a folder."""
    found = (*(out / name for name in (*PAGES, *AT_TIMES)), *out.glob("framework-*.html"))
    return [path for path in found if os.path.lexists(path)]


def _is_ours(results: Path) -> bool:
    if results.is_symlink() or not results.is_file():
        return False
    with results.open("rb") as file:
        return file.readline().replace(b" ", b"").startswith(b'{"kind":"run"')


def _is_regular(path: Path) -> bool:
    return path.is_file() and not path.is_symlink() and not path.parent.is_symlink()


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()


def _read(line: bytes) -> dict[str, Any]:
    """Returns a line of JSON; an empty object for one that is cut off or is none."""
    with contextlib.suppress(ValueError, RecursionError):
        found = json.loads(line)
        if isinstance(found, dict):
            return found
    return {}


def _lives(process: int) -> bool:
    if process <= 0:
        return False
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
