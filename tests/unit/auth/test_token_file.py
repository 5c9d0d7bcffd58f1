"""Bearer tokens of a file: what opens, what does not, and what the file gives away."""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import anyio
import pytest

from mcp_memory.admin import tokens as token_commands
from mcp_memory.admin.tokens import TokenRequest
from mcp_memory.auth.jwks import Unavailable
from mcp_memory.auth.jwt_verifier import Refused
from mcp_memory.auth.token_file import PREFIX, Token, TokenFile
from mcp_memory.config.settings import Settings
from mcp_memory.domain.permissions import Permission
from mcp_memory.errors import InvalidInput, SettingsInvalid, StoreError
from mcp_memory.http.authentication import TOKEN_CHARS_MAX, Verification


@pytest.fixture
def file(tmp_path: Path) -> TokenFile:
    """A file that is not there yet."""
    return TokenFile(tmp_path / "tokens.json")


def wanted(user: str = "ana", *, expires_at: str = "") -> Token:
    return Token(
        id="",
        digest="",
        tenant="acme",
        user=user,
        permissions=("memory:read",),
        note="",
        created_at="",
        expires_at=expires_at,
    )


def from_now(seconds: int) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="seconds")


def id_of(token: str) -> str:
    return token.split("_")[1]


def test_a_token_opens_what_it_was_made_for_and_nothing_once_it_is_revoked(
    file: TokenFile,
) -> None:
    assert file.verify(f"{PREFIX}0_0") is None
    token = file.add(wanted())
    reader = TokenFile(file.path)
    found = reader.verify(token)
    assert found is not None
    assert (found.tenant, found.user, found.granted) == ("acme", "ana", {Permission.READ})
    other = file.add(wanted("bob"))
    file.revoke(id_of(token))
    assert reader.verify(token) is None
    assert reader.verify(other) is not None
    assert [entry.user for entry in file.listed()] == ["bob"]
    file.path.unlink()
    assert reader.verify(other) is None


def test_a_token_that_is_not_quite_right_opens_nothing(file: TokenFile) -> None:
    token, other = file.add(wanted()), file.add(wanted("bob"))
    secret = token.rpartition(f"{id_of(token)}_")[2]
    wrong = [
        token[:-1],
        f"{token}x",
        f"{token} ",
        token.upper(),
        token.removeprefix(PREFIX),
        f"{PREFIX}{id_of(token)}_",
        f"{PREFIX}{id_of(other)}_{secret}",
        f"{PREFIX}_{secret}",
        f"{PREFIX}{PREFIX}{id_of(token)}_{secret}",
        PREFIX,
        file.listed()[0].digest,
        f"{PREFIX}{id_of(token)}_{file.listed()[0].digest}",
        f"{token}\ud800",
        "\x00",
    ]
    assert [file.verify(text) for text in wrong] == [None] * len(wrong)


@pytest.mark.parametrize(("seconds", "opens"), [(60, True), (0, False), (-60, False)])
def test_a_token_ends_when_it_said(file: TokenFile, seconds: int, opens: bool) -> None:
    token = file.add(wanted(expires_at=from_now(seconds)))
    assert (file.verify(token) is not None) == opens


def test_no_two_tokens_are_alike_and_each_is_hard_to_guess(file: TokenFile) -> None:
    tokens = {file.add(wanted()) for _ in range(20)}
    assert len(tokens) == 20
    assert all(re.fullmatch(r"mcpm_[0-9a-f]{8}_[\w-]{43}", token, re.ASCII) for token in tokens)


def test_the_file_holds_nothing_that_opens_anything(file: TokenFile) -> None:
    token = file.add(wanted())
    content = file.path.read_text("utf-8")
    assert token.rpartition("_")[2] not in content
    assert hashlib.sha256(token.encode()).hexdigest() in content
    assert [p.name for p in file.path.parent.iterdir() if p.name.count(".") > 1] in (
        [],
        ["tokens.json.lock"],
    )


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps files apart by other means")
def test_the_file_is_its_owner_s_alone_whatever_others_may_see(file: TokenFile) -> None:
    before = os.umask(0)
    try:
        file.add(wanted())
        assert file.path.stat().st_mode & 0o777 == 0o600
        file.path.chmod(0o644)
        file.add(wanted())
        assert file.path.stat().st_mode & 0o777 == 0o600
    finally:
        os.umask(before)


