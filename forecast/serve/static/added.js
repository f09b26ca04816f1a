// What the models add: scores of the first answer and of the runs on the same series, beside naive.
import {get} from "./api.js";
import {at, fillTable, make, number} from "./dom.js";

const {columns} = JSON.parse(document.getElementById("settings").textContent);
const SHOWN = ["mae_vs_naive", "mae", "crps", "coverage90", "network_share"];

/** Show the scores of the network that comes with the package, and of the runs on this series. */
export async function showAdded(series, found) {
  const {runs} = await get("/v1/runs"), mine = runs.filter(run => run.series === series.name);
  const first = found.test ? [{model: found.model, from: "this forecast", ...found.test}] : [];
  const rows = [...first, ...mine.flatMap(run => run.scores.map(row => ({...row, from: run.name})))];
  scoreTable(at("adds"), rows, found.unit, true);
  const lines = mine.slice(0, 3).map(run => make("p", {}, make("a", {href: `#/runs/${encodeURIComponent(run.name)}`}, run.name), `: ${run.bottom_line}`));
  at("adds-lines").replaceChildren(...(lines.length ? lines : [make("p", {className: "soft"}, "Train on this series, below, to see what a model that knows it adds.")]));
}

/** Fill a table of scores: one row a model, the columns that any of them has; `from` says which run they are of. */
export function scoreTable(table, rows, unit, hasSource = false) {
  const known = columns.filter(one => SHOWN.includes(one.name) && rows.some(row => row[one.name] !== null && row[one.name] !== undefined));
  const headers = [{text: "model", sort: true}, ...known.map(one => ({text: one.header.replace("{unit}", unit || "units"), meaning: one.meaning, sort: true})), ...(hasSource ? [{text: "of", kind: "name", sort: true}] : [])];
  // Scores from several tests are not of the same rows, so that none is marked as the best of them.
  const isOneTest = new Set(rows.map(row => row.from)).size < 2;
  const sorted = [...rows].sort((a, b) => (a.mae_vs_naive ?? Infinity) - (b.mae_vs_naive ?? Infinity));
  fillTable(table, headers, sorted.map((row, place) => ({
    kind: row.model === "naive" ? "naive" : place === 0 && isOneTest ? "best" : "",
    cells: [row.model, ...known.map(one => ({value: row[one.name], shown: scoreText(one.name, row[one.name])})), ...(hasSource ? [row.from] : [])],
  })));
}

function scoreText(name, value) {
  if (value === null || value === undefined) return "";
  if (name === "coverage90" || name === "network_share") return number(100 * value, 1);
  return name.endsWith("_vs_naive") ? number(value, 3) : String(Number(value.toPrecision(4)));
}
