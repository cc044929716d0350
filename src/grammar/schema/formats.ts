// The formats of JSON Schema as regular expressions. Each allows only what a strict validator accepts.

const group = "[0-9a-f]{1,4}";
const byte = "(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
const label = "[A-Za-z0-9]([A-Za-z0-9-]{0,20}[A-Za-z0-9])?";
const hostname = `${label}(\\.${label}){0,3}`;
const leapYear = "(\\d\\d(0[48]|[2468][048]|[13579][26])|([02468][048]|[13579][26])00)";
const date = `(\\d{4}-((0[13578]|1[02])-(0[1-9]|[12]\\d|3[01])|(0[469]|11)-(0[1-9]|[12]\\d|30)|02-(0[1-9]|1\\d|2[0-8]))|${leapYear}-02-29)`;
const clock = "([01]\\d|2[0-3]):[0-5]\\d";
const time = `${clock}:[0-5]\\d(\\.\\d{1,9})?(Z|[+-]${clock})`;
const days = "(\\d{1,4}Y(\\d{1,3}M)?(\\d{1,3}D)?|\\d{1,3}M(\\d{1,3}D)?|\\d{1,3}D)";
const hours = "T(\\d{1,3}H(\\d{1,3}M)?(\\d{1,3}S)?|\\d{1,3}M(\\d{1,3}S)?|\\d{1,3}S)";
const urlText = "([A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})";

const tail = `(/${urlText}*)*(\\?${urlText}*)?(#${urlText}*)?`;
const pointer = "(/([A-Za-z0-9_ .-]|~[01])*)*";
const uri = `[A-Za-z][A-Za-z0-9+-]{0,15}://${hostname}(:[1-9]\\d{0,3})?${tail}`;
const reference = `(${uri}|/?[A-Za-z0-9._~-]+${tail})`;
const email = `[A-Za-z0-9_+-]{1,24}(\\.[A-Za-z0-9_+-]{1,24})?@(${label}\\.){1,3}[A-Za-z]{2,12}`;

/** An IPv6 address with the zeros left out behind its first `count` groups. */
function shortened(count: number): string {
  const before = count === 0 ? "" : `${group}(:${group}){${count - 1}}`;
  const after = count === 7 ? "" : `(${group}(:${group}){0,${6 - count}})?`;
  return `${before}::${after}`;
}

/** Other names are annotations, as the specification has it. */
export const formats: Readonly<Record<string, string>> = {
  date,
  time,
  "date-time": `${date}T${time}`,
  "iso-time": time,
  "iso-date-time": `${date}T${time}`,
  duration: `P(\\d{1,4}W|${days}(${hours})?|${hours})`,
  email,
  "idn-email": email,
  hostname,
  "idn-hostname": hostname,
  ipv4: `${byte}(\\.${byte}){3}`,
  ipv6: `(${group}(:${group}){7}|${Array.from({ length: 8 }, (_, count) => shortened(count)).join("|")})`,
  uuid: "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
  uri,
  iri: uri,
  "uri-reference": reference,
  "iri-reference": reference,
  "uri-template": "([A-Za-z0-9._~:/?#@!$&()*+,;=-]|\\{[A-Za-z0-9_]{1,20}\\})*",
  url: `https?://([a-z0-9]{1,20}(-[a-z0-9]{1,20})?\\.){1,3}[a-z]{2,12}(:[1-9]\\d{1,3})?(/${urlText}*)*`,
  "json-pointer": pointer,
  "json-pointer-uri-fragment": "#(/([A-Za-z0-9_.-]|~[01])*)*",
  "relative-json-pointer": `(0|[1-9]\\d{0,5})(#|${pointer})`,
  regex: "\\^?(([A-Za-z0-9_ ,:;@-]|\\.|\\\\[dwsDWS.]|\\[[A-Za-z0-9_]+\\])[*+?]?)*\\$?",
  byte: "([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?",
};
