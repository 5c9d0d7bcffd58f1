"""The HTTP server: streamable HTTP and SSE, tokens, limits, figures."""
