// What went wrong, in the server's words; what was done, with a way back.
import {at, button, inWords, make} from "./dom.js";

/** Run an action and show its problem, if it has one; `place` is where, the head of the page by default. */
export async function attempt(action, place = at("trouble")) {
  place.hidden = true;
  try {
    return await action();
  } catch (problem) {
    showProblem(problem, place);
    return undefined;
  }
}

/** Show a problem: what it is, what helps, and when to try again. */
export function showProblem(problem, place = at("trouble")) {
  const wait = problem.wait ? ` Try again in ${problem.wait} seconds.` : "";
  const lines = [
    make("p", {}, make("strong", {}, problem.title ?? "This did not work")),
    make("p", {}, `${inWords(problem.message)}${wait}`),
    problem.cure && !problem.message.includes(problem.cure) ? make("p", {}, `What helps: ${inWords(problem.cure)}`) : null,
  ];
  place.replaceChildren(...lines.filter(Boolean));
  place.classList.add("trouble");
  place.hidden = false;
}

/** Say what was done; with `undo`, offer to take it back. */
export function say(text, undo) {
  const notice = at("notice"), close = button("Close", () => { notice.hidden = true; }, {className: "plain"});
  const back = undo ? button("Undo", async () => { notice.hidden = true; await undo(); }) : null;
  notice.replaceChildren(text, " ", ...[back, close].filter(Boolean));
  notice.hidden = false;
  back?.focus();
}
