"""Runs that are hit by a signal at a random time, and what is held of each: a program for as many kills as one likes.

    python tests/worlds/kills.py FOLDER COUNT [SEED]

A kill is a signal (TERM, KILL, INT, or STOP and CONT a second later) to the main process, a worker or a host of a run
with no workers or two. Held of each: no wrong verdict, an end line only where all was judged, a status that is right,
no process left after five seconds, and a resumed run equal to one that was never interrupted.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from worlds import tiny

SPECS = ("--spec", "normalization", "--spec", "running_statistics", "--examples", "5")
OWN = """
def slow_right(case):
    time.sleep(0.01)
    return train(checked(case), case.momentum)

def slow_swapped(case):
    time.sleep(0.01)
    return train(checked(case), 1 - case.momentum)
"""
WORDS = ("--adapter", "tiny.py")
COMMAND = [sys.executable, "-m", "bnconform", "run", *WORDS]
HOST = b"importlib.util, sys\nfolder = sys.argv.pop(1)"  # as the call of a host begins


def prepared(folder: Path) -> dict[str, Any]:
    """Writes the adapter and makes the run that is never interrupted; returns its findings by their key."""
    tiny.adapter(folder, "slow_right", "slow_swapped", own=OWN)
    tiny.bnconform("run", *WORDS, *SPECS, "--out", "whole", cwd=folder)
    return findings(folder / "whole")


def findings(out: Path) -> dict[str, Any]:
    """The findings in a folder by their key; a last line that is cut off is none."""
    found = {}
    for line in (out / "results.jsonl").read_bytes().split(b"\n")[:-1]:
        record = json.loads(line)
        if record["kind"] == "finding":
            found[f"{record['spec']} {record['implementation']} {record['dtype']}"] = record
    return found


def processes(folder: Path) -> Iterator[tuple[int, str]]:
    """The processes of a run, told by the folder in their environment: number, and main, worker, host or script."""
    for place in Path("/proc").glob("[0-9]*"):
        try:
            if f"TMPDIR={folder}/scratch\0".encode() not in (place / "environ").read_bytes():
                continue
            call, state = (place / "cmdline").read_bytes(), (place / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if state != "Z" and call:
            marks = {"main": b"bnconform\0run", "host": HOST, "worker": b"exec(eval(sys.stdin.readline()))"}
            kind = next((name for name, mark in marks.items() if mark in call), "script")
            yield int(place.name), kind


def hit(folder: Path, chance: random.Random) -> dict[str, Any]:
    """Starts a run and hits one of its processes once; returns what was done and what came of it."""
    shutil.rmtree(folder / "out", ignore_errors=True)
    shutil.rmtree(folder / "scratch", ignore_errors=True)
    (folder / "scratch").mkdir()
    told: dict[str, Any] = {
        "signal": chance.choice(["TERM", "KILL", "INT", "STOP"]),
        "whom": chance.choice(["main", "main", "worker", "host"]),
        "workers": chance.choice(["0", "2"]),
    }
    if told["whom"] == "worker":
        told["workers"] = "2"
    run = subprocess.Popen(
        [*COMMAND, *SPECS, "--out", "out", "-n", told["workers"], "--timeout", "20"],
        cwd=folder,
        env={**tiny.environment(), "TMPDIR": f"{folder}/scratch"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,
    )
    results = folder / "out" / "results.jsonl"
    wanted = chance.choice([0, 0, 1, 3, 8, 20])  # findings that are there when it is hit
    deadline = time.monotonic() + 100
    while run.poll() is None and time.monotonic() < deadline:
        if (results.read_bytes().count(b"\n") if results.exists() else 0) >= wanted:
            break
        time.sleep(0.01)
    time.sleep(chance.uniform(0, 1.5))
    victims = [number for number, kind in processes(folder) if kind == told["whom"]]
    told["hit"] = bool(victims) and run.poll() is None
    if told["hit"]:
        victim = chance.choice(victims)
        try:
            os.kill(victim, getattr(signal, f"SIG{told['signal']}"))
            if told["signal"] == "STOP":
                time.sleep(1)
                os.kill(victim, signal.SIGCONT)
        except ProcessLookupError:
            told["hit"] = False
    try:
        told["said"] = run.communicate(timeout=200)[0]
    except subprocess.TimeoutExpired:
        told["said"] = "it did not end"
        os.killpg(run.pid, signal.SIGKILL)
        run.communicate()
    told["status"] = run.returncode
    deadline = time.monotonic() + 5
    while (left := list(processes(folder))) and time.monotonic() < deadline:
        time.sleep(0.1)
    told["left"] = left
    return told


def faults(folder: Path, told: dict[str, Any], truth: dict[str, Any]) -> Iterator[str]:
    """Yields what does not hold of a run that was hit, and of the one that goes on with it."""
    out = folder / "out"
    if told["left"]:
        yield f"left alive: {told['left']}"
    found = findings(out) if (out / "results.jsonl").exists() else {}
    wrong = [name for name, one in found.items() if one["verdict"] != truth[name]["verdict"]]
    if wrong:
        yield f"wrong verdicts: {wrong[:3]}: {found[wrong[0]]['verdict']} {found[wrong[0]].get('reason')}"
    ended = (out / "results.jsonl").exists() and b'"kind": "end"' in (out / "results.jsonl").read_bytes()
    if ended and found.keys() != truth.keys():
        yield f"an end line after {len(found)} of {len(truth)}"
    number = getattr(signal, f"SIG{told['signal']}")
    # Python itself is being loaded, or ends.
    early = told["status"] == -number and (ended or not (out / "results.jsonl").exists())
    killed = told["signal"] == "KILL" and told["whom"] == "main"
    right = ({1} if ended else {2}) | ({2} if told["hit"] else set()) | ({-number} if killed or early else set())
    if told["status"] not in right:
        yield f"status {told['status']}, expected one of {right}"
    unborn = told["whom"] == "worker" and told["status"] == 2 and "setup_nodes" in told["said"]  # it was being loaded
    if not early and not unborn and ("Traceback" in told["said"] or "INTERNALERROR" in told["said"]):
        yield "a traceback"
    if not found or ended:
        return
    again = tiny.bnconform("run", "--resume", "out", *WORDS, "-n", told["workers"], cwd=folder)
    if again.returncode != 1:
        yield f"resumed: status {again.returncode}: {again.stdout[-500:]} {again.stderr[-500:]}"
    elif findings(out) != truth:
        after = findings(out)
        differ = [name for name in truth if after.get(name) != truth[name]]
        yield f"resumed: {len(differ)} findings differ: {differ[:2]}"
    elif again.returncode == 1:
        names = [{path.relative_to(place).as_posix() for path in place.rglob("*")} for place in (out, folder / "whole")]
        if names[0] != names[1]:
            yield f"resumed: other files: {sorted(names[0] ^ names[1])[:5]}"


def kill(folder: Path, count: int, seed: int) -> list[str]:
    """Makes so many runs and kills; returns what did not hold, and prints what was done."""
    chance, truth, amiss = random.Random(seed), prepared(folder), []
    done: Counter[str] = Counter()
    for number in range(count):
        told = hit(folder, chance)
        came = list(faults(folder, told, truth))
        name = f"{told['signal']} to {told['whom']}, -n {told['workers']}" if told["hit"] else "came too late"
        done[name] += 1
        amiss += [f"{number}: {name}: {one}" for one in came]
        print(number, name, "status", told["status"], *came, sep="; ", flush=True)
        if came:
            (folder / f"said-{number}.txt").write_text(told["said"])
    print(
        f"{count} runs, {len(amiss)} faults; " + ", ".join(f"{number} {name}" for name, number in sorted(done.items()))
    )
    return amiss


if __name__ == "__main__":
    where, how_many, *start = sys.argv[1:]
    Path(where).mkdir(parents=True, exist_ok=True)
    sys.exit(bool(kill(Path(where).resolve(), int(how_many), int(start[0]) if start else 0)))
