"""The web door: streamable HTTP and SSE, tokens, limits, figures."""
