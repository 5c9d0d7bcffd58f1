"""`python -m mcp_memory` is `mcp-memory`."""

import sys

from mcp_memory.cli import main

sys.exit(main())
