// The first screen: a ticker or a file, the horizon, one button; then verdict, chart and table of the forecast.
import {get, post, sendFile, download} from "./api.js";
import {draw, fanLayers, fanNames} from "./charts.js";
import {at, button, day, days, digitsOf, inWords, make, number, percent} from "./dom.js";
import {attempt, showProblem} from "./notices.js";
import {showPast} from "./past.js";
import {showAdded} from "./added.js";
import {offerTraining} from "./trainings.js";

const {terms} = JSON.parse(document.getElementById("settings").textContent);
const ROWS = 120, NARROW = 700;
// What is shown: the series, the file it was read from, the answer, and a number that tells old answers from new.
const shown = {series: null, file: null, answer: null, asked: null, model: "", turn: 0};

/** Wire the form, the file and what can be changed below the answer. */
export function startFirst() {
  const drop = at("drop"), file = at("file");
  at("ask").addEventListener("submit", event => {
    event.preventDefault();
    begin();
  });
  file.addEventListener("change", () => file.files.length && beginFile(file.files[0]));
  for (const kind of ["dragenter", "dragover", "dragleave", "drop"]) {
    document.addEventListener(kind, event => {
      event.preventDefault();
      drop.classList.toggle("over", kind === "dragenter" || kind === "dragover");
    });
  }
  document.addEventListener("drop", event => event.dataTransfer.files.length && beginFile(event.dataTransfer.files[0]));
  at("reread").addEventListener("submit", event => {
    event.preventDefault();
    readFile(shown.file, {target: at("target").value, unit: at("unit").value.trim()});
  });
  at("by").addEventListener("change", () => attempt(() => answer(shown.series, at("by").value)));
  document.addEventListener("job-ended", () => shown.series && attempt(afterTraining));
  for (const one of at("downloads").querySelectorAll("button")) one.addEventListener("click", () => attempt(() => save(one.dataset)));
}

/** Show the series that the address names, and those that were read before. */
export async function showSeries(id, model) {
  if (id && shown.series?.id === id && !model) return;
  if (id) await attempt(async () => answer(await get(`/v1/series/${encodeURIComponent(id)}`), model));
  await attempt(showBefore);
}

/** Forecast with a saved model: the series that it learned from, with today's rows where it is a ticker. */
export function forecastWith(name) {
  return attempt(async () => {
    const [{models}, {series}] = await Promise.all([get("/v1/models"), get("/v1/series")]);
    const model = models.find(one => one.name === name), known = series.find(one => one.name === model?.series);
    shown.model = name;
    if (!known) return askForFile(name, model?.series);
    await read(`Looking for today's rows of ${known.name}`, () => known.ticker ? post("/v1/series", {ticker: known.ticker}) : known);
  });
}

function askForFile(name, series) {
  showProblem({title: `${name} needs rows to forecast from`, message: `Drop a file with the rows of ${series ?? "its series"} up to today.`});
  at("ticker").focus();
}

async function showBefore() {
  const {series} = await get("/v1/series"), newest = series.filter((one, place) => series.findIndex(other => other.name === one.name) === place);
  const links = newest.slice(0, 8).map(one => make("a", {href: `#/series/${encodeURIComponent(one.id)}`}, one.name));
  at("before").hidden = !links.length;
  at("before").replaceChildren("Read before: ", ...links.flatMap((link, place) => place ? [", ", link] : [link]));
}

function begin() {
  const ticker = at("ticker").value.trim();
  if (ticker) return attempt(() => read(`Asking for ${ticker}`, () => post("/v1/series", {ticker})));
  if (shown.series) return attempt(() => answer(shown.series, at("by").value));
  at("ticker").focus();
  return showProblem({title: "Nothing to forecast yet", message: "Type a ticker, or drop a file."});
}

function beginFile(file) {
  at("ticker").value = "";
  return readFile(file);
}

function readFile(file, choice) {
  shown.file = file;
  return attempt(async () => {
    try {
      await read(`Reading ${file.name}`, () => sendFile(file, choice));
    } catch (problem) {
      showProblem(problem);
      if (problem.choices?.length) offerChoices(file, problem.choices);
      else shown.file = null;
    } finally {
      at("file").value = "";
    }
  });
}

/** A file has several series or columns: one button each. */
function offerChoices(file, choices) {
  const place = at("trouble"), chosen = name => () => readFile(file, {series: name});
  place.append(make("p", {className: "buttons"}, ...choices.slice(0, 40).map(name => button(name, chosen(name)))));
}

async function read(text, ask) {
  await during(text, async () => {
    const series = await ask();
    if (at("ticker").value.trim()) shown.file = null;
    await answer(series, shown.model);
    shown.model = "";
  });
  await attempt(showBefore);
}

async function during(text, action) {
  at("waiting").textContent = text;
  at("waiting").hidden = false;
  at("go").disabled = true;
  try { await action(); } finally {
    at("waiting").hidden = true;
    at("go").disabled = false;
  }
}