def test_digests_are_compared_in_constant_time(
    file: TokenFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = file.add(wanted())
    compared: list[int] = []
    compare = hmac.compare_digest

    def watched(left: str, right: str) -> bool:
        compared.append(len(right))
        return compare(left, right)

    monkeypatch.setattr(hmac, "compare_digest", watched)
    assert file.verify(token)
    assert file.verify(f"{PREFIX}unknown_x") is None
    assert compared == [64, 64], "an unknown id takes as long as a wrong secret"


def test_many_commands_at_once_lose_no_token(file: TokenFile) -> None:
    def add(number: int) -> str:
        return TokenFile(file.path).add(wanted(f"u{number}"))

    with ThreadPoolExecutor(8) as threads:
        tokens = list(threads.map(add, range(24)))
    assert all(file.verify(token) for token in tokens)


BROKEN = ["{", "{}", "[1]", '[{"id":"x"}]', "\x00", "[" * 100_000]


@pytest.mark.parametrize("content", BROKEN, ids=range(len(BROKEN)))
def test_a_file_that_cannot_be_read_is_a_failure_to_verify(file: TokenFile, content: str) -> None:
    token = file.add(wanted())
    verify = partial(anyio.run, Verification(file, None))
    assert verify(token).user == "ana"
    good = file.path.read_text("utf-8")
    file.path.write_text(content, "utf-8")
    for _ in range(2):
        with pytest.raises(Unavailable, match="mend it"):
            verify(token)
    with pytest.raises(SettingsInvalid):
        file.add(wanted())
    assert file.path.read_text("utf-8") == content, "what cannot be read is not overwritten"
    file.path.write_text(good, "utf-8")
    assert verify(token).user == "ana"


def test_a_folder_where_the_file_should_be_is_a_failure_to_verify(tmp_path: Path) -> None:
    (tmp_path / "tokens.json").mkdir()
    with pytest.raises(Unavailable):
        anyio.run(Verification(TokenFile(tmp_path / "tokens.json"), None), f"{PREFIX}1_2")
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable):
        anyio.run(Verification(TokenFile(tmp_path / "file" / "tokens.json"), None), f"{PREFIX}1_2")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps files apart by other means")
@pytest.mark.parametrize("mode", [0o666, 0o620, 0o602])
def test_a_file_that_others_can_write_opens_nothing(file: TokenFile, mode: int) -> None:
    token = file.add(wanted())
    reader = TokenFile(file.path)
    assert reader.verify(token)
    file.path.chmod(mode)
    with pytest.raises(SettingsInvalid, match="others can write"):
        reader.verify(token)
    with pytest.raises(SettingsInvalid, match=r"others can write to it.*chmod 600"):
        TokenFile(file.path).verify(token)
    file.path.chmod(0o640)
    assert TokenFile(file.path).verify(token)


def test_a_place_where_no_file_can_be_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match=r"cannot be written.*MCP_MEMORY_HTTP_TOKENS"):
        TokenFile(tmp_path / "file" / "tokens.json").add(wanted())


def test_what_is_wrong_with_a_file_is_told_in_words(file: TokenFile) -> None:
    file.path.write_text('[{"id": "x"}]', "utf-8")
    with pytest.raises(SettingsInvalid, match=r"no list of tokens: 0\.digest: Field required"):
        file.listed()


@pytest.mark.parametrize(
    "change",
    [
        {"permissions": ["memory:all"]},
        {"expires_at": "soon"},
        {"digest": "é" * 64},
        {"digest": "abc"},
        {"tenant": "a/b"},
        {"user": ""},
    ],
    ids=str,
)
def test_an_entry_that_makes_no_sense_opens_nothing(
    file: TokenFile, change: dict[str, object]
) -> None:
    token = file.add(wanted())
    entries = json.loads(file.path.read_text("utf-8"))
    file.path.write_text(json.dumps([{**entries[0], **change}]), "utf-8")
    with pytest.raises(SettingsInvalid, match="mend it"):
        file.verify(token)


@pytest.mark.parametrize(
    "token", ["", "x" * (TOKEN_CHARS_MAX + 1), "word", "a.b.c", f"{PREFIX}1_2"], ids=range(5)
)
def test_what_is_no_token_is_refused(file: TokenFile, token: str) -> None:
    with pytest.raises(Refused, match="access token"):
        anyio.run(Verification(file, None), token)


def asked(**changes: str) -> TokenRequest:
    values = {"user": "ana", "tenant": "", "permissions": "read,write", "expires": "", "note": ""}
    return TokenRequest(**{**values, **changes})


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"permissions": "everything"}, "permissions"),
        ({"permissions": ""}, "permissions"),
        ({"permissions": "read;write"}, "permissions"),
        ({"user": ""}, "user"),
        ({"user": "a/b"}, "user"),
        ({"user": "../ana"}, "user"),
        ({"tenant": "a b"}, "tenant"),
        ({"tenant": "x" * 65}, "tenant"),
        ({"expires": "-1d"}, "expires"),
        ({"expires": "0d"}, "expires"),
        ({"expires": "2001-01-01"}, "expires"),
        ({"expires": "tomorrow"}, "expires"),
        ({"note": "two\nlines"}, "note"),
        ({"note": "x" * 129}, "note"),
        ({"note": "\x1b[31mred"}, "note"),
    ],
    ids=str,
)
def test_a_token_that_makes_no_sense_is_not_made(
    tmp_path: Path, changes: dict[str, str], told: str
) -> None:
    settings = Settings(home=tmp_path, working_dir=tmp_path)
    with pytest.raises(InvalidInput, match=told):
        token_commands.add(settings, asked(**changes))
    assert list(tmp_path.iterdir()) == []


def test_the_commands_say_who_a_token_is_for_and_show_it_once(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, working_dir=tmp_path)
    text, told = token_commands.add(
        settings,
        asked(tenant="acme", permissions="memory:read erase", expires="90d", note="laptop"),
    )
    assert "acme/ana: memory:read, memory:erase" in told
    (entry,) = token_commands.listed(settings)
    assert entry.note == "laptop"
    assert entry.ends is not None
    assert entry.ends > datetime.now(UTC).timestamp() + 89 * 86_400
    assert text.rpartition("_")[2] not in repr(entry)
    with pytest.raises(InvalidInput, match="no such token"):
        token_commands.revoke(settings, "ffffffff")
    assert "acme/ana" in token_commands.revoke(settings, entry.id)
    assert token_commands.listed(settings) == []
