"""Hand-written requests with tools as real clients describe them: a check that what is learned from generated text carries over.

None of these sentences or schemas comes from the generator. Each probe runs with thinking on and off.
"""
import render
from scenes import calls, scene, user


def tool(name, description, required=(), **properties):
    schema = {"type": "object", "properties": properties, "required": list(required)}
    return {"name": name, "description": description, "parameters": schema}


def text(description=None, **more):
    return {"type": "string", **({"description": description} if description else {}), **more}


def number(kind="number", description=None):
    return {"type": kind, **({"description": description} if description else {})}


WEATHER = tool("get_weather", "Get the current weather for a location", ["location"], location=text("City and country, e.g. Lima, Peru"),
               unit=text("Temperature unit", enum=["celsius", "fahrenheit"]))
SEARCH = tool("search_web", "Search the web and return the top results", ["query"], query=text("The search query"), max_results=number("integer"))
MAIL = tool("send_email", "Send an email to a recipient", ["to", "subject", "body"], to=text("Email address of the recipient"), subject=text(), body=text())
CALC = tool("calculator", "Evaluate an arithmetic expression", ["expression"], expression=text("For example 2 + 2"))
ADD = tool("add", "Add two numbers together", ["a", "b"], a=number(description="First number"), b=number(description="Second number"))
TIME = tool("get_current_time", "Returns the current time in the given timezone", ["timezone"], timezone=text("IANA name"))
STOCK = tool("get_stock_price", "Latest price of a stock", ["ticker"], ticker=text("Ticker symbol"))
LIGHTS = tool("set_lights", "Control the lights of the house", ["room", "on"], room=text(), on={"type": "boolean", "description": "true to switch on"},
              brightness=number("integer", "0 to 100"))
READ = tool("read_file", "Reads a file from the workspace", ["path"], path=text("Relative path"))
WRITE = tool("write_file", "Writes content to a file", ["path", "content"], path=text(), content=text())
SHELL = tool("bash", "Runs a command in a shell and returns its output", ["command"], command=text("The command line"), timeout=number("integer"))
EVENT = tool("create_calendar_event", "Adds an event to the user's calendar", ["title", "date"], title=text(), date=text("YYYY-MM-DD"), time=text("HH:MM"),
             attendees={"type": "array", "items": {"type": "string"}})
TICKET = tool("create_ticket", "Opens a support ticket", ["summary", "priority"], summary=text(), priority=text(enum=["low", "medium", "high"]))
ORDER = tool("get_order", "Looks up an order", ["order_id"], order_id=text("The order number"))
USER = {"name": "lookupUser", "description": "Find a user by id", "strict": True, "parameters": {"type": "object", "properties": {
    "userId": {"type": "integer", "description": "numeric id"}}, "required": ["userId"], "additionalProperties": False}}
TRANSLATE = tool("translate", "Translate text", ["text", "target_language"], text=text(), target_language=text())
MUSIC = tool("play_song", "Play a song on the speaker", ["title"], title=text(), artist=text(), volume=number("integer"))
PIZZA = tool("order_pizza", "Order a pizza", ["size", "topping"], size=text(enum=["small", "medium", "large"]), topping=text(), quantity=number("integer"))
REMIND = tool("set_reminder", "Sets a reminder", ["message", "when"], message=text("What to be reminded of"), when=text("When, in words"))
ROUTE = tool("get_route", "Driving directions", ["start", "end"], start=text(), end=text(), avoid_tolls={"type": "boolean"})

