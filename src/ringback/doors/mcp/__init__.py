"""MCP: the tools with which an agent uses this server, at `/mcp` and on standard input and output (decision 0032)."""
