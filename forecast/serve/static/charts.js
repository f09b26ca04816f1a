// Charts in Bokeh, drawn as those of the report: rows equally spaced, the legend below, values under the pointer.
import {days} from "./dom.js";

const settings = JSON.parse(document.getElementById("settings").textContent);
const INK = "#000000", GREY = "#767676";
// Where a finger points, a drag over a chart scrolls the page.
const COARSE = matchMedia("(pointer: coarse)").matches;
// Intervals of the fan, from the widest: quantiles, label and opacity.
const FAN = [["q05", "q95", "90 %", 0.14], ["q10", "q90", "80 %", 0.2], ["q25", "q75", "50 %", 0.3]];

/** Colour and kind of line of a model; saved models are drawn as what they are. */
export const lineOf = model => settings.lines[model] ?? {colour: INK, dash: "solid"};

/**
 * Draw layers over equally spaced places, and return a function that draws others of the same kinds in their stead.
 *
 * A layer is {label, colour, x, y, dash, width, marker} or {label, colour, x, low, high, alpha}; x are places, `names`
 * their dates.
 */
export function draw(target, layers, {names, yLabel = "", xLabel = "", height = 340} = {}) {
  const {Plotting, ColumnDataSource, HoverTool, Legend} = Bokeh;
  const shown = Plotting.figure({height, sizing_mode: "stretch_width", tools: "xpan,xwheel_zoom,box_zoom,reset", y_axis_label: yLabel, x_axis_label: xLabel || null});
  shown.toolbar.logo = null;
  shown.toolbar.active_scroll = null;
  shown.toolbar.active_drag = COARSE ? null : shown.toolbar.tools.find(tool => tool.type === "BoxZoomTool");
  for (const grid of [shown.xgrid, shown.ygrid]) grid.grid_line_color = "#E5E5E5";
  for (const axis of [shown.xaxis, shown.yaxis]) axis.minor_tick_line_color = null;
  shown.yaxis.formatter = new Bokeh.BasicTickFormatter({use_scientific: false});
  shown.xaxis.ticker = new Bokeh.AdaptiveTicker({min_interval: 1, desired_num_ticks: target.clientWidth < 600 ? 3 : 5});
  const sources = layers.map(layer => new ColumnDataSource({data: dataOf(layer, names)}));
  const entries = new Map();
  layers.forEach((layer, place) => {
    const made = addLayer(shown, layer, sources[place]);
    if (layer.label) entries.set(layer.label, [...(entries.get(layer.label) ?? []), ...made]);
  });
  const lines = shown.renderers.filter(one => one.name);
  const where = names ? ["date", "@when"] : [xLabel || "step", "@x{0}"];
  shown.add_tools(new HoverTool({renderers: lines, tooltips: [["", "$name"], where, ["value", "@y{0,0.[000]}"]]}));
  const items = [...entries].map(([label, renderers]) => new Bokeh.LegendItem({label, renderers}));
  shown.add_layout(new Legend({items, click_policy: "hide", orientation: "horizontal", ncols: 4, spacing: 4, padding: 0, border_line_color: null, label_height: 16, glyph_height: 16, location: "center"}), "below");
  nameTicks(shown, names);
  target.replaceChildren();
  Plotting.show(shown, target);
  return (others, dates) => {
    nameTicks(shown, dates);
    others.forEach((layer, place) => { sources[place].data = dataOf(layer, dates); });
  };
}

function dataOf(layer, names) {
  const {x} = layer;
  if (layer.low) return {x, low: layer.low, high: layer.high};
  return {x, y: layer.y, when: x.map(place => names?.[place] ?? "")};
}

function addLayer(shown, layer, source) {
  const colour = layer.colour ?? INK;
  if (layer.low) {
    return [shown.varea({field: "x"}, {field: "low"}, {field: "high"}, {source, fill_color: colour, fill_alpha: layer.alpha})];
  }
  const name = layer.label, made = [];
  if (layer.dash !== "none") {
    made.push(shown.line({field: "x"}, {field: "y"}, {source, name, line_color: colour, line_width: layer.width ?? 1.7, line_dash: layer.dash ?? "solid"}));
  }
  if (layer.marker) made.push(shown.scatter({field: "x"}, {field: "y"}, {source, name, size: 5, color: colour}));
  return made;
}

/** Write dates below the places; places beyond them have no name. */
function nameTicks(shown, names) {
  if (!names) return;
  const nothing = Array.from({length: 3 * names.length}, (_, place) => [place - names.length, ""]);
  shown.xaxis.major_label_overrides = new Map([...nothing, ...names.map((name, place) => [place, name])]);
}

/** The layers of a fan over history: the interval and median of each forecast, from the last known value on. */
export function fanLayers(history, forecasts, actual) {
  const places = rows => rows.map((_, step) => history.length + step);
  const layers = [{label: "actual", x: history.map((_, place) => place), y: history.map(row => row.value ?? NaN)}];
  forecasts.forEach(({model, rows, line}, number) => {
    const {colour, dash} = line ?? lineOf(model), last = history.at(-1);
    const from = last && Number.isFinite(last.value) ? [history.length - 1] : [];
    const values = name => [...from.map(() => last.value), ...rows.map(row => row[name])];
    const x = [...from, ...places(rows)];
    if (number === 0) {
      for (const [low, high, label, alpha] of FAN.filter(([one]) => rows[0]?.[one] !== undefined)) {
        layers.push({label, colour, x, low: values(low), high: values(high), alpha});
      }
    }
    layers.push({label: model, colour: number === 0 ? darker(colour) : colour, dash, width: 2.2, x, y: values("q50")});
  });
  if (actual) layers.push({label: "what came", x: places(actual), y: actual, marker: true});
  return layers;
}

/** The same hue, dark enough to stand out from the intervals in it. */
const darker = colour => `#${[1, 3, 5].map(at => Math.round(0.55 * parseInt(colour.slice(at, at + 2), 16)).toString(16).padStart(2, "0")).join("")}`;

/** The dates of history and forecast, as they stand below the chart. */
export const fanNames = (history, rows) => days([...history, ...rows].map(row => row.date));

/** The layers of a training: loss on training and validation rows by step. */
export function lossLayers(loss) {
  const known = place => loss.filter(row => row[place] !== null && row[place] !== undefined);
  return [["training", 1, GREY, "dashed"], ["validation", 2, "#0072B2", "solid"]].map(([label, place, colour, dash]) => ({
    label, colour, dash, marker: true, x: known(place).map(row => row[0]), y: known(place).map(row => row[place]),
  }));
}
