// Requests to the server: one at a time while one draws, always with the newest drawing.

/** An error whose text the server has written for people. */
export class Refusal extends Error {
  constructor(text, status, seconds) {
    super(text);
    Object.assign(this, { status, seconds });
  }
}

/** Send a request, and return the answer; a Refusal if the server refuses. */
export async function ask(path, query, options = {}) {
  const address = new URL(path, location.origin);
  for (const [name, value] of Object.entries(query)) {
    if (value !== null) for (const one of [value].flat()) address.searchParams.append(name, one);
  }
  const answer = await fetch(address, options);
  if (answer.ok) return answer;
  const detail = await answer.json().then((found) => found.detail, () => answer.statusText);
  throw new Refusal(String(detail), answer.status, Number(answer.headers.get("Retry-After")) || 1);
}

/** Send a picture, as it is; with others, which go with it, it is sent as a form. */
export function post(path, query, body, signal, others = {}) {
  if (Object.keys(others).length) {
    const form = new FormData();
    form.append("picture", body);
    for (const [name, file] of Object.entries(others)) form.append(name, file);
    return ask(path, query, { method: "POST", body: form, signal });
  }
  const type = body.type.startsWith("image/") ? body.type : "application/octet-stream";
  return ask(path, query, { method: "POST", body, signal, headers: { "Content-Type": type } });
}

/**
 * Runs `work(signal)` again whenever something has changed. What changes while it runs is taken together: a drawing
 * that has been drawn over is never sent. `tell(isBusy)` hears when it begins and when all is done.
 */
export class Live {
  constructor(work, fail, tell) {
    Object.assign(this, { work, fail, tell, changed: false, controller: null });
  }

  change() {
    this.changed = true;
    if (!this.controller) this.#run();
  }

  /** Give up what is under way: its answer is not wanted any more. */
  drop() {
    this.changed = false;
    this.controller?.abort();
    this.controller = null;
    this.tell(false);
  }

  async #run() {
    this.tell(true);
    while (this.changed) {
      const controller = (this.controller = new AbortController());
      this.changed = false;
      try {
        await this.work(controller.signal);
      } catch (error) {
        if (controller.signal.aborted) return;
        this.fail(error);
        if (error.status === 503) {
          await new Promise((resolve) => setTimeout(resolve, 1000 * error.seconds));
          this.changed ||= !controller.signal.aborted;
        }
      }
      if (controller.signal.aborted) return;
    }
    this.controller = null;
    this.tell(false);
  }
}
