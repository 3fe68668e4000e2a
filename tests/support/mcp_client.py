"""The real MCP client, connected for as long as a test asks."""

import asyncio

import httpx
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client


def ask(address, *questions, headers=None):
    """Connect to a lab's MCP server, ask it by functions of the session one after the other, and return the answers."""

    async def asked():
        async with (
            httpx.AsyncClient(headers=headers, timeout=120) as http,
            streamable_http_client(f"{address.rstrip('/')}/gradio_api/mcp/", http_client=http) as (read, write, _),
            ClientSession(read, write) as session,
        ):
            await session.initialize()
            return [await question(session) for question in questions]

    return asyncio.run(asked())


def call_tool(address, name, **arguments):
    """Return the outcome of a tool as the client has it."""
    [answer] = ask(address, lambda session: session.call_tool(name, arguments))
    return answer
