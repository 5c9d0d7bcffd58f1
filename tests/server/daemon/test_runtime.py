"""What an application opens it also closes, whatever happens in between."""

from __future__ import annotations

from pathlib import Path

import pytest

from mcp_memory import service
from mcp_memory.config.settings import Settings
from mcp_memory.domain.memory import Caller
from mcp_memory.runtime import Application, open_service

ANA = Caller(tenant="local", user="ana", project="")


def settings(tmp_path: Path, *, session_days: int = 30) -> Settings:
    return Settings(home=tmp_path / "store", working_dir=tmp_path, session_days=session_days)


@pytest.mark.parametrize("part", ["MemoryService.__init__", "MemoryService.start"])
def test_a_failure_after_the_store_was_opened_releases_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    def fail(*given: object, **more: object) -> None:
        raise MemoryError("no memory left")

    application = Application(settings(tmp_path))
    with monkeypatch.context() as patch:
        patch.setattr(service.MemoryService, part.partition(".")[2], fail)
        with pytest.raises(MemoryError):
            application.service()
    assert application.service().recent(ANA) == []
    application.close()


def test_the_configured_days_of_a_session_are_in_force_without_a_server(tmp_path: Path) -> None:
    opened = open_service(settings(tmp_path, session_days=7))
    try:
        assert opened.me(ANA)["policy"]["session_expiry_days"] == 7
    finally:
        opened.close()
