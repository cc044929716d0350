"""Asks a running server one case over the OpenAI interface, with the standard library alone."""
import json
import urllib.request

from cases import wire_messages, wire_tools

LIMIT = 400


def strictly(value):
    """A tool without uniqueItems, which strict tools may not have where items are free text."""
    if isinstance(value, dict):
        return {k: strictly(v) for k, v in value.items() if not (k == "uniqueItems" and v is True)}
    return [strictly(v) for v in value] if isinstance(value, list) else value


def ask(url, model, case, stream=False, strict=False):
    """(content, calls) of the server's answer; calls is None when arguments are no JSON."""
    body = {"model": model, "messages": wire_messages(case["scene"]), "temperature": 0, "max_tokens": LIMIT, "stream": stream,
            "chat_template_kwargs": {"enable_thinking": case["thinking"]}}
    if case["scene"]["tools"]:
        body["tools"] = [{**t, "function": {**strictly(t["function"]), "strict": True}} if strict else t for t in wire_tools(case["scene"])]
    request = urllib.request.Request(url.rstrip("/") + "/chat/completions", json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=300) as response:
        message = gather(response) if stream else json.load(response)["choices"][0]["message"]
    return (message.get("content") or "").strip(), read_calls(message.get("tool_calls") or [])


def read_calls(calls):
    try:
        return [{"name": c["function"]["name"], "arguments": json.loads(c["function"]["arguments"])} for c in calls]
    except ValueError:
        return None


def gather(response):
    """One message from the events of a stream."""
    content, calls = "", {}
    for line in response:
        line = line.decode("utf-8").strip()
        if not line.startswith("data:") or line == "data: [DONE]":
            continue
        for choice in json.loads(line[5:]).get("choices", ()):
            delta = choice.get("delta") or {}
            content += delta.get("content") or ""
            for part in delta.get("tool_calls") or ():
                call = calls.setdefault(part["index"], {"function": {"name": "", "arguments": ""}})
                for key in call["function"]:
                    call["function"][key] += (part.get("function") or {}).get(key) or ""
    return {"content": content, "tool_calls": [calls[i] for i in sorted(calls)]}
