"""Questions of agents: an MCP server over standard input and output, read-only within one folder."""
