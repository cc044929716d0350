// The nine probes. Every tool has a name, words and a schema of its own; a probe passes when all of its wordings do.

export interface ProbeTool {
  readonly name: string;
  readonly description: string;
  readonly parameters: { readonly type: "object"; readonly properties: Readonly<Record<string, object>>; readonly required: string[] };
}

export interface ProbeCall {
  readonly name: string;
  readonly arguments: unknown;
}

/** What the user says, or a call with what the tool returned. */
export type Turn = { readonly user: string } | { readonly called: ProbeCall; readonly result: string };

export interface Probe {
  readonly name: string;
  readonly tools: readonly ProbeTool[];
  readonly turns: readonly (readonly Turn[])[]; // a conversation for each wording
  /** For each wording: the calls in their order, or a text and no call. */
  readonly expected: { readonly calls: readonly (readonly ProbeCall[])[] } | { readonly says: readonly RegExp[] };
}

function tool(name: string, description: string, properties: Record<string, object>, required = Object.keys(properties)): ProbeTool {
  return { name, description, parameters: { type: "object", properties, required } };
}

const text = (description?: string) => ({ type: "string", ...(description !== undefined && { description }) });
const call = (name: string, given: object): ProbeCall => ({ name, arguments: given });
const asked = (...wordings: string[]) => wordings.map(user => [{ user }]);

const tide = tool("get_tide_level", "Water level at a harbour", { harbour: text("Name of the harbour") });
const flight = tool("find_flight", "Looks up a flight by its number", { flight_number: text("For example LH123") });
const note = tool("append_note", "Appends a line to the user's notes", { line: text("The text of the line") });
const thermostat = tool(
  "set_thermostat",
  "Sets the temperature of a room",
  { room: text(), degrees: { type: "number" }, mode: { type: "string", enum: ["heat", "cool", "auto"] } },
  ["room", "degrees"],
);
const sauna = tool(
  "book_sauna",
  "Books the sauna",
  { guests: { type: "integer" }, hours: { type: "number" }, towels: { type: "boolean", description: "whether towels are wanted" } },
  ["guests"],
);
const photo = tool("tag_photo", "Tags a photo", { photo: text("Name of the file"), tags: { type: "array", items: { type: "string" } } });
const parcel = tool(
  "ship_parcel",
  "Ships a parcel",
  { recipient: text("Who gets it"), city: text("Where to"), speed: { type: "string", enum: ["normal", "express"] } },
  ["recipient", "city"],
);

export const probes: readonly Probe[] = [
  {
    name: "one tool is called",
    tools: [tide],
    turns: asked("What is the water level in Rotterdam?", "get the tide level at Hamburg please", "How high is the water at Port Louis?"),
    expected: { calls: ["Rotterdam", "Hamburg", "Port Louis"].map(harbour => [call("get_tide_level", { harbour })]) },
  },
  {
    name: "the right one of several",
    tools: [tide, note, flight, sauna],
    turns: asked("Look up flight LH437", "Find flight BA2490 please", "Where is flight UX1093?"),
    expected: { calls: ["LH437", "BA2490", "UX1093"].map(flight_number => [call("find_flight", { flight_number })]) },
  },
  {
    name: "an optional value and one of a list, where they are said",
    tools: [parcel, tide],
    turns: asked(
      "Ship a parcel with recipient Tom and city Oslo",
      "Ship a parcel to Maria in Lisbon with express speed",
      "Ship a parcel to Ada in Graz, speed normal",
    ),
    expected: {
      calls: [
        [call("ship_parcel", { recipient: "Tom", city: "Oslo" })],
        [call("ship_parcel", { recipient: "Maria", city: "Lisbon", speed: "express" })],
        [call("ship_parcel", { recipient: "Ada", city: "Graz", speed: "normal" })],
      ],
    },
  },
  {
    name: "numbers, booleans and lists have their types",
    tools: [sauna, photo],
    turns: asked(
      "Book the sauna for 2 guests and 1.5 hours",
      "Please book the sauna for 5 guests, without towels",
      "Tag the photo img_204.png with tags cat, dog and sea",
    ),
    expected: {
      calls: [
        [call("book_sauna", { guests: 2, hours: 1.5 })],
        [call("book_sauna", { guests: 5, towels: false })],
        [call("tag_photo", { photo: "img_204.png", tags: ["cat", "dog", "sea"] })],
      ],
    },
  },
  {
    name: "two calls in one answer",
    tools: [tide, flight],
    turns: asked(
      "What is the water level in Rotterdam and in Bergen?",
      "Find the flights LH437 and BA249",
      "Get the tide level at Hamburg and look up flight LH437",
    ),
    expected: {
      calls: [
        [call("get_tide_level", { harbour: "Rotterdam" }), call("get_tide_level", { harbour: "Bergen" })],
        [call("find_flight", { flight_number: "LH437" }), call("find_flight", { flight_number: "BA249" })],
        [call("get_tide_level", { harbour: "Hamburg" }), call("find_flight", { flight_number: "LH437" })],
      ],
    },
  },
  {
    name: "other alphabets, backslashes and punctuation as they stand",
    tools: [note, tide],
    turns: asked('Append the note "Käse für Zoë"', 'Append the note "call ヤミカ at 9:30"', "Append the note 'C:\\temp\\new.txt'"),
    expected: { calls: ["Käse für Zoë", "call ヤミカ at 9:30", "C:\\temp\\new.txt"].map(line => [call("append_note", { line })]) },
  },
  {
    name: "no call where none is needed or none fits",
    tools: [tide, flight, thermostat],
    turns: asked("Hello!", "What is the capital of Italy?", "Play some jazz music"),
    expected: { says: [/Hello|Hi/, /Rome/, /no tool/i] },
  },
  {
    name: "a value that is missing is asked for",
    tools: [flight, parcel],
    turns: asked("Look up a flight", "Ship a parcel to Maria", "Find my flight please"),
    expected: { says: [/flight number/i, /city/i, /flight number/i] },
  },
  {
    name: "what a tool returned is said",
    tools: [tide, flight],
    turns: [
      [
        { user: "What is the water level in Rotterdam?" },
        { called: call("get_tide_level", { harbour: "Rotterdam" }), result: '{"level": 214, "trend": "rising"}' },
      ],
      [{ user: "Look up flight LH437" }, { called: call("find_flight", { flight_number: "LH437" }), result: '{"gate": "B17", "status": "delayed"}' }],
      [{ user: "Find flight QQ999" }, { called: call("find_flight", { flight_number: "QQ999" }), result: '{"error": "flight not found"}' }],
    ],
    expected: { says: [/214.*rising/, /B17.*delayed/, /not found/] },
  },
];
