"""The ways in: REST, the simulated network's API, later MCP and the console. A door calls one flow or one room."""
