"""One client's session with `opendesk mcp`, by the official Python SDK; the twin of client.mjs.

    client.py ERA PLACE: ERA is legacy or a revision to insist on; PLACE is the JSON of {command, args, env} or of {url, token}.

What the session is to find is in the environment: $TOOLS, the names of the tools. Prints one line of JSON for every check,
and exits with 1 after the first that fails.
"""

import base64
import json
import os
import re
import sys
import traceback

import anyio
import httpx2
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult, ElicitResult

SHOT = re.compile(r"Picture of (\d+)x(\d+) pixels.* shot_id ([^,\s]+),")

# Nothing here is a measure of speed: a busy machine may take long.
ALL = 150


def passed(check: str, **facts: object) -> None:
    print(json.dumps({"check": check, "ok": True, **facts}, ensure_ascii=False), flush=True)


def text(result: CallToolResult) -> str:
    assert result.structured_content is None, "clients drop pictures beside structured content"
    assert result.content[0].type == "text", "the text is first"
    return result.content[0].text


async def say(client: Client, tool: str, **arguments: object) -> str:
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, f"{tool} {arguments}: {text(result)}"
    return text(result)


async def check(client: Client, era: str, asked: list[str], answer: list[str]) -> None:
    assert client.server_info is not None and client.server_info.name == "opendesk"
    assert len(client.instructions or "") > 200, "agents are told how to work"
    if era != "legacy":
        assert client.protocol_version == era, client.protocol_version
    passed("connect", revision=client.protocol_version)

    tools = (await client.list_tools()).tools
    assert [tool.name for tool in tools] == os.environ["TOOLS"].split(",")
    passed("tools", count=len(tools))

    shot = await client.call_tool("screenshot", {"peer": "local"})
    said = SHOT.search(text(shot))
    assert said, f"no shot_id, or not the size: {text(shot)}"
    assert [block.type for block in shot.content] == ["text", "image"]
    width, height, name = int(said[1]), int(said[2]), said[3]
    picture = base64.b64decode(shot.content[1].data, validate=True)
    passed("screenshot", width=width, height=height)

    await say(client, "mouse", action="move", x=width / 2, y=height / 2, shot_id=name, peer="local", settle_ms=0)
    outside = await client.call_tool("mouse", {"action": "click", "x": width + 1, "y": 1, "shot_id": name, "peer": "local"})
    assert outside.is_error and "\n" not in text(outside), text(outside)
    passed("pointing")

    try:
        await client.call_tool("fly", {})
        raise AssertionError("a tool that is none was called")
    except MCPError as error:
        assert error.error.code == -32602, error
    wrong = await client.call_tool("mouse", {"action": "fly"})
    assert wrong.is_error, "arguments that do not fit are told to the model"
    passed("refusals")

    heard: list[float] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        heard.append(progress)

    steps = [{"tool": "wait", "arguments": {"ms": 150}}] * 3
    batch = {"peer": "local", "actions": steps, "picture": False}
    result = await client.call_tool("computer_batch", batch, progress_callback=hear)
    assert not result.is_error, text(result)
    assert heard and heard == sorted(set(heard)), heard
    passed("progress", heard=heard)

    with anyio.move_on_after(0.3) as scope:
        await client.call_tool("keyboard", {"action": "hold", "key": "shift", "hold_duration": 10, "peer": "local"})
    assert scope.cancelled_caught, "the call was over before it was cancelled"
    await say(client, "opendesk_status")
    passed("cancellation")

    uris = {str(resource.uri) for resource in (await client.list_resources()).resources}
    assert {"opendesk://peers", "opendesk://audit"} <= uris, uris
    templates = (await client.list_resource_templates()).resource_templates
    assert "opendesk://shots/{id}" in [template.uri_template for template in templates]
    json.loads((await client.read_resource("opendesk://peers")).contents[0].text)
    kept = (await client.read_resource(f"opendesk://shots/{name}")).contents[0]
    assert base64.b64decode(kept.blob) == picture, "the picture that was shown"
    try:
        await client.read_resource("opendesk://nothing")
        raise AssertionError("a resource that is none was read")
    except MCPError:
        pass
    passed("resources")

    write = {"action": "write", "text": "by leave", "peer": "local"}
    declined = await client.call_tool("clipboard", write)
    assert declined.is_error and len(asked) == 1, f"nobody allowed it: {text(declined)} {asked}"
    answer[0] = "accept"
    await say(client, "clipboard", **write)
    assert len(asked) == 2, asked
    assert "by leave" in await say(client, "clipboard", action="read", peer="local")
    passed("approvals", asked=asked)


async def main(era: str, place: dict) -> None:
    asked: list[str] = []
    answer = ["decline"]

    async def elicit(_context, params) -> ElicitResult:
        asked.append(params.message)
        if answer[0] == "accept":
            return ElicitResult(action="accept", content={"allow": True})
        return ElicitResult(action="decline")

    # A revision that is insisted on is taken without asking the server who it is.
    how = {"mode": "legacy" if era == "legacy" else "auto", "elicitation_callback": elicit}
    with anyio.fail_after(ALL):
        if "url" in place:
            headers = {"Authorization": f"Bearer {place['token']}"}
            async with httpx2.AsyncClient(headers=headers, timeout=60) as http:
                server = streamable_http_client(place["url"], http_client=http)
                async with Client(server, **how) as client:
                    await check(client, era, asked, answer)
        else:
            async with Client(StdioServerParameters(**place), **how) as client:
                await check(client, era, asked, answer)


if __name__ == "__main__":
    try:
        anyio.run(main, sys.argv[1], json.loads(sys.argv[2]))
    except BaseException as error:
        print(json.dumps({"check": f"{type(error).__name__}: {error}", "ok": False}), flush=True)
        traceback.print_exc()
        sys.exit(1)
