// The interface for programs, as the page uses it: JSON in and out, problems as exceptions, events of a job.

/** A problem that the server told of, as in RFC 9457: what is wrong, and what helps. */
export class Problem extends Error {
  constructor(told, status, wait) {
    super(told.detail ?? told.title ?? `The server answered ${status}.`);
    Object.assign(this, {title: told.title, cure: told.cure, choices: told.choices ?? [], status, wait});
  }
}

/** Ask the server and return its answer; raise a Problem if it refuses. */
export async function ask(path, {method = "GET", json, body, headers = {}} = {}) {
  const options = {method, headers: {...headers}, body};
  if (json !== undefined) {
    options.body = JSON.stringify(json);
    options.headers["Content-Type"] = "application/json";
  }
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Problem({title: "The server does not answer", detail: "It may have been stopped.", cure: "Start forecast serve again, then load this page again."}, 0);
  }
  if (answer.status === 401) location.reload(); // the token has changed: the server shows a box for the new one
  if (!answer.ok) throw await problemOf(answer);
  return answer;
}

async function problemOf(answer) {
  const told = await answer.json().catch(() => ({title: answer.statusText, detail: `The server answered ${answer.status}.`}));
  return new Problem(told, answer.status, answer.headers.get("Retry-After"));
}

/** Ask for JSON. */
export async function get(path, options) {
  const answer = await ask(path, options);
  return answer.status === 204 ? null : answer.json();
}

export const post = (path, json) => get(path, {method: "POST", json});
export const remove = path => get(path, {method: "DELETE"});

/** Send a file of the user to be read; `choice` names the column or series, where a file has several. */
export function sendFile(file, choice = {}) {
  const query = new URLSearchParams(Object.entries(choice).filter(([, value]) => value));
  const headers = {"X-Filename": encodeURIComponent(file.name), "Content-Type": "application/octet-stream"};
  return get(`/v1/series?${query}`, {method: "POST", body: file, headers});
}

/** Save the answer to a request as a file. */
export async function download(path, options, name) {
  const blob = await (await ask(path, options)).blob();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** Follow a job: call `onProgress` and `onState` for its events until the job has ended, or `onRefused` once if the server tells none. */
export function follow(id, {onProgress, onState, onRefused}) {
  const source = new EventSource(`/v1/jobs/${encodeURIComponent(id)}/events`);
  source.addEventListener("progress", event => onProgress(JSON.parse(event.data)));
  source.addEventListener("state", event => {
    const job = JSON.parse(event.data);
    if (!isActive(job)) source.close();
    onState(job);
  });
  source.addEventListener("error", () => source.readyState === EventSource.CLOSED && onRefused());
  return source;
}

/** Whether a job waits or works. */
export const isActive = job => job.state === "queued" || job.state === "running";
