"""Everyday tools (weather, mail, files, shops) with the words people really use for them, from data/everyday.txt.

== names
about: descriptions
slots: alternative parameter names:kind, "?" after a name = optional
results: keys of its result
answer: the answer from that result
then requests, one per line: {slot} by its first name, {slot2} asks for two calls; "~ " opens a request in which a required value is missing.
"""
import symbols
import values
from kinds import KINDS, quoted, shown, words_of
from material import sections
from tools import Param, Tool, remarked, spec, styled
from turns import lower_first

# tools that could also serve a plain question; beside them only small talk needs no tool
BROAD = set("""calculate web_search translate random_number define_word get_news get_time get_user create_note add multiply calculator_op get_current_time
get_population get_distance convert_units get_movie_info count_words detect_language get_recipe generate_image query_database get_contact roll_dice
get_balance get_schedule list_files read_file exchange_rate geocode find_nearby search_mail library_search get_lyrics format_code hash_text
regex_test render_template split_bill sun_times add_comment insert_row""".split())
# tools whose requests have an answer without a tool as well; never used to show that no tool fits
ANSWERABLE = set("""calculate translate random_number define_word add multiply calculator_op get_population get_distance convert_units get_movie_info
count_words detect_language get_recipe roll_dice split_bill hash_text format_code regex_test render_template""".split())
# kinds of which a request can name two: "read a.txt and b.txt"
DOUBLED = set("city path code symbol word person zone folder url service date plural".split())
# pairs that a request could mean both of
ALIKE = [{"book_flight", "search_flights"}, {"get_weather", "get_forecast"}, {"create_note", "add_todo"}, {"add_todo", "set_reminder"}, {"add", "calculate"},
         {"multiply", "calculate"}, {"add", "calculator_op"}, {"multiply", "calculator_op"}, {"calculator_op", "calculate"}, {"get_time", "get_current_time"},
         {"get_distance", "get_directions"}, {"convert_units", "convert_currency"}, {"add_to_cart", "order_food"}, {"search_products", "add_to_cart"},
         {"create_event", "schedule_meeting"}, {"create_event", "book_appointment"}, {"get_contact", "get_user"}, {"call_contact", "send_message"},
         {"web_search", "get_news"}, {"web_search", "define_word"}, {"web_search", "search_products"}, {"get_order_status", "track_package"},
         {"read_file", "list_files"}, {"write_file", "edit_file"}, {"run_command", "git_commit"}, {"run_command", "grep"}, {"schedule_meeting", "book_appointment"},
         {"set_light", "lock_door"}, {"web_search", "get_recipe"}, {"get_recipe", "search_products"}, {"fetch_url", "web_search"}, {"fetch_url", "read_file"},
         {"get_order_status", "update_status"}, {"get_order_status", "cancel_order"}, {"cancel_order", "refund"}, {"check_stock", "search_products"},
         {"order_food", "search_products"}, {"order_food", "find_restaurants"}, {"get_balance", "get_user"}, {"set_thermostat", "set_volume"}, {"define_word", "read_file"},
         {"web_search", "grep"}, {"run_command", "query_database"}, {"translate", "detect_language"}, {"create_user", "get_user"}, {"get_movie_info", "web_search"},
         {"order_pizza", "order_food"}, {"order_drink", "order_food"}, {"order_pizza", "add_to_cart"}, {"order_drink", "add_to_cart"}, {"buy_clothes", "add_to_cart"},
         {"buy_clothes", "search_products"}, {"buy_clothes", "order_food"}, {"buy_flowers", "add_to_cart"}, {"buy_flowers", "order_food"}, {"play_track", "play_music"},
         {"remind_me", "set_reminder"}, {"remind_me", "set_alarm"}, {"remind_me", "add_todo"}, {"plan_drive", "get_directions"}, {"plan_drive", "get_distance"},
         {"plan_drive", "get_route"}, {"order_pizza", "order_drink"}, {"set_oven", "set_thermostat"}, {"set_oven", "set_timer"}, {"share_price", "get_stock_price"},
         {"share_price", "web_search"}, {"share_price", "check_stock"}, {"rate_item", "get_movie_info"}, {"take_note", "create_note"}, {"take_note", "write_file"},
         {"post_message", "send_message"}, {"post_message", "send_email"}, {"list_tickets", "create_ticket"}, {"list_tickets", "update_status"},
         {"brew", "order_drink"}, {"train_times", "search_flights"}, {"train_times", "get_directions"}, {"train_times", "plan_drive"}]
ALIKE += [set(line.split()) for line in sections("vocabulary")["alike"]]


def closed_end(form, key):
    """Do words follow after the slot?"""
    return not form.rstrip(".?!").endswith("{" + key + "}")


