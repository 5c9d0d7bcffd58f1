"""The MCP server, whatever the transport."""
