"""What programs ask of the lab: the answers of its API as values for JSON, and the tools of its MCP server."""
