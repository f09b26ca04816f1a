// Trainings: the form, and each job with its progress, which the server goes on telling when the page comes back.
import {follow, get, isActive, post, remove} from "./api.js";
import {draw, lossLayers} from "./charts.js";
import {at, button, duration, make} from "./dom.js";
import {attempt} from "./notices.js";

const STATES = {queued: "waits for its turn", running: "training", done: "done", failed: "failed", stopped: "stopped, the best so far is kept", interrupted: "interrupted by a restart of the server"};
// Jobs that are listed, and points of a chart of losses.
const KEPT = 6, POINTS = 400;
// A browser keeps six connections to a server; those of events must leave some for the rest. Waiting jobs are asked for.
const FOLLOWED = 3, PAUSE = 3000;
const cards = new Map();
let wanted = null;

/** Wire the form. */
export function startTrainings() {
  at("train").addEventListener("submit", event => {
    event.preventDefault();
    attempt(begin);
  });
}

/** Offer to train on a series. */
export function offerTraining(series, horizon) {
  wanted = {series, horizon};
  at("training-title").textContent = `Train on this series: ${series.name}`;
  at("train").hidden = at("trainings").hidden = false;
}

/** Show the last jobs, and follow those that go on. */
export async function showJobs() {
  const {jobs} = await get("/v1/jobs");
  for (const job of jobs.slice(0, KEPT)) showJob(job, "append"); // behind those that began meanwhile
}

async function begin() {
  const models = [...at("train").querySelectorAll("input[name=model]:checked")].map(box => box.value);
  if (!models.length) throw Object.assign(new Error("Mark at least one model."), {title: "No model is marked"});
  const steps = Number(at("steps").value);
  const asked = {series: wanted.series.id, models, ...(wanted.horizon ? {horizon: wanted.horizon} : {}), ...(steps ? {max_steps: steps} : {})};
  const card = showJob(await post("/v1/trainings", asked));
  card.root.scrollIntoView({block: "nearest"});
}

/** Show a job, new or known, and follow it while it goes on; `put` is where a new one goes in the list. */
export function showJob(job, put = "prepend") {
  at("trainings").hidden = false;
  if (!cards.has(job.id)) {
    const card = makeCard(job);
    cards.set(job.id, card);
    at("jobs")[put](card.root);
  }
  fill(cards.get(job.id), job);
  return cards.get(job.id);
}

function makeCard(job) {
  const title = make("h3"), state = make("p", {role: "status", "aria-live": "polite"}), step = make("p", {className: "soft"});
  const bar = make("progress", {max: 1}), chart = make("div", {className: "chart low"}), links = make("p", {className: "buttons"});
  bar.setAttribute("aria-label", "Progress of the training");
  const root = make("section", {className: "job", data: {job: job.id}}, title, state, bar, step, chart, links);
  return {root, title, state, step, bar, chart, links, loss: [], model: "", redraw: null, source: null};
}

function fill(card, job) {
  const active = isActive(job), wasActive = card.root.dataset.state && isActive(card.root.dataset), name = job.name || `${(job.models ?? []).join(", ")} on ${job.series}`;
  card.title.textContent = name;
  const text = `${STATES[job.state] ?? job.state}${job.problem ? `: ${job.problem.detail ?? job.problem.title}${job.problem.cure ? ` ${job.problem.cure}` : ""}` : ""}`;
  if (card.state.textContent !== text) card.state.textContent = text;
  card.bar.hidden = card.step.hidden = !active;
  card.root.dataset.state = job.state;
  if (job.state === "running" && !card.source && following() < FOLLOWED) watch(card, job);
  if (active && !card.source) setTimeout(askAgain, PAUSE, card, job.id);
  if (wasActive && !active) document.dispatchEvent(new CustomEvent("job-ended"));
  if (job.loss?.length) card.loss = [...job.loss];
  if (active) showStep(card, job);
  drawLoss(card);
  card.links.replaceChildren(...(active ? whileActive(job, card) : afterwards(job, card)));
}

const following = () => [...cards.values()].filter(card => card.source).length;

function watch(card, job) {
  const onState = state => {
    if (!isActive(state)) card.source = null;
    fill(card, state);
  };
  const onRefused = () => {
    card.source = null;
    setTimeout(askAgain, PAUSE, card, job.id);
  };
  card.source = follow(job.id, {onProgress: told => progress(card, told), onState, onRefused});
}

async function askAgain(card, id) {
  if (card.source || !cards.has(id)) return;
  await attempt(async () => {
    try {
      fill(card, await get(`/v1/jobs/${encodeURIComponent(id)}`));
    } catch (problem) {
      if (problem.status === 404) leaveOut(card, id);
      throw problem;
    }
  });
}

function whileActive(job, card) {
  const stop = () => attempt(() => post(`/v1/jobs/${encodeURIComponent(job.id)}/stop`));
  return [button("Stop and keep the best", stop), button("Cancel", () => forget(job, card), {className: "plain"})];
}

function afterwards(job, card) {
  const models = (job.models_saved ?? []).map(name => make("a", {className: "button", href: `#/forecast/${encodeURIComponent(name)}`}, `Forecast with ${name}`));
  const report = job.run ? [make("a", {className: "button", href: `#/runs/${encodeURIComponent(job.run)}`}, "Report")] : [];
  return [...models, ...report, button("Forget", () => forget(job, card), {className: "plain"})];
}

/** End a job, if it goes on, and leave it out of the list; models and runs that it saved stay. */
function forget(job, card) {
  return attempt(async () => {
    card.source?.close();
    await remove(`/v1/jobs/${encodeURIComponent(job.id)}`);
    leaveOut(card, job.id);
  });
}

function leaveOut(card, id) {
  card.root.remove();
  cards.delete(id);
}

function progress(card, told) {
  if (told.model && told.model !== card.model) {
    card.loss = card.model ? [] : card.loss;
    card.model = told.model;
  }
  if (card.loss.at(-1)?.[0] !== told.step && [told.train, told.validation].some(Number.isFinite)) {
    card.loss.push([told.step, told.train ?? null, told.validation ?? null]);
    drawLoss(card);
  }
  showStep(card, told);
}

function showStep(card, {model, step, steps, seconds_left: left}) {
  if (steps) Object.assign(card.bar, {max: steps, value: step ?? 0});
  else card.bar.removeAttribute("value");
  if (!steps && !card.model) return void (card.step.textContent = "getting ready");
  const who = model || card.model;
  card.step.textContent = [who, steps ? `step ${step ?? 0} of ${steps}` : "", left !== null && left !== undefined ? `about ${duration(left)} left` : ""].filter(Boolean).join(", ");
}

/** Draw the losses anew, thinned where there are many: every validation, and some of the training rows. */
function drawLoss(card) {
  if (card.loss.length > POINTS) card.loss = card.loss.filter((row, place) => place % 2 || Number.isFinite(row[2]));
  card.chart.hidden = card.loss.length < 2;
  if (card.chart.hidden) return;
  if (card.redraw) card.redraw(lossLayers(card.loss));
  else card.redraw = draw(card.chart, lossLayers(card.loss), {yLabel: "loss", xLabel: "training step", height: 190});
}
