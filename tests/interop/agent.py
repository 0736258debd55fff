"""An agent of the older protocol era: starts an MCP server and uses a paired machine through it.

`agent.py PEER COMMAND [ARGUMENT…]` prints one JSON line: the names of the tools, and of a screenshot of that peer the
kinds of its contents and the first bytes of its picture.
"""

import asyncio
import base64
import json
import os
import sys

from mcp import ClientSession, StdioServerParameters
from mcp.client.stdio import stdio_client


async def main(peer: str, command: str, arguments: list[str]) -> None:
    """Takes one screenshot of the peer, and moves its mouse."""
    server = StdioServerParameters(command=command, args=arguments, env=dict(os.environ))
    async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
        await session.initialize()
        tools = sorted(tool.name for tool in (await session.list_tools()).tools)
        shot = await session.call_tool("screenshot", {"peer": peer})
        images = [content for content in shot.content if content.type == "image"]
        moved = await session.call_tool("mouse", {"peer": peer, "action": "move", "x": 60, "y": 70})
        print(json.dumps({
            "tools": tools,
            "error": bool(shot.isError or moved.isError),
            "kinds": [content.type for content in shot.content],
            "text": [content.text for content in [*shot.content, *moved.content] if content.type == "text"],
            "picture": base64.b64decode(images[0].data)[:4].hex() if images else "",
        }))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3:]))
