"""A whole task by `opendesk mcp` and the official client: an editor is opened, a letter is written and saved by its menu.

    task.py PLACE PEER FILE: PLACE is the JSON of {command, args, env}, PEER the machine, FILE where the letter is to be.

Prints one line of JSON for every step, and exits with 1 after the first that fails.
"""

import json
import re
import sys
import traceback

import anyio
from mcp import Client, StdioServerParameters
from mcp.types import CallToolResult

EDITOR = "l3afpad"
LETTER = "Dear machine,\nthis was typed by an agent: äöü €.\n"

# Nothing here is a measure of speed: a machine that was just set up reads the editor from a slow disk.
EFFECT = 90
ALL = 240


def passed(step: str, said: str) -> None:
    print(json.dumps({"check": step, "ok": True, "said": said}, ensure_ascii=False), flush=True)


def text(result: CallToolResult) -> str:
    return "\n".join(block.text for block in result.content if block.type == "text")


class Agent:
    def __init__(self, client: Client, peer: str) -> None:
        self.client, self.peer = client, peer

    async def call(self, tool: str, **arguments: object) -> CallToolResult:
        return await self.client.call_tool(tool, {"peer": self.peer, **arguments})

    async def say(self, tool: str, **arguments: object) -> str:
        result = await self.call(tool, **arguments)
        assert not result.is_error, f"{tool} {arguments}: {text(result)}"
        return text(result)

    async def click(self, label: str, kind: str = "") -> str:
        """Clicks an element by its number in a picture, once it is there."""
        numbered = re.compile(rf'^\[(\d+)\] .*{kind} "{re.escape(label)}"', re.MULTILINE)
        said = await self.until(label, numbered.search, "screenshot", marks=True)
        return await self.say("mouse", action="click", mark=int(numbered.search(said)[1]), observe="changes")

    async def until(self, what: str, found, tool: str, **arguments: object) -> str:
        """Looks until something is there."""
        said = ""
        with anyio.move_on_after(EFFECT):
            while True:
                said = text(await self.call(tool, **arguments))
                if found(said):
                    return said
                await anyio.sleep(0.1)
        raise AssertionError(f"{what} did not come: {said}")


async def work(agent: Agent, file: str) -> None:
    passed("opened", await agent.say("app", action="open", name=EDITOR))
    await agent.until("the editor's window", lambda said: EDITOR in said.lower(), "app", action="list")
    tree = await agent.until("its text", lambda said: "text" in said, "ui", action="get_tree", app=EDITOR)
    passed("seen", tree)
    passed("typed", await agent.say("keyboard", action="type", text=LETTER, observe="ui"))
    # A dialog that a program opens while it answers accessibility keeps it from all other answers: the mouse opens this one.
    passed("menu", await agent.click("File"))
    passed("item", await agent.click("Save As..."))
    ready = lambda said: "Cancel" in said and "(focused)" in said
    passed("dialog", await agent.until("the dialog", ready, "ui", action="get_tree"))
    steps = [
        {"tool": "keyboard", "arguments": {"action": "hotkey", "keys": ["ctrl", "a"]}},
        {"tool": "keyboard", "arguments": {"action": "type", "text": file}},
    ]
    result = await agent.call("computer_batch", actions=steps)
    assert not result.is_error and result.content[-1].type == "image", text(result)
    passed("named", text(result))
    passed("saved", await agent.click("Save As", "button"))
    name = file.rsplit("/", 1)[1]
    await agent.until("the new title", lambda said: name in said, "app", action="windows")
    read = {"action": "shell", "code": f"cat '{file}'"}
    passed("read back", await agent.until("the file", lambda said: LETTER.strip() in said, "script", **read))
    passed("closed", await agent.say("app", action="close", name=EDITOR))


async def main(place: dict, peer: str, file: str) -> None:
    with anyio.fail_after(ALL):
        async with Client(StdioServerParameters(**place)) as client:
            await work(Agent(client, peer), file)


if __name__ == "__main__":
    try:
        anyio.run(main, json.loads(sys.argv[1]), sys.argv[2], sys.argv[3])
    except BaseException as error:
        print(json.dumps({"check": f"{type(error).__name__}: {error}", "ok": False}), flush=True)
        traceback.print_exc()
        sys.exit(1)
