"""The formats of agent SDKs, held against the types of the SDKs themselves.

    formats.py BINARY HOME [RECORDED]

Prints a line of JSON for every check, {"check": …, "ok": …}, and exits with 0 if all are right. RECORDED is a file with the
requests that `opendesk agent` has made, a line of JSON {"api": …, "body": …} each.
"""

import base64
import collections.abc
import importlib
import inspect
import json
import pkgutil
import struct
import subprocess
import sys
import traceback
import typing

import anthropic.types
import anthropic.types.beta as beta
import openai.types.chat as chat
import openai.types.responses as responses
import typing_extensions
from langchain_core.messages import ToolMessage
from langchain_core.tools import StructuredTool, ToolException
from openai.types.responses.response_input_item_param import ComputerCallOutput, FunctionCallOutput
from pydantic import TypeAdapter, ValidationError

BINARY, HOME, *RECORDED = sys.argv[1:]
DESKTOP = ["--backend", "virtual"]


def strict(package):
    """A key that a type does not have is a mistake of ours."""
    for _, name, _ in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        for _, found in inspect.getmembers(importlib.import_module(name)):
            if typing_extensions.is_typeddict(found) and not hasattr(found, "__pydantic_config__"):
                found.__pydantic_config__ = {"extra": "forbid"}


for package in (anthropic.types, chat, responses):
    strict(package)


def drained(value):
    """Pydantic checks the items of an iterable only when somebody asks for them."""
    if isinstance(value, dict):
        return {key: drained(item) for key, item in value.items()}
    if isinstance(value, list) or (isinstance(value, collections.abc.Iterator) and not isinstance(value, str)):
        return [drained(item) for item in value]
    return value


def fits(kind, value):
    # It is kept until all is drained: without it Pydantic could not check any more.
    adapter = TypeAdapter(kind)
    return drained(adapter.validate_python(value))


def opendesk(*arguments, given=None, code=0):
    command = [BINARY, "--home", HOME, *arguments]
    done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=60)
    assert done.returncode == code, (command, done.returncode, done.stdout[:500], done.stderr)
    return done.stdout if code == 0 else done.stderr


def tools(sdk, kind):
    return json.loads(opendesk("tools", "--format", sdk, "--tool-type", kind, *DESKTOP))


def call(sdk, kind, block, *more, code=0):
    if hasattr(block, "model_dump"):
        block = block.model_dump(mode="json")
    printed = opendesk("agent-call", "--format", sdk, "--tool-type", kind, *DESKTOP, *more, given=json.dumps(block), code=code)
    return json.loads(printed) if code == 0 else printed


def png_size(data):
    data = base64.b64decode(data)
    assert data[:8] == b"\x89PNG\r\n\x1a\n", data[:8]
    return struct.unpack(">II", data[16:24])


def member(name, number, **given):
    """A call as Anthropic's SDK reads it."""
    kind = TypeAdapter(beta.BetaComputerToolUseBlock)
    block = {"type": "tool_use", "id": f"toolu_{number}", "name": name, "toolset_name": "computer", "input": given}
    return kind.validate_python(block).model_dump(mode="json")


def control():
    """What must be refused is refused, also deep inside."""
    wrong = [
        (list[beta.BetaToolUnionParam], [{"type": "computer_toolset_20260801", "display_width_px": 1}]),
        (beta.BetaToolResultBlockParam, {"type": "tool_result", "tool_use_id": "t", "content": [{"type": "image", "data": "x"}]}),
        (ComputerCallOutput, {"type": "computer_call_output", "call_id": "c", "output": {"type": "input_image"}}),
        (list[chat.ChatCompletionMessageParam], [{"role": "tool", "tool_call_id": "1", "content": [{"type": "image_url"}]}]),
    ]
    for kind, value in wrong:
        try:
            fits(kind, value)
        except ValidationError:
            continue
        raise AssertionError(f"{value} passes for a {kind}")


def anthropic_definitions():
    for kind in ("computer_toolset_20260801", "computer_20251124", "plain"):
        offered = tools("anthropic", kind)
        fits(list[beta.BetaToolUnionParam], offered)
        if kind != "computer_20251124":
            fits(list[anthropic.types.ToolUnionParam], offered)
    old = tools("anthropic", "computer_20251124")[0]
    assert old["display_width_px"] > 0 and old["display_height_px"] > 0, old


