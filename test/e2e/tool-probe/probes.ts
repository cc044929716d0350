// Nine plain tool tasks, as a user of such a server would write them on the first day: one wording each, the same nine in every mode and API.
// Fixed on 2026-11-26 before the model was trained, by someone who had seen neither its training data nor its answers. A wording, a tool or an
// expectation is never changed because of what a model answers.

export interface ProbeTool {
  readonly name: string;
  readonly description: string;
  readonly parameters: { readonly type: "object"; readonly properties: Readonly<Record<string, object>>; readonly required: string[] };
}

export interface ProbeCall {
  readonly name: string;
  readonly arguments: unknown;
}

/** A user's message, or a call that the assistant made with what the tool answered. */
export type Turn = { readonly user: string } | { readonly called: ProbeCall; readonly result: string };

export interface Probe {
  readonly name: string;
  readonly tools: readonly ProbeTool[];
  readonly turns: readonly Turn[];
  /** The calls in order, or what a plain answer must match: each pattern, and no call. */
  readonly expected: { readonly calls: readonly ProbeCall[] } | { readonly says: readonly RegExp[] };
}

const tool = (name: string, description: string, properties: Readonly<Record<string, object>>): ProbeTool => ({
  name,
  description,
  parameters: { type: "object", properties, required: Object.keys(properties) },
});

const getWeather = tool("get_weather", "Get the current weather in a city", {
  city: { type: "string", description: "Name of the city, for example Berlin" },
});
const setTimer = tool("set_timer", "Start a countdown timer", {
  minutes: { type: "number", description: "Length of the timer in minutes" },
});
const setDoNotDisturb = tool("set_do_not_disturb", "Turn do-not-disturb mode on or off", {
  enabled: { type: "boolean", description: "true turns it on, false turns it off" },
});
const setThermostatMode = tool("set_thermostat_mode", "Change the mode of the thermostat", {
  mode: { type: "string", enum: ["heat", "cool", "auto", "off"], description: "The new mode" },
});
const translateText = tool("translate_text", "Translate a text into another language", {
  text: { type: "string", description: "The text to translate" },
  target_language: { type: "string", description: "The language to translate into, for example German" },
});
const convertCurrency = tool("convert_currency", "Convert an amount of money from one currency to another", {
  amount: { type: "number", description: "The amount to convert" },
  from: { type: "string", description: "Three-letter code of the currency to convert from, for example GBP" },
  to: { type: "string", description: "Three-letter code of the currency to convert to, for example JPY" },
});
const sendMessage = tool("send_message", "Send a text message to a contact", {
  recipient: { type: "string", description: "Name of the contact" },
  message: { type: "string", description: "The text of the message" },
});
const searchWeb = tool("search_web", "Search the web", {
  query: { type: "string", description: "What to search for" },
});

export const probes: readonly Probe[] = [
  {
    name: "a call with a string",
    tools: [getWeather],
    turns: [{ user: "What's the weather like in Lisbon right now?" }],
    expected: { calls: [{ name: "get_weather", arguments: { city: "Lisbon" } }] },
  },
  {
    name: "a call with a number",
    tools: [setTimer],
    turns: [{ user: "Set a timer for 12 minutes." }],
    expected: { calls: [{ name: "set_timer", arguments: { minutes: 12 } }] },
  },
  {
    name: "a call with a boolean",
    tools: [setDoNotDisturb],
    turns: [{ user: "Please turn on do not disturb." }],
    expected: { calls: [{ name: "set_do_not_disturb", arguments: { enabled: true } }] },
  },
  {
    name: "a call with an enum",
    tools: [setThermostatMode],
    turns: [{ user: "Set the thermostat to cool." }],
    expected: { calls: [{ name: "set_thermostat_mode", arguments: { mode: "cool" } }] },
  },
  {
    name: "a call with two arguments",
    tools: [translateText],
    turns: [{ user: 'Translate "good morning" into French.' }],
    expected: { calls: [{ name: "translate_text", arguments: { text: "good morning", target_language: "French" } }] },
  },
  {
    name: "the right one of five tools",
    tools: [getWeather, setTimer, convertCurrency, sendMessage, searchWeb],
    turns: [{ user: "Convert 50 USD to EUR." }],
    expected: { calls: [{ name: "convert_currency", arguments: { amount: 50, from: "USD", to: "EUR" } }] },
  },
  {
    name: "two calls at once",
    tools: [getWeather],
    turns: [{ user: "What's the weather in Paris and in Tokyo?" }],
    expected: {
      calls: [
        { name: "get_weather", arguments: { city: "Paris" } },
        { name: "get_weather", arguments: { city: "Tokyo" } },
      ],
    },
  },
  {
    name: "no call where no tool fits",
    tools: [getWeather],
    turns: [{ user: "Tell me a joke." }],
    expected: { says: [/[a-z]/i] },
  },
  {
    name: "an answer from a tool's result",
    tools: [getWeather],
    turns: [
      { user: "What's the weather in Oslo?" },
      { called: { name: "get_weather", arguments: { city: "Oslo" } }, result: '{"city": "Oslo", "temperature_c": 4, "condition": "light snow"}' },
    ],
    expected: { says: [/\b4\b/, /snow/i] },
  },
];
