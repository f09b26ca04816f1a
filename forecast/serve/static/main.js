// The page: three views, which the part of the address after # chooses.
import {at} from "./dom.js";
import {forecastWith, showSeries, startFirst} from "./first.js";
import {showModels, startModels} from "./models.js";
import {attempt} from "./notices.js";
import {showRuns} from "./runs.js";
import {showJobs, startTrainings} from "./trainings.js";

const VIEWS = ["first", "models", "runs"];

function open() {
  const [, part = "", name = ""] = location.hash.split("/").map(decodeURIComponent);
  const view = VIEWS.includes(part) ? part : "first";
  for (const one of VIEWS) at(one).hidden = one !== view;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.dataset.view === view) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  at("trouble").hidden = at("notice").hidden = true;
  if (view === "models") return attempt(() => showModels(name));
  if (view === "runs") return attempt(() => showRuns(name));
  if (part === "forecast") return forecastWith(name);
  if (part === "jobs") at("trainings").scrollIntoView();
  return attempt(() => showSeries(part === "series" ? name : ""));
}

startFirst();
startTrainings();
startModels();
addEventListener("hashchange", open);
open();
attempt(showJobs);
