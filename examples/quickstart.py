"""Give a program a memory, without a server: python examples/quickstart.py [FOLDER]."""

import sys

from mcp_memory import open_memory

folder = sys.argv[1] if len(sys.argv) > 1 else "~/agent-memory"
with open_memory(folder, user="anna") as memory:
    memory.remember("Anna prefers meetings before noon", type="preference")
    memory.remember("Lisbon", key="home_city", type="profile")
    memory.remember("Porto", key="home_city", type="profile")  # replaces Lisbon, keeps its history

    print(memory.recall("when does Anna like to meet?").context)
    print(memory.recall(key="home_city").memories[0].memory.content)
    print("nothing relevant:", memory.recall("who won the chess tournament?").abstained)
