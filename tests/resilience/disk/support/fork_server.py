"""Runs tasks, each in a process of its own, forked from one that has loaded the engines.

A task may be killed by its disk, or by an engine that gives up: that ends nobody else.
One line of JSON asks, ["<task>", <argument>, …]; one line answers, {"signal": <number>,
"said": <what the task gave back>, "error": "<traceback>"}.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[4]


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """How a task ended: by which signal (0 for none), or with what it gave back."""

    signal: int
    said: Any
    error: str


class Attendant:
    """The other end: asks for tasks and waits for their answers."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, task: str, *arguments: Any) -> Answer:
        """Have a task run. Fails when it raised something."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([task, *arguments]) + "\n")
        self._process.stdin.flush()
        answer = Answer(**json.loads(self._process.stdout.readline()))
        assert not answer.error, answer.error
        return answer


@contextmanager
def attended(environment: Mapping[str, str]) -> Generator[Attendant]:
    """An attendant in this environment."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.resilience.disk.support.fork_server"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield Attendant(process)
        assert process.stdin
        process.stdin.close()


def main() -> None:
    """Serve until stdin ends."""
    from tests.resilience.disk.support.tasks import TASKS  # loads the engines

    for line in sys.stdin:
        name, *arguments = json.loads(line)
        read_end, write_end = os.pipe()
        child = os.fork()
        if not child:
            os.close(read_end)
            _run(write_end, TASKS[name], arguments)
        os.close(write_end)
        with os.fdopen(read_end, encoding="utf-8") as pipe:
            said = pipe.read()
        _, status = os.waitpid(child, 0)
        answer = json.loads(said) if said else {"said": None, "error": ""}
        signal = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
        print(json.dumps({**answer, "signal": signal}), flush=True)


def _run(pipe: int, task: Callable[..., Any], arguments: list[Any]) -> None:
    try:
        answer = {"said": task(*arguments), "error": ""}
    except BaseException:  # a thread's root: it is told to whoever asked
        answer = {"said": None, "error": traceback.format_exc()}
    with os.fdopen(pipe, "w", encoding="utf-8") as end:
        end.write(json.dumps(answer))
    os._exit(0)


if __name__ == "__main__":
    main()