/** Forecast a series and show the answer; older answers that come later are not shown. */
async function answer(series, model = "") {
  const turn = ++shown.turn;
  const horizon = model ? null : Number(at("horizon").value) || null;
  const asked = {series: series.id, model: model || null, horizon};
  const path = `/v1/series/${encodeURIComponent(series.id)}/history?rows=${ROWS}`;
  await during(`${series.name}: ${number(series.rows, 0)} rows from ${day(series.first)} to ${day(series.last)}. Forecasting`, async () => {
    const [found, history] = await Promise.all([post("/v1/forecasts", asked), get(path)]);
    if (turn !== shown.turn) return;
    Object.assign(shown, {series, answer: found, asked});
    const rows = history.dates.map((date, place) => ({date, value: history.values[place]}));
    await show(series, found, rows);
    if (decodeURIComponent(location.hash.split("/")[2] ?? "") !== series.id) keepAddress(series.id);
    showPast(series, asked, found, rows);
    showAdded(series, found);
    offerTraining(series, horizon);
  });
}

/** The address names the series, so that it is there again when the page is opened again. */
function keepAddress(id) {
  history.replaceState(null, "", `#/series/${encodeURIComponent(id)}`);
}

async function show(series, found, rows) {
  at("answer").hidden = false;
  const unit = found.unit ? ` [${found.unit}]` : "";
  at("title").textContent = `${series.name}: the next ${found.forecast.length} steps`;
  at("verdict").textContent = inWords(found.verdict);
  at("table-about").textContent = `In ${found.unit || "the unit of the file"}. The truth is expected inside the 90 % interval nine times in ten${found.test ? `; in the test it was ${percent(found.test.coverage90)} of the time` : ""}.`;
  const name = found.model;
  draw(at("fan"), fanLayers(rows, [{model: name, rows: found.forecast}]), {names: fanNames(rows, found.forecast), yLabel: found.unit});
  at("fan-caption").textContent = `The last ${rows.length} rows${unit}, the median of ${name} and its 50, 80 and 90 % intervals. Rows are equally spaced: nights, weekends and holidays take no room. Drag to zoom; a click on a name hides it.`;
  fillForecast(found.forecast);
  showReading(series);
  await showModels(shown.asked.model ?? "");
  at("title").focus({preventScroll: true});
  at("title").scrollIntoView({block: innerWidth < NARROW ? "start" : "nearest"});
}

function fillForecast(rows) {
  const digits = digitsOf(rows[0].q95 - rows[0].q05), dates = days(rows.map(row => row.date)), cell = value => make("td", {}, number(value, digits));
  at("table").tBodies[0].replaceChildren(...rows.map((row, place) => make("tr", {},
    make("td", {}, String(row.step)), make("td", {}, dates[place]), make("td", {}, make("b", {}, number(row.q50, digits))),
    ...["q25", "q75", "q05", "q95"].map(name => cell(row[name])))));
}

/** A name, with its meaning if the glossary has it. */
function explained(name) {
  return terms[name] ? make("span", {className: "term", tabIndex: 0, data: {meaning: terms[name]}}, name) : name;
}

function showReading(series) {
  const told = {
    "column": series.target, "rows": number(series.rows, 0), "missing": number(series.missing, 0), "from": day(series.first), "to": day(series.last),
    "frequency": series.frequency, "season": series.season ? `${series.season} rows` : "none", "unit": series.unit,
  };
  at("read").replaceChildren(...Object.entries(told).filter(([, value]) => value).flatMap(([name, value]) => [make("dt", {}, explained(name)), make("dd", {}, String(value))]));
  const list = texts => texts.map(text => make("li", {}, inWords(text)));
  at("notes").replaceChildren(...list(series.notes ?? []));
  at("warnings").replaceChildren(...list(series.warnings?.length ? series.warnings : ["Nothing."]));
  at("again").hidden = !shown.file;
  at("target").replaceChildren(...(series.columns ?? []).map(name => make("option", {value: name, selected: name === series.target}, name)));
  at("unit").value = series.unit ?? "";
}

/** Whether a model forecasts values, not the probabilities of directions. */
const isOfValues = model => (model.task ?? "forecast") === "forecast";

async function showModels(chosen) {
  const {models} = await get("/v1/models");
  const option = (value, text) => make("option", {value, selected: value === chosen}, text);
  const saved = models.filter(isOfValues).map(one => option(one.name, `${one.name} (${one.model}, of ${one.series})`));
  at("by").replaceChildren(option("", "the network that comes with the package"), ...saved);
}

/** A training has ended: there may be scores on this series, and models to choose. */
function afterTraining() {
  return Promise.all([showAdded(shown.series, shown.answer), showModels(at("by").value)]);
}

function save({accept, ending}) {
  const name = `${shown.series.name}-forecast.${ending}`.replace(/[^\w.^=-]+/g, "-");
  const headers = {Accept: accept, "Content-Type": "application/json"};
  return download("/v1/forecasts", {method: "POST", body: JSON.stringify(shown.asked), headers}, name);
}
