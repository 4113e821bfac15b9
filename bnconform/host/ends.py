"""What can come of a question to a child process in place of an answer.

Rules: each is an exception that says what the client needs for its reply, and nothing of what it then does.
"""

from __future__ import annotations


class Late(Exception):
    """No answer came in time."""


class Gone(Exception):
    """The child process ended without an answer: `how`, and the last 4 KiB that it wrote to standard error."""

    def __init__(self, how: str, stderr: str) -> None:
        super().__init__(how)
        self.how, self.stderr = how, stderr


class Overfull(Exception):
    """The child process, with all that it started, held more memory than it may; the message says so."""


class Garbled(Exception):
    """The child process wrote something else than its answer; the message names the bytes got and the answer
    expected."""
