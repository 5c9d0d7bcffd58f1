"""What `mcp-memory model` says and writes, and what it refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mcp_memory.cli.model import LANGUAGES, RERANKERS
from mcp_memory.config import settings, writer
from mcp_memory.embedding import loader
from mcp_memory.embedding.embedder import Embedder
from mcp_memory.errors import SettingsInvalid
from mcp_memory.library import open_memory
from tests.support.second_model import DIMENSIONS, made
from tests.unit.cli.test_cli import run


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a model of other dimensions."""
    return made(tmp_path_factory.mktemp("models") / "small-model")


def test_a_model_in_a_folder_makes_vectors_of_its_own(second: Path, embedder: Embedder) -> None:
    own = Embedder(str(second))
    assert (own.space.name, own.space.dimensions) == ("small-model", DIMENSIONS)
    assert own.space.digest == loader.digest(second / "model.onnx")
    query = own.embed_query("how long is the night?")
    near, far = (windows[0] for windows in own.embed(["The night is long.", "Cats eat fish."]))
    assert near.shape == (DIMENSIONS,)
    assert near @ query > far @ query
    assert embedder.space != own.space


@pytest.mark.parametrize("arguments", [(), ("list",)])
def test_a_short_list_names_good_models_with_size_and_languages(
    tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    said = run(tmp_path / "home", "model", *arguments)
    assert said.returncode == 0, said.stderr
    lines = [line.split("\t") for line in said.stdout.splitlines()]
    assert lines[0] == [loader.BUNDLED, "in the package", "English", "in use"]
    assert lines[1] == [loader.MULTILINGUAL, "0.22 GB", "about 50 languages"]
    names = [line[0] for line in lines]
    assert all(name in names for name in (*LANGUAGES, *RERANKERS))
    assert not (tmp_path / "home" / "config.toml").exists()


def test_a_folder_is_set_whole_and_the_next_process_uses_it(second: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    said = run(home, "model", "use", os.path.relpath(second, tmp_path))
    assert said.returncode == 0, said.stderr
    assert settings.load({}, home=home).model == str(second)
    assert f"small-model, {DIMENSIONS} dimensions" in run(home, "doctor").stdout
    assert f"{second}\ta folder\t\tin use" in run(home, "model").stdout


def test_what_becomes_of_the_vectors_is_said_as_it_is(second: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    empty, anew, kept = "nothing is remembered yet", "are made anew", "that it made are kept"
    told: list[tuple[str, str]] = []

    def use(name: str) -> None:
        said = run(home, "model", "use", name)
        assert said.returncode == 0, said.stderr
        told.append((name, said.stdout.splitlines()[-1]))

    use("bundled")
    use(str(second))
    with open_memory(home):  # which makes a store, and remembers nothing
        pass
    use("bundled")
    assert [empty in line for _, line in told] == [True, True, True]
    with open_memory(home) as memory:
        memory.remember("The kettle is red")
    for name, expected in (("bundled", kept), (str(second), anew), (str(second), kept)):
        use(name)
        assert expected in told[-1][1]


def test_a_variable_that_wins_over_the_file_is_told(second: Path, tmp_path: Path) -> None:
    environ = {"MCP_MEMORY_MODEL": "BAAI/bge-small-en-v1.5"}
    said = run(tmp_path / "home", "model", "use", str(second), environ=environ)
    assert said.returncode == 0, said.stderr
    assert "MCP_MEMORY_MODEL=BAAI/bge-small-en-v1.5 is set, and a variable wins" in said.stdout


@pytest.mark.parametrize(
    ("file", "content", "told"),
    [
        ("tokenizer.json", None, "it has no tokenizer.json"),
        ("model.onnx", None, "it has no model.onnx"),
        ("config.json", b"{}", "hidden_size is None"),
        ("config.json", b'{"hidden_size": -1}', "hidden_size is -1"),
        ("config.json", b'{"hidden_size": 64}', "of 128 numbers, but hidden_size in its config"),
        ("config.json", b"{", "config.json of the model cannot be read"),
        ("model.onnx", b"no model", "could not be loaded"),
    ],
)
def test_a_folder_that_holds_no_usable_model_is_refused(
    tmp_path: Path, file: str, content: bytes | None, told: str
) -> None:
    folder = made(tmp_path / "model")
    (folder / file).unlink()
    if content is not None:
        (folder / file).write_bytes(content)
    said = run(tmp_path / "home", "model", "use", str(folder))
    assert said.returncode == 2
    assert told in said.stderr
    assert said.stderr.count("\n") == 1
    assert not (tmp_path / "home" / "config.toml").exists()


def test_without_a_network_the_model_that_is_used_stays(tmp_path: Path) -> None:
    name = "Xenova/ms-marco-MiniLM-L-6-v2"
    offline = {"HF_HUB_OFFLINE": "1"}  # else the hub is tried three times, with long pauses
    said = run(tmp_path / "home", "model", "use", name, environ=offline)
    assert said.returncode == 2
    assert f"'{name}' could not be fetched into" in said.stderr
    assert "check the network" in said.stderr
    assert not (tmp_path / "home" / "config.toml").exists()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", 'model = "a/b"\n'),
        ('user = "ana"\n', 'user = "ana"\nmodel = "a/b"\n'),
        ('user = "ana"', 'user = "ana"\nmodel = "a/b"\n'),
        (
            '# mine\nmodel = "old" # note\nsession_days = 7\n',
            '# mine\nmodel = "a/b"\nsession_days = 7\n',
        ),
        ("model='x'\n", 'model = "a/b"\n'),
        ('modelling = "y"\n', 'modelling = "y"\nmodel = "a/b"\n'),
        ('user = "x"\n[table]\nmodel = "z"\n', 'user = "x"\nmodel = "a/b"\n[table]\nmodel = "z"\n'),
    ],
)
def test_a_setting_is_written_and_the_rest_stays(tmp_path: Path, before: str, after: str) -> None:
    file = tmp_path / "config.toml"
    file.write_text(before, "utf-8")
    file.chmod(0o640)
    writer.write(file, "model", "a/b")
    assert file.read_text("utf-8") == after
    assert file.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]


def test_a_setting_is_taken_out_again(tmp_path: Path) -> None:
    file = tmp_path / "home" / "config.toml"
    writer.write(file, "model", 'quotes " and \\')
    assert settings.load({}, home=file.parent).model == 'quotes " and \\'
    writer.write(file, "model", "")
    assert file.read_text("utf-8") == ""


@pytest.mark.parametrize("text", ["= nothing", 'model = """\nlong\n"""\n', "\udcff"])
def test_a_file_that_cannot_be_changed_is_left_as_it_is(tmp_path: Path, text: str) -> None:
    file = tmp_path / "config.toml"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(SettingsInvalid, match=r'cannot be changed .* have it say: model = "a/b"'):
        writer.write(file, "model", "a/b")
    assert file.read_bytes() == text.encode("utf-8", "surrogateescape")


def test_looking_at_the_list_loads_no_model(tmp_path: Path) -> None:
    code = (
        "import sys; from mcp_memory.cli.main import main; main(['--home', sys.argv[1], 'model'])\n"
        "print('duckdb' in sys.modules, 'mcp' in sys.modules)"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert said.stdout.splitlines()[-1] == "False False"