def anthropic_screenshot():
    result = call("anthropic", "computer_toolset_20260801", member("screenshot", 1))
    fits(beta.BetaToolResultBlockParam, result)
    assert result["toolset_name"] == "computer" and result["tool_use_id"] == "toolu_1" and not result["is_error"], result
    (image,) = result["content"]
    old = tools("anthropic", "computer_20251124")[0]
    size = png_size(image["source"]["data"])
    assert size == (old["display_width_px"], old["display_height_px"]), (size, old)
    width, height = size
    assert max(size) <= 1568 and -(-width // 28) * -(-height // 28) <= 1568, size


def anthropic_batch():
    turn = [
        member("left_click", 1, coordinate=[300, 200]),
        member("cursor_position", 2),
        member("key", 3, text="ctrl+shift+NoSuchKey"),
        member("type", 4, text="never"),
        member("screenshot", 5),
        {"type": "tool_use", "id": "toolu_6", "name": "opendesk_status", "input": {}},
    ]
    results = call("anthropic", "computer_toolset_20260801", turn)
    fits(list[beta.BetaToolResultBlockParam], results)
    assert [result["tool_use_id"] for result in results] == [f"toolu_{number}" for number in range(1, 7)], results
    assert [result["is_error"] for result in results] == [False, False, True, True, True, False], results
    assert results[1]["content"] == [{"type": "text", "text": "X=300,Y=200"}], results[1]
    assert "NoSuchKey" in results[2]["content"][0]["text"], results[2]
    assert results[3]["content"][0]["text"].startswith("Not executed"), results[3]
    assert all(result["toolset_name"] == "computer" for result in results[:5]) and "toolset_name" not in results[5]
    assert all(block["type"] == "text" for result in results if result["is_error"] for block in result["content"])


def anthropic_members():
    turn = [
        member("mouse_move", 1, coordinate=[50, 60]),
        member("left_click", 2),
        member("double_click", 3, coordinate=[50, 60]),
        member("triple_click", 4, coordinate=[50, 60]),
        member("right_click", 5, coordinate=[50, 60]),
        member("middle_click", 6, coordinate=[50, 60]),
        member("left_click_drag", 7, start_coordinate=[50, 60], coordinate=[80, 90]),
        member("left_mouse_down", 8),
        member("mouse_move", 9, coordinate=[90, 95]),
        member("left_mouse_up", 10),
        member("scroll", 11, coordinate=[90, 95], scroll_direction="down", scroll_amount=2, text="ctrl"),
        member("type", 12, text="hello"),
        member("key", 13, text="Return", repeat=2),
        member("hold_key", 14, text="shift", duration=0),
        member("wait", 15, duration=0),
        member("zoom", 16, region=[0, 0, 100, 50]),
        member("cursor_position", 17),
        member("screenshot", 18),
    ]
    results = call("anthropic", "computer_toolset_20260801", turn)
    fits(list[beta.BetaToolResultBlockParam], results)
    assert not any(result["is_error"] for result in results), [result["content"] for result in results if result["is_error"]]
    assert png_size(results[15]["content"][0]["source"]["data"]) == (100, 50)
    assert results[16]["content"][0]["text"] == "X=90,Y=95", results[16]
    alone = call("anthropic", "computer_toolset_20260801", member("left_mouse_down", 1), code=2)
    assert "left_click_drag" in alone, alone
    outside = call("anthropic", "computer_toolset_20260801", member("left_click", 1, coordinate=[5000, 1]))
    assert outside["is_error"] and "outside" in outside["content"][0]["text"], outside


def anthropic_older_models():
    block = {"type": "tool_use", "id": "t", "name": "computer", "input": {"action": "screenshot"}}
    result = call("anthropic", "computer_20251124", block)
    fits(anthropic.types.ToolResultBlockParam, result)
    assert "toolset_name" not in result and result["content"][0]["type"] == "image", result


def anthropic_plain():
    block = anthropic.types.ToolUseBlock(type="tool_use", id="t", name="screenshot", input={})
    result = call("anthropic", "plain", block)
    fits(anthropic.types.ToolResultBlockParam, result)
    assert [block["type"] for block in result["content"]] == ["text", "image"], result
    unknown = call("anthropic", "plain", {**block.model_dump(mode="json"), "name": "fly"})
    assert unknown["is_error"], unknown
    assert "no call in this format" in call("anthropic", "plain", {"type": "text"}, code=2)


def openai_definitions():
    fits(list[responses.ToolParam], tools("openai", "computer"))
    fits(list[responses.FunctionToolParam], tools("openai", "function"))
    fits(list[chat.ChatCompletionToolUnionParam], tools("openai", "chat"))


def computer_call(actions, checks=()):
    block = {"type": "computer_call", "id": "i", "call_id": "c", "status": "completed", "actions": actions,
             "pending_safety_checks": list(checks)}
    return responses.ResponseComputerToolCall.model_validate(block, strict=True)


def openai_computer():
    result = call("openai", "computer", computer_call([
        {"type": "click", "button": "left", "x": 40, "y": 50},
        {"type": "keypress", "keys": ["CTRL", "A"]},
        {"type": "type", "text": "hello"},
        {"type": "drag", "path": [{"x": 10, "y": 10}, {"x": 20, "y": 20}, {"x": 30, "y": 10}], "keys": ["SHIFT"]},
        {"type": "scroll", "x": 40, "y": 50, "scroll_x": 0, "scroll_y": 300},
        {"type": "screenshot"},
    ]))
    fits(ComputerCallOutput, result)
    head, data = result["output"]["image_url"].split(",", 1)
    assert head == "data:image/png;base64" and png_size(data)[0] <= 1600, head
    failed = call("openai", "computer", computer_call([
        {"type": "move", "x": 1, "y": 1},
        {"type": "keypress", "keys": ["NOSUCHKEY"]},
        {"type": "type", "text": "never"},
    ]))
    fits(list[responses.ResponseInputItemParam], failed)
    output, message = failed
    fits(ComputerCallOutput, output)
    told = message["content"][0]["text"]
    assert "Action 2 of 3" in told and "not executed" in told, told


def openai_safety():
    checks = [{"id": "check_1", "code": "malicious_instructions", "message": "The page gives orders."}]
    block = computer_call([{"type": "screenshot"}], checks)
    refused = call("openai", "computer", block, code=5)
    assert "check_1" in refused and "--acknowledge" in refused, refused
    agreed = call("openai", "computer", block, "--acknowledge", "check_1")
    fits(ComputerCallOutput, agreed)
    assert agreed["acknowledged_safety_checks"] == checks, agreed


def openai_functions():
    block = responses.ResponseFunctionToolCall(type="function_call", call_id="c", name="screenshot", arguments="{}")
    result = call("openai", "function", block)
    fits(FunctionCallOutput, result)
    assert [part["type"] for part in result["output"]] == ["input_text", "input_image"], result
    wrong = call("openai", "function", block.model_copy(update={"arguments": "{"}))
    fits(FunctionCallOutput, wrong)
    assert wrong["output"][0]["text"].startswith("Error: "), wrong


def openai_chat():
    message = chat.ChatCompletionMessage.model_validate({"role": "assistant", "content": None, "tool_calls": [
        {"id": "1", "type": "function", "function": {"name": "screenshot", "arguments": "{}"}},
        {"id": "2", "type": "function", "function": {"name": "mouse", "arguments": '{"action": "click"}'}},
        {"id": "3", "type": "function", "function": {"name": "keyboard", "arguments": '{"action": "type", "text": "x"}'}},
    ]})
    messages = call("openai", "chat", message)
    fits(list[chat.ChatCompletionMessageParam], messages)
    assert [message["role"] for message in messages] == ["tool", "tool", "tool", "user"], messages
    assert messages[1]["content"].startswith("Error: ") and "Not executed" in messages[2]["content"], messages
    assert messages[3]["content"][1]["type"] == "image_url", messages[3]


def places_outlive_a_process():
    for sdk, kind in (("anthropic", "plain"), ("openai", "function")):
        def ask(tool, **arguments):
            block = {"type": "tool_use", "id": "1", "name": tool, "input": arguments}
            if sdk == "openai":
                block = {"type": "function_call", "call_id": "1", "name": tool, "arguments": json.dumps(arguments)}
            return json.dumps(call(sdk, kind, block))

        shot = ask("screenshot")
        data = shot[shot.index("iVBOR"):].split('"')[0]
        width, height = png_size(data)
        inside = ask("mouse", action="move", x=width - 1, y=height - 1)
        assert "outside" not in inside and "Error" not in inside, inside
        assert "outside" in ask("mouse", action="move", x=width, y=0)


def mcp_definitions():
    from mcp.types import CallToolResult, Tool

    offered = [Tool.model_validate(tool) for tool in tools("mcp", "plain")]
    assert {tool.name for tool in offered} >= {"screenshot", "mouse", "computer_batch"}
    assert all(tool.annotations and tool.annotations.readOnlyHint is not None for tool in offered)
    result = call("mcp", "plain", {"name": "screenshot", "arguments": {}})
    assert [part.type for part in CallToolResult.model_validate(result).content] == ["text", "image"]


class Desk:
    """The snippet of docs/AGENTS.md, with the program and the home of this test."""

    def __init__(self):
        command = [BINARY, "--home", HOME, "agent-call", "--format", "langchain", "--lines", *DESKTOP]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def call(self, name, arguments):
        print(json.dumps({"name": name, "args": arguments}), file=self.process.stdin, flush=True)
        result = json.loads(self.process.stdout.readline())
        if result["status"] == "error":
            raise ToolException(result["content"])
        return result["content"], result["artifact"]

    def tool(self, spec):
        func = lambda **given: self.call(spec["name"], given)
        return StructuredTool(func=func, handle_tool_error=True, **spec)


def langchain():
    desk = Desk()
    made = {spec["name"]: desk.tool(spec) for spec in tools("langchain", "plain")}
    assert all(tool.response_format == "content_and_artifact" for tool in made.values())
    shot = made["screenshot"].invoke({"type": "tool_call", "id": "1", "name": "screenshot", "args": {}})
    assert isinstance(shot, ToolMessage) and shot.status == "success", shot
    (image,) = shot.artifact["images"]
    width, height = png_size(image["base64"])
    # The session is one: the picture that one call took is what the next one points into.
    clicked = made["mouse"].invoke({"action": "move", "x": width - 1, "y": height - 1})
    assert "move" in clicked or "Moved" in clicked, clicked
    where = made["mouse"].invoke({"action": "cursor_position"})
    assert f"{width - 1},{height - 1}" in where, where
    outside = made["mouse"].invoke({"type": "tool_call", "id": "2", "name": "mouse", "args": {"action": "move", "x": width, "y": 0}})
    assert outside.status == "error" and "outside" in outside.content, outside
    # All that was asked on a line is a line, also where it is no call.
    print("{}", file=desk.process.stdin, flush=True)
    assert "error" in json.loads(desk.process.stdout.readline())
    desk.process.stdin.close()
    assert desk.process.wait(20) == 0
    message = ToolMessage(**call("langchain", "plain", {"name": "opendesk_status", "args": {}, "id": "7", "type": "tool_call"}))
    assert message.tool_call_id == "7" and message.status == "success"


def mcp_adapters():
    """LangChain's own bridge to MCP."""
    import asyncio

    from langchain_mcp_adapters.client import MultiServerMCPClient

    server = {"transport": "stdio", "command": BINARY, "args": ["--home", HOME, "mcp", *DESKTOP]}

    async def session():
        made = {tool.name: tool for tool in await MultiServerMCPClient({"opendesk": server}).get_tools()}
        call = {"type": "tool_call", "id": "1", "name": "screenshot", "args": {}}
        return set(made), await made["screenshot"].ainvoke(call)

    names, shot = asyncio.run(session())
    assert names == {spec["name"] for spec in tools("langchain", "plain")}, names
    assert isinstance(shot, ToolMessage) and any("image" in block["type"] for block in shot.content), shot


def recorded():
    count = 0
    for line in open(RECORDED[0], encoding="utf-8") if RECORDED else ():
        request = json.loads(line)
        api, body = request["api"], request["body"]
        if api == "anthropic":
            kind = anthropic.types.beta.message_create_params.MessageCreateParamsNonStreaming
            fits(list[beta.BetaMessageParam], body["messages"])
        elif api == "openai":
            kind = responses.response_create_params.ResponseCreateParamsNonStreaming
            fits(list[responses.ResponseInputItemParam], body["input"])
        else:
            kind = chat.completion_create_params.CompletionCreateParamsNonStreaming
            fits(list[chat.ChatCompletionMessageParam], body["messages"])
        fits(kind, body)
        count += 1
    assert count or not RECORDED


CHECKS = [
    control, anthropic_definitions, anthropic_screenshot, anthropic_batch, anthropic_members, anthropic_older_models, anthropic_plain,
    openai_definitions, openai_computer, openai_safety, openai_functions, openai_chat, mcp_definitions, places_outlive_a_process,
    langchain, mcp_adapters, recorded,
]


def main():
    well = True
    for check in CHECKS:
        problem = None
        try:
            check()
        except Exception:
            problem = traceback.format_exc()[-3000:]
        well = well and problem is None
        print(json.dumps({"check": check.__name__, "ok": problem is None, "problem": problem}), flush=True)
    sys.exit(0 if well else 1)


main()
