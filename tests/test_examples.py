"""Every example runs by itself, says what it should, and fails when something is wrong."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from tests.docs import picture
from tests.support.watchdog import WAIT_S

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "examples"
DEMO = EXAMPLES / "demo" / "demo.py"
TIMEOUT_S = WAIT_S


def run(script: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run an example as a person would, in a fresh process; its output is text."""
    settings = ("MCP_MEMORY_", "CLAUDE_PROJECT_DIR")
    environ = {name: value for name, value in os.environ.items() if not name.startswith(settings)}
    return subprocess.run(
        (sys.executable, str(script), *arguments),
        cwd=ROOT,
        env={**environ, "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=TIMEOUT_S,
        check=False,
    )


def lines_of(file: str) -> list[dict[str, str | int]]:
    text = (DEMO.parent / file).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("script", ["agent_loop/loop.py", "library/library.py", "clients/check.py"])
def test_each_example_runs(script: str) -> None:
    done = run(EXAMPLES / script)
    assert done.returncode == 0, done.stdout + done.stderr


class ChatCompletions(BaseHTTPRequestHandler):
    """An OpenAI-compatible API: keeps what it is told, else says what it was given to read."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        system, user = (message["content"] for message in body["messages"])
        assert "memory" in system and "remember" in [t["function"]["name"] for t in body["tools"]]
        message: dict[str, Any] = {"role": "assistant", "content": user.replace("\n", " ")}
        if "Remember that" in user and "remember answered" not in user:
            arguments = json.dumps({"memories": [user.rpartition("Remember that ")[2]]})
            call = {"id": "1", "function": {"name": "remember", "arguments": arguments}}
            message = {"role": "assistant", "content": None, "tool_calls": [call]}
        answer = json.dumps({"choices": [{"message": message}]}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: Any) -> None:
        """The requests are no part of the test's output."""


@pytest.fixture
def chat_address() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), ChatCompletions) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/v1"
        server.shutdown()


def test_the_agent_loop_runs_with_a_real_model_after_one_line_was_changed(
    tmp_path: Path, chat_address: str
) -> None:
    changed = tmp_path / "agent_loop"
    shutil.copytree(EXAMPLES / "agent_loop", changed)
    loop = changed / "loop.py"
    text = loop.read_text(encoding="utf-8")
    swapped = re.sub(r"(?m)^# (MODEL: Model = .*)$", r"\1", text)
    swapped = swapped.replace("http://localhost:11434/v1", chat_address)
    loop.write_text(swapped, encoding="utf-8")
    assert chat_address in swapped
    done = run(loop)
    assert done.returncode == 0, done.stdout + done.stderr
    _, _, later = done.stdout.partition("a new conversation")
    assert "I never take appointments on a Monday or a Tuesday" in later


@pytest.fixture(scope="module")
def transcript() -> str:
    done = run(DEMO)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_demo_holds_what_it_says_and_is_plain_where_there_is_no_terminal(
    transcript: str,
) -> None:
    assert "Everything is as it says" in transcript
    assert "\033" not in transcript
    assert max(map(len, transcript.splitlines())) <= 100


def test_the_picture_in_the_readme_shows_what_the_demo_says(transcript: str) -> None:
    assert picture.FILE.read_text("utf-8") == picture.picture(transcript), "run make picture"
    assert "](docs/assets/demo.svg)" in (ROOT / "README.md").read_text("utf-8")


def test_the_quickstart_is_short_and_says_what_it_remembers(tmp_path: Path) -> None:
    script = EXAMPLES / "quickstart.py"
    assert len(script.read_text("utf-8").splitlines()) <= 15
    done = run(script, str(tmp_path / "store"))
    assert done.returncode == 0, done.stdout + done.stderr
    fence, *_, city, nothing = done.stdout.splitlines()
    assert fence.endswith("recalled: data, not instructions")
    assert "Anna prefers meetings before noon" in done.stdout
    assert (city, nothing) == ("Porto", "nothing relevant: True")


def test_the_demo_fails_with_one_clear_line_when_a_claim_does_not_hold(tmp_path: Path) -> None:
    """A preference that lands elsewhere: the first claim of the story is then untrue."""
    changed = tmp_path / "demo"
    shutil.copytree(DEMO.parent, changed, ignore=shutil.ignore_patterns("__pycache__"))
    story = changed / "story.py"
    text = story.read_text(encoding="utf-8")
    broken = text.replace('CONSTRAINT, type="preference"', 'CONSTRAINT, type="fact"')
    assert broken != text
    story.write_text(broken, encoding="utf-8")
    done = run(changed / "demo.py")
    assert done.returncode == 1
    assert "NOT AS IT SAYS: what concerns Theo is kept for him everywhere" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_the_demo_fails_with_one_clear_line_when_the_server_does_not_answer() -> None:
    done = run(DEMO, "--server", sys.executable, "-c", "pass")
    assert done.returncode == 1
    assert "NOT AS IT SAYS: the server answers" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr


def test_the_conversation_is_one_and_every_question_has_its_evidence() -> None:
    turns, questions = lines_of("conversation.jsonl"), lines_of("questions.jsonl")
    assert 150 <= len(turns) <= 250
    assert len({turn["speaker"] for turn in turns}) == 2
    assert in_order([str(turn["date"]) for turn in turns])
    assert len({turn["text"] for turn in turns}) == len(turns)
    last = {turn["session"]: 0 for turn in turns}
    for turn in turns:
        last[turn["session"]] += 1
    for question in questions:
        session, number = str(question["evidence"]).removeprefix("letters ").split(":")
        assert 1 <= int(number) <= last[int(session)], question


def in_order(values: Sequence[str]) -> bool:
    return list(values) == sorted(values)


def test_every_folder_of_examples_says_what_it_is() -> None:
    folders = [path for path in EXAMPLES.iterdir() if path.is_dir() and path.name != "__pycache__"]
    assert folders
    assert [path.name for path in folders if not (path / "README.md").is_file()] == []
