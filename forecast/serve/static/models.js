// Saved models: a list, a card each, forecasts, updates, comparisons, deletion with a way back.
import {get, post, remove} from "./api.js";
import {scoreTable} from "./added.js";
import {draw, fanLayers, fanNames, lineOf} from "./charts.js";
import {age, at, button, day, fillTable, make, number, percent} from "./dom.js";
import {attempt, say} from "./notices.js";
import {showJob} from "./trainings.js";

const HEADERS = [
  {text: "compare"}, {text: "name", kind: "name"}, {text: "model", kind: "name"}, {text: "series", kind: "name"}, {text: "steps"},
  {text: "trained", kind: "name"}, {text: "age"}, {text: "MAE / naive"}, {text: "in 90 %"}, {text: "do", kind: "name"},
];
const ROWS = 120;
// Lines that colour and kind tell apart.
const DISTINCT = ["lstm", "linear", "garch", "arima", "drift", "dense"].map(lineOf);
const path = name => `/v1/models/${encodeURIComponent(name)}`;

/** Wire the button that compares. */
export function startModels() {
  at("compare").addEventListener("click", () => attempt(compare));
  at("models-table").addEventListener("change", () => { at("compare").disabled = marked().length < 2; });
}

/** List the saved models, and show the card of one. */
export async function showModels(name) {
  const {models} = await get("/v1/models");
  at("models-none").hidden = models.length > 0;
  at("models-table").hidden = at("compare").hidden = !models.length;
  at("compare").disabled = true;
  at("compared").replaceChildren();
  at("card").replaceChildren();
  fillTable(at("models-table"), HEADERS, models.map(model => ({cells: cellsOf(model)})));
  if (name) await showCard(name);
}

function cellsOf(model) {
  const scores = model.scores ?? {}, box = make("input", {type: "checkbox", value: model.name, "aria-label": `Compare ${model.name}`});
  return [
    box, make("a", {href: `#/models/${encodeURIComponent(model.name)}`}, model.name), model.model, model.series, String(model.horizon),
    day(model.trained).slice(0, 16), age(model.age_days), number(scores.mae_vs_naive, 3), percent(scores.coverage90), actionsOf(model),
  ];
}

function actionsOf(model) {
  const forecast = make("a", {className: "button", href: `#/forecast/${encodeURIComponent(model.name)}`}, "Forecast with today's rows");
  const update = button("Update", () => attempt(() => updateModel(model)));
  const bundle = make("a", {className: "button", href: `${path(model.name)}/bundle`, download: `${model.name}.zip`}, "Bundle");
  const drop = button("Delete", () => attempt(() => dropModel(model.name)));
  for (const [one, verb] of [[forecast, "Forecast"], [update, "Update"], [bundle, "Download the bundle of"], [drop, "Delete"]]) {
    one.setAttribute("aria-label", one === forecast ? `Forecast with today's rows: ${model.name}` : `${verb} ${model.name}`);
  }
  return make("span", {className: "buttons small"}, forecast, update, bundle, drop);
}

async function updateModel({name, series}) {
  const known = (await get("/v1/series")).series.find(one => one.name === series);
  const job = await post(`${path(name)}/update`, {series: known && !known.ticker ? known.id : null});
  showJob(job);
  location.hash = "#/jobs";
}

async function dropModel(name) {
  const {undo} = await remove(path(name));
  await showModels();
  say(`${name} is deleted.`, () => attempt(async () => {
    await post(undo);
    await showModels();
  }));
}

async function showCard(name) {
  const card = await get(path(name));
  at("card").replaceChildren(
    make("h3", {}, name), ...(card.verdict ? [make("p", {className: "verdict"}, card.verdict)] : []),
    make("pre", {tabIndex: 0}, (card.card ?? []).join("\n")),
    make("details", {}, make("summary", {}, "Its description"), make("pre", {tabIndex: 0}, JSON.stringify(card.description ?? {}, null, 1))));
  at("card").focus();
}

const marked = () => [...at("models-table").querySelectorAll("input:checked")].map(box => box.value);

async function compare() {
  const names = marked(), {models} = await get("/v1/models"), chosen = models.filter(model => names.includes(model.name));
  const place = at("compared"), table = make("table", {className: "sortable"}, make("thead"), make("tbody"));
  const region = make("div", {className: "wide", role: "region", tabIndex: 0, "aria-label": "Scores of the marked models"}, table);
  place.replaceChildren(make("h3", {}, `${names.join(", ")} side by side`), region);
  scoreTable(table, chosen.map(one => ({...one.scores, model: one.name, from: one.series})), chosen[0].unit, true);
  const {series} = await get("/v1/series"), known = series.find(one => one.name === chosen[0].series);
  if (!known || chosen.some(one => one.series !== chosen[0].series)) {
    place.append(make("p", {className: "soft"}, "They are of different series, so there is no chart of their forecasts."));
    return place.focus();
  }
  const [history, ...found] = await Promise.all([get(`/v1/series/${encodeURIComponent(known.id)}/history?rows=${ROWS}`), ...chosen.map(one => post("/v1/forecasts", {series: known.id, model: one.name}))]);
  const rows = history.dates.map((date, at_) => ({date, value: history.values[at_]}));
  const longest = found.reduce((one, other) => other.forecast.length > one.forecast.length ? other : one);
  const chart = make("div", {className: "chart"});
  place.append(make("figure", {}, chart, make("figcaption", {className: "soft"}, `Medians of the marked models, and the intervals of ${chosen[0].name}.`)));
  const forecasts = found.map((one, place_) => ({model: chosen[place_].name, line: DISTINCT[place_ % DISTINCT.length], rows: one.forecast}));
  draw(chart, fanLayers(rows, forecasts), {names: fanNames(rows, longest.forecast), yLabel: chosen[0].unit});
  return place.focus();
}
