"""The use cases, and the only home of policy."""

from mcp_memory.service.policy import Policy
from mcp_memory.service.service import MemoryService
from mcp_memory.service.views import Context

__all__ = ["Context", "MemoryService", "Policy"]
