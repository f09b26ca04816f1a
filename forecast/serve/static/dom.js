// Elements, texts and numbers. Texts become text nodes, never markup: names and cells of files are data.

/** Find an element by its id. */
export const at = id => document.getElementById(id);

/** Make an element; a property whose name is no property of the element is an attribute. */
export function make(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name === "data") Object.assign(made.dataset, value);
    else if (name in made) made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children.filter(child => child !== null && child !== undefined && child !== ""));
  return made;
}

/** A button that does something, and cannot be pressed again until that is done. */
export function button(text, action, properties = {}) {
  const made = make("button", {type: "button", ...properties}, text);
  made.addEventListener("click", async () => {
    made.disabled = true;
    try { await action(made); } finally { made.disabled = false; }
  });
  return made;
}

/** The number of decimals by which a width is told in three digits. */
export function digitsOf(width) {
  return Math.max(0, Math.min(8, 2 - Math.floor(Math.log10(Math.abs(width) || 1))));
}

/** A number with so many decimals and thousands set off; empty if it is not defined. */
export function number(value, digits) {
  if (value === null || value === undefined || !Number.isFinite(value)) return "";
  return value.toLocaleString("en", {minimumFractionDigits: digits, maximumFractionDigits: digits});
}

/** A share in percent. */
export const percent = share => share === null || share === undefined ? "" : `${Math.round(100 * share)} %`;

/** A date without a time of day of midnight. */
export function day(date) {
  return String(date ?? "").replace(/[T ]00:00(:00(\.0+)?)?(Z|\+00:00)?$/, "").replace("T", " ").replace(/( \d\d:\d\d):00$/, "$1");
}

/** Dates without times of day, if all of them are midnights. */
export function days(dates) {
  const short = dates.map(day);
  return short.some(text => text.includes(":")) ? dates.map(date => String(date).replace("T", " ").slice(0, 16)) : short;
}

// Options of the command line, as messages name them, and what the page has in their stead.
const OPTIONS = {"--horizon": "“Steps ahead”", "--target": "“Column to forecast”", "--unit": "“Unit”"};

/** A message of the package in the words of the page. */
export function inWords(text) {
  return text.replace(/--horizon (\d+)/g, "$1 steps ahead").replace(/--(horizon|target|unit)\b/g, option => OPTIONS[option]);
}

/** Seconds in words, roughly. */
export function duration(seconds) {
  if (seconds === null || seconds === undefined) return "";
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

/** Days in words. */
export function age(days) {
  if (days === null || days === undefined) return "";
  return days < 1 ? "today" : days < 2 ? "1 day" : `${Math.floor(days)} days`;
}

/**
 * Fill a table: headers {text, meaning, sort, kind}, rows {cells, kind}.
 *
 * A cell is a text, an element, or {shown, value}; the header's kind, `text` or `name`, is that of its column.
 */
export function fillTable(table, headers, rows) {
  table.tHead.replaceChildren(make("tr", {}, ...headers.map(headOf)));
  const cells = row => row.cells.map((cell, place) => cellOf(cell, headers[place]));
  table.tBodies[0].replaceChildren(...rows.map(row => make("tr", {className: row.kind ?? ""}, ...cells(row))));
}

function headOf({text, meaning, sort, kind}) {
  const shown = meaning ? make("span", {className: "term", ...(sort ? {} : {tabIndex: 0})}, text) : text;
  const head = make("th", {scope: "col", className: kind ?? ""}, sort ? make("button", {type: "button"}, shown) : shown);
  if (meaning) head.dataset.meaning = meaning;
  return head;
}

function cellOf(cell, {text, kind}) {
  const isValue = cell !== null && typeof cell === "object" && !(cell instanceof Node);
  const made = make("td", {className: kind ?? "", data: {label: text}}, (isValue ? cell.shown : cell) ?? "");
  if (isValue) made.dataset.value = cell.value ?? "";
  return made;
}
