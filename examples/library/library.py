"""Use the memory as a library: no server, no protocol, one import.

python examples/library/library.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from mcp_memory import Draft, NotFound, open_memory


def main() -> None:
    """Remember, recall, change, forget and undo, in a store of its own."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        home = Path(folder) / "memory"
        secret_id = remember_and_recall(home)
        other_project_sees_nothing(home, secret_id)


def remember_and_recall(home: Path) -> str:
    """What one caller does; the store stays in `home`. Returns the id of a project's fact."""
    with open_memory(home, user="anna", project="greenhouse") as memory:
        memory.remember("Anna prefers meetings before noon", type="preference")
        found = memory.recall("when does Anna like to meet?")
        print(found.context)
        assert found.memories[0].memory.content == "Anna prefers meetings before noon"

        # A key is a slot with one value: remembering it again replaces the value.
        memory.remember("Lisbon", key="home_city", type="profile")
        moved = memory.remember("Porto", key="home_city", type="profile")
        assert memory.recall(key="home_city").memories[0].memory.content == "Porto"
        history = memory.service.history(memory.caller, moved.id)
        assert [revision.memory.content for revision in history] == ["Lisbon", "Porto"]

        # Many at once are stored together or not at all.
        valve, soil = memory.remember_all(
            [
                Draft(content="The valve of bed 3 sticks below 5 °C", tags=("valve",)),
                Draft(content="The tomatoes got new soil on 2 May 2026", valid_from="2026-05-02"),
            ]
        )
        assert valve.status == soil.status == "stored"

        # Forgetting by id is at once, and can be undone.
        memory.forget(valve.id)
        assert not memory.recall("sticking valve", tags=("valve",)).memories
        memory.update(valve.id, restore_revision=valve.revision)
        assert memory.recall("sticking valve", tags=("valve",)).memories[0].memory.id == valve.id

        # For good only after a preview, with the token that it gives.
        preview = memory.forget(soil.id, erase=True)
        done = memory.forget(soil.id, erase=True, confirm=preview.confirm)
        assert done.receipt is not None
        print(f"erased {done.receipt.memories} memory from {', '.join(done.receipt.files)}")
        return valve.id


def other_project_sees_nothing(home: Path, memory_id: str) -> None:
    """The same person in another project: preferences are there, facts are not."""
    with open_memory(home, user="anna", project="taxes") as memory:
        assert memory.recall("when does Anna like to meet?").memories
        assert memory.recall("which valve sticks?", tags=("valve",)).abstained
        try:
            memory.service.get(memory.caller, memory_id)
        except NotFound as error:
            print(error)
        else:
            raise AssertionError("a fact of another project was found by its id")


if __name__ == "__main__":
    main()