# system prompt, tools, what the user says, the calls
ONE_TURN = [
    (None, [WEATHER], "What's the weather like in Paris?", [("get_weather", {"location": "Paris"})]),
    (None, [WEATHER], "what is the weather in tokyo in celsius", [("get_weather", {"location": "tokyo", "unit": "celsius"})]),
    ("You are a helpful assistant.", [WEATHER, SEARCH, MAIL], "Is it going to be hot in Buenos Aires today?", [("get_weather", {"location": "Buenos Aires"})]),
    (None, [WEATHER, TIME], "What's the weather in Berlin and in Madrid?", [("get_weather", {"location": "Berlin"}), ("get_weather", {"location": "Madrid"})]),
    (None, [WEATHER, TIME], "Tell me the weather in Oslo and the time in Europe/Oslo.",
     [("get_weather", {"location": "Oslo"}), ("get_current_time", {"timezone": "Europe/Oslo"})]),
    (None, [SEARCH], "Search the web for the best hiking trails in Norway", [("search_web", {"query": "the best hiking trails in Norway"})]),
    (None, [SEARCH, WEATHER, STOCK], "Search for cheap laptops", [("search_web", {"query": "cheap laptops"})]),
    ("You can use tools.", [MAIL, WEATHER], 'Send an email to bob@example.com with the subject "Lunch" and the body "See you at noon"',
     [("send_email", {"to": "bob@example.com", "subject": "Lunch", "body": "See you at noon"})]),
    (None, [MAIL], "Email anna.k@firm.io, subject Invoice 42, body Please find it attached.",
     [("send_email", {"to": "anna.k@firm.io", "subject": "Invoice 42", "body": "Please find it attached"})]),
    (None, [CALC, WEATHER], "What is 345 * 12?", [("calculator", {"expression": "345 * 12"})]),
    (None, [CALC], "Calculate (17 + 5) * 3 for me please", [("calculator", {"expression": "(17 + 5) * 3"})]),
    (None, [ADD], "Add 17 and 25", [("add", {"a": 17, "b": 25})]),
    (None, [ADD, WEATHER], "what is 3.5 plus 4", [("add", {"a": 3.5, "b": 4})]),
    (None, [TIME, WEATHER], "What time is it in America/New_York?", [("get_current_time", {"timezone": "America/New_York"})]),
    (None, [STOCK, SEARCH], "How much is AAPL trading for?", [("get_stock_price", {"ticker": "AAPL"})]),
    (None, [LIGHTS, MUSIC], "Turn on the lights in the kitchen", [("set_lights", {"room": "kitchen", "on": True})]),
    (None, [LIGHTS], "Switch the bedroom lights off please", [("set_lights", {"room": "bedroom", "on": False})]),
    ("You are a coding agent.", [READ, WRITE, SHELL], "Read src/main.ts", [("read_file", {"path": "src/main.ts"})]),
    ("You are a coding agent.", [READ, WRITE, SHELL], "Run the command git status", [("bash", {"command": "git status"})]),
    ("You are a coding agent.", [READ, WRITE, SHELL], "Please run `ls -la src`", [("bash", {"command": "ls -la src"})]),
    ("You are a coding agent.", [READ, WRITE, SHELL], 'Create the file notes.txt with the content "hello world"',
     [("write_file", {"path": "notes.txt", "content": "hello world"})]),
    (None, [READ, SHELL], "Read a.txt and b.txt", [("read_file", {"path": "a.txt"}), ("read_file", {"path": "b.txt"})]),
    (None, [EVENT, REMIND], "Create an event called Team lunch on 2026-03-14 at 12:30",
     [("create_calendar_event", {"title": "Team lunch", "date": "2026-03-14", "time": "12:30"})]),
    (None, [EVENT], 'Add "Dentist" to my calendar for 2026-05-02', [("create_calendar_event", {"title": "Dentist", "date": "2026-05-02"})]),
    (None, [TICKET, ORDER], "Open a high priority ticket: printer is on fire", [("create_ticket", {"summary": "printer is on fire", "priority": "high"})]),
    (None, [ORDER, TICKET], "Where is my order A-10293?", [("get_order", {"order_id": "A-10293"})]),
    (None, [USER], "Find user 4711", [("lookupUser", {"userId": 4711})]),
    (None, [TRANSLATE, SEARCH], 'Translate "good morning" into Spanish', [("translate", {"text": "good morning", "target_language": "Spanish"})]),
    (None, [MUSIC], "Play Yesterday by The Beatles", [("play_song", {"title": "Yesterday", "artist": "The Beatles"})]),
    (None, [PIZZA], "I'd like a large pizza with mushrooms", [("order_pizza", {"size": "large", "topping": "mushrooms"})]),
    (None, [PIZZA], "Order two small pizzas with olives", [("order_pizza", {"size": "small", "topping": "olives", "quantity": 2})]),
    (None, [REMIND, EVENT], "Remind me to call mom tomorrow at 9", [("set_reminder", {"message": "call mom", "when": "tomorrow at 9"})]),
    (None, [ROUTE, WEATHER], "How do I get from Zürich to Genève?", [("get_route", {"start": "Zürich", "end": "Genève"})]),
    (None, [ROUTE], "route from Boston to New York, avoid tolls", [("get_route", {"start": "Boston", "end": "New York", "avoid_tolls": True})]),
]
# tools, messages, what the answer must hold (no call)
SAID = [
    ([WEATHER], [("user", "Hello!")], ["Hello"]),
    ([WEATHER, SEARCH, MAIL], [("user", "What is the capital of France?")], ["Paris"]),
    ([MAIL, WEATHER], [("user", "Thank you very much!")], ["welcome"]),
    ([WEATHER, MAIL], [("user", "Book a table for two at Luigi's tonight")], ["no tool"]),
    ([STOCK], [("user", "Play some jazz music")], ["no tool"]),
    ([MAIL], [("user", "Send an email to tom@mail.org")], ["subject", "body"]),
    ([WEATHER], [("user", "What's the weather in Rome?"), ("call", "get_weather", {"location": "Rome"}),
                 ("tool", '{"temperature": 21, "condition": "sunny"}')], ["21", "sunny"]),
    ([WEATHER], [("user", "Weather in Cairo?"), ("call", "get_weather", {"location": "Cairo"}), ("tool", "34 degrees, dry")], ["34", "dry"]),
    ([ADD], [("user", "Add 2 and 3"), ("call", "add", {"a": 2, "b": 3}), ("tool", "5")], ["5"]),
    ([STOCK], [("user", "Price of TSLA?"), ("call", "get_stock_price", {"ticker": "TSLA"}), ("tool", '{"symbol":"TSLA","price":251.3,"currency":"USD"}')],
     ["251.3"]),
    ([ORDER], [("user", "Status of order 991"), ("call", "get_order", {"order_id": "991"}), ("tool", '{"error": "order not found"}')], ["not found"]),
]


def messages_of(turns):
    out = []
    for role, *rest in turns:
        out.append(calls("", tuple(rest)) if role == "call" else user(rest[0]) if role == "user" else {"role": "tool", "content": rest[0]})
    return out


def probe(system, tools, turns, check, thinking):
    made = scene("probe", messages_of(turns) + [{"role": "assistant", "content": "", "thought": "", "check": check}], tools, system)
    made.update(thinking=thinking, tight=False)
    gold = render.call_text({"content": "", "tool_calls": check[1]}) if check[0] == "calls" else " ".join(check[1])
    return {"group": "hand-written: " + ("calls" if check[0] == "calls" else "answers"), "scene": made, "check": check, "thinking": thinking, "gold": gold,
            "prompt": render.render(made, len(made["messages"]) - 1, kept=False)}


def make_probes():
    out = []
    for thinking in (True, False):
        for system, tools, said, wanted in ONE_TURN:
            out.append(probe(system, tools, [("user", said)], ["calls", [{"name": n, "arguments": a} for n, a in wanted]], thinking))
        out += [probe(None, tools, turns, ["has", wanted], thinking) for tools, turns, wanted in SAID]
    return out
