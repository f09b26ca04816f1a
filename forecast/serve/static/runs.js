// Past runs: a list, and the report of each, opened in place.
import {get, post, remove} from "./api.js";
import {at, button, day, fillTable, make} from "./dom.js";
import {attempt, say} from "./notices.js";

const HEADERS = ["run", "series", "made", "models", "what to use", "do"].map(text => ({text, kind: text === "what to use" ? "text" : "name"}));
const FILES = {"scores.csv": "Scores as CSV", "forecast.csv": "Forecast as CSV", "report.html": "The page as a file"};
const path = name => `/v1/runs/${encodeURIComponent(name)}`;

/** List the runs, and open the report of one. */
export async function showRuns(name) {
  const {runs} = await get("/v1/runs");
  at("runs-none").hidden = runs.length > 0;
  at("runs-table").hidden = !runs.length;
  fillTable(at("runs-table"), HEADERS, runs.map(run => ({cells: cellsOf(run)})));
  at("report").replaceChildren();
  if (name) showReport(name);
}

function cellsOf(run) {
  const open = make("a", {className: "button", href: `#/runs/${encodeURIComponent(run.name)}`, "aria-label": `Report of ${run.name}`}, "Report");
  const drop = button("Delete", () => attempt(() => dropRun(run.name)), {"aria-label": `Delete ${run.name}`});
  return [run.name, run.series, day(run.created).slice(0, 16), run.models.join(", "), run.bottom_line, make("span", {className: "buttons small"}, open, drop)];
}

async function dropRun(name) {
  const {undo} = await remove(path(name));
  await showRuns();
  say(`${name} is deleted.`, () => attempt(async () => {
    await post(undo);
    await showRuns();
  }));
}

function showReport(name) {
  const files = Object.entries(FILES).map(([file, text]) => make("a", {className: "button", href: `${path(name)}/files/${file}`, download: `${name}-${file}`}, text));
  const frame = make("iframe", {title: `Report of ${name}`, sandbox: "allow-scripts", src: `${path(name)}/files/report.html`});
  at("report").replaceChildren(make("h3", {}, name), make("p", {className: "buttons"}, ...files, make("a", {className: "button", href: "#/runs"}, "Close the report")), frame);
  at("report").scrollIntoView();
  at("report").focus({preventScroll: true});
}