class Family:
    """One entry of the file."""

    def __init__(self, heading, lines):
        self.names, head = heading.split(), dict(line.split(": ", 1) for line in lines[:4])
        self.key, self.about, self.answer, self.results = self.names[0], head["about"].split(" | "), head["answer"], head["results"].split()
        self.slots = []
        for slot in head["slots"].split():
            names, kind = slot.split(":")
            self.slots.append(([n.rstrip("?") for n in names.split("|")], kind, "?" not in names))
        self.asks = [line for line in lines[4:] if line[0] != "~" and "2}" not in line]
        self.pairs = [line for line in lines[4:] if "2}" in line]
        self.bare = [line[2:] for line in lines[4:] if line[0] == "~"]


FAMILIES = [Family(heading, lines) for name in ("everyday", "services") for heading, lines in sections(name).items()]


class EverydayTool(Tool):
    """One tool of a family, its parameters named in one of the possible ways."""

    def __init__(self, d, family):
        self.family, self.slots, self.params = family, {}, []
        renamed = d.chance(0.06)
        for names, kind, required in family.slots:
            name, hint = d.one(names), None
            if renamed and d.chance(0.5):
                hint = f"The {words_of(name)}"
                name = values.made_up(d)
            p = self.slots[names[0]] = Param(name, kind, required, hint=hint)
            self.params.append(p)
        self.name = styled(d, d.one(family.names))
        self.spec = spec(d, self.name, remarked(d, d.one(family.about)), self.params, words_of(family.key))

    def fill(self, d, form):
        """(text, {slot: value}) of a request, with its slots filled in."""
        made, words = {}, {}
        for slot, p in self.slots.items():
            for key in (slot, slot + "2"):
                if "{" + key + "}" in form:
                    made[key], words[key] = self.slot_value(d, form, key, p)
        text = form
        for key, word in words.items():
            text = text.replace('"{' + key + '}"', word) if '"{' + key + '}"' in form else text.replace("{" + key + "}", word)
        return text[0].upper() + text[1:] if form[0] == "{" and d.chance(0.5) else text, made

    def slot_value(self, d, form, key, p):
        if '"{' + key + '}"' not in form:
            value = (symbols.raw_line(d) if not closed_end(form, key) and d.chance(0.1) else values.bare_text(d)) if p.kind.name == "text" else p.value(d)
            return value, shown(d, p.kind.name, value)
        value = p.value(d)
        if isinstance(value, str) and not set(value) & set("\"\n.!?,") and len(form) < 70 and form.rstrip(".").endswith('{' + key + '}"') and d.chance(0.2):
            return value, value
        return value, quoted(d, value)

    def ask(self, d, lead=True, closed=False):
        """(what the user says, arguments)"""
        text, made = self.fill(d, d.phrase(self.family.asks).replace("  ", " "))
        flags = [(k, p) for k, p in self.slots.items() if p.kind.name == "flag"]
        if flags and lead and d.chance(0.5):
            text, made = self.flagged(d, text, made, *d.one(flags))
        arguments = {p.name: made[k] for k, p in self.slots.items() if k in made}
        return (text if lead else lower_first(text).rstrip(".?")), arguments

    def flagged(self, d, text, made, slot, p):
        """The request with a wish that sets a yes-or-no parameter."""
        wish, mark = words_of(slot), text[-1] if text[-1] in ".?!" else ""
        if slot.startswith(("avoid", "no_")):
            wish = d.one([wish, wish + " please", wish.replace("avoid ", "without "), wish.replace("avoid ", "no "), "I want to " + wish])
        else:
            wish = d.one(["make it " + wish, wish + " please", "it must be " + wish, "with " + wish, wish])
        return text.rstrip(".?!") + d.one([", ", " and ", ", please "]) + wish + mark, {**made, slot: True}

    def ask_two(self, d):
        """(what the user says, [arguments, arguments]): the same request for two values; None where that cannot be said."""
        form = d.one(self.family.pairs) if self.family.pairs and d.chance(0.3) else self.doubled(d)
        if not form:
            return None
        text, made = self.fill(d, form)
        first = {self.slots[k].name: v for k, v in made.items() if k in self.slots}
        second = {self.slots[k].name: made.get(k + "2", v) for k, v in made.items() if k in self.slots}
        return None if first == second else (text, [first, second])

    def doubled(self, d):
        """A request with one slot, as a request for two values of it."""
        for _ in range(6):
            form = d.phrase(self.family.asks)
            slots = [k for k in self.slots if "{" + k + "}" in form]
            if len(slots) == 1 and self.slots[slots[0]].kind.name in DOUBLED and '"' not in form and "`" not in form:
                slot = "{" + slots[0] + "}"
                both = slot + d.one([" and ", " and ", ", ", " and also ", " and then "]) + slot[:-1] + "2}"
                return form.replace(slot, both)
        return None

    def missing(self, d):
        """(user's words, the parameters not said, what was said) or None"""
        if not self.family.bare:
            return None
        text, made = self.fill(d, d.blur(d.one(self.family.bare)))
        return text, [p for k, p in self.slots.items() if p.required and k not in made], {self.slots[k].name: v for k, v in made.items()}

    def words(self):
        return [words_of(n) for n in self.family.names]


def alike(a, b):
    return a.family is b.family or {a.family.key, b.family.key} in ALIKE
