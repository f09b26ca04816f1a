// How it would have done: past origins by a slider, the forecast of each beside what came.
import {get} from "./api.js";
import {draw, fanLayers, fanNames} from "./charts.js";
import {at, day, percent} from "./dom.js";

const BEFORE = 60, ORIGINS = 20, MOST = 5000;
let redraw = null, turn = 0;

/** Ask for the past forecasts of a series and show the last of them. */
export async function showPast(series, {model, horizon}, found) {
  const mine = ++turn;
  at("past-shown").hidden = true;
  at("past-about").textContent = "Forecasting from past dates …";
  const query = new URLSearchParams({origins: ORIGINS, ...(horizon ? {horizon} : {}), ...(model ? {model} : {})});
  const path = `/v1/series/${encodeURIComponent(series.id)}`;
  try {
    const [past, history] = await Promise.all([get(`${path}/past?${query}`), get(`${path}/history?rows=${Math.min(series.rows, MOST)}`)]);
    if (mine === turn) fill(past, history, found);
  } catch (problem) {
    if (mine === turn) at("past-about").textContent = problem.message;
  }
}

function fill(past, history, found) {
  const slider = at("origin"), last = past.origins.length - 1;
  at("past-about").textContent = `From ${past.origins.length} past dates: ${percent(past.inside)} of what came lay inside the 90 % intervals; ${percent(past.promised)} is promised.`;
  at("past-shown").hidden = last < 0;
  if (last < 0) return;
  const places = new Map(history.dates.map((date, place) => [day(date), place]));
  Object.assign(slider, {max: last, value: last});
  redraw = null;
  slider.oninput = () => show(past.origins[slider.value], history, places, found);
  slider.oninput();
}

function show(one, history, places, found) {
  const end = (places.get(day(one.origin)) ?? -1) + 1, dates = history.dates.slice(Math.max(0, end - BEFORE), end);
  const rows = dates.map((date, place) => ({date, value: history.values[end - dates.length + place]}));
  const actual = one.forecast.map(row => row.actual);
  const held = one.forecast.filter(row => row.actual !== null && row.actual >= row.q05 && row.actual <= row.q95).length;
  const known = actual.filter(value => value !== null).length;
  at("origin-date").textContent = ` ${day(one.origin)}`;
  at("origin").setAttribute("aria-valuetext", day(one.origin));
  at("past-verdict").textContent = `Forecast on ${day(one.origin)}: ${held} of the ${known} values that came lay inside the 90 % interval (${percent(one.inside)}).`;
  const layers = fanLayers(rows, [{model: found.model, rows: one.forecast}], one.forecast.map(row => row.actual ?? NaN)), names = fanNames(rows, one.forecast);
  if (redraw) redraw(layers, names);
  else redraw = draw(at("past-chart"), layers, {names, yLabel: found.unit});
}
