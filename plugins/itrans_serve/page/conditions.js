// What a checkpoint takes besides the picture: a field for each of its options and extras.

const SPARE = "–"; // an optional choice that is left open

export class Conditions {
  #host;
  #changed;
  #fields = [];
  #shown = null;

  /** Show fields in `host`; `changed` is called when a value has changed. */
  constructor(host, changed) {
    this.#host = host;
    this.#changed = changed;
  }

  /** Show those of a checkpoint; what has been entered stays while it is the same one. */
  open(checkpoint) {
    if (this.#shown === checkpoint) return;
    this.#shown = checkpoint;
    this.#fields = [
      ...checkpoint.options.map((entry) => ({ ...entry, key: "option", ...this.#field(entry) })),
      ...checkpoint.extras.map((entry) => ({ ...entry, key: "with", ...this.#field(entry) })),
    ];
    this.#host.replaceChildren(...this.#fields.map(({ shown }) => shown));
    this.#host.hidden = !this.#fields.length;
  }

  /** What a request says of them: the values that are no defaults. */
  get query() {
    const found = { option: [], with: [] };
    for (const { key, name, kind, default: usual, value } of this.#fields) {
      const given = kind === "picture" ? "" : value();
      if (given === "" || (key === "option" && given === String(usual))) continue;
      // Text in quotes stays text, even where it looks like a number.
      const isText = (kind === "choice" || kind === "text") && given !== "true" && given !== "false";
      found[key].push(`${name}=${isText ? JSON.stringify(given) : given}`);
    }
    return found;
  }

  /** The chosen pictures, by name. */
  get files() {
    return Object.fromEntries(this.#pictures().filter(([, file]) => file));
  }

  /** The name of a picture that is needed and has not been chosen; undefined if there is none. */
  get missing() {
    return this.#fields.find(({ kind, required, value }) => kind === "picture" && required && !value())?.name;
  }

  #pictures() {
    return this.#fields.filter(({ kind }) => kind === "picture").map(({ name, value }) => [name, value()]);
  }

  #field(entry) {
    return entry.kind === "picture" ? this.#picture(entry) : this.#value(entry);
  }

  #value({ name, kind, choices, required, default: usual, minimum, maximum }) {
    const shown = Object.assign(document.createElement("label"), { className: "field" });
    let input = document.createElement("input");
    if (kind === "choice") {
      input = document.createElement("select");
      const isOpen = required === false || usual === null;
      input.append(...(isOpen ? [new Option(SPARE, "")] : []), ...choices.map((choice) => new Option(choice, choice)));
    } else if (kind === "number" || kind === "whole number") {
      input.type = "number";
      input.step = kind === "number" ? "any" : 1;
      if (minimum != null) input.min = minimum;
      if (maximum != null) input.max = maximum;
    }
    input.setAttribute("aria-label", name);
    const first = usual ?? (required && kind !== "choice" ? 0 : null);
    if (first !== null) input.value = first;
    input.addEventListener("change", () => {
      if (input.value === "" && kind !== "choice" && first !== null) input.value = first;
      this.#changed();
    });
    shown.append(Object.assign(document.createElement("span"), { textContent: name }), input);
    return { shown, value: () => input.value.trim() };
  }

  #picture({ name, required }) {
    const shown = Object.assign(document.createElement("span"), { className: "field picture" });
    const input = Object.assign(document.createElement("input"), { type: "file", accept: "image/*,.npy,.tif,.tiff", hidden: true });
    const choose = Object.assign(document.createElement("button"), { type: "button", className: "button" });
    const remove = Object.assign(document.createElement("button"), { type: "button", className: "button", textContent: "Remove" });
    remove.setAttribute("aria-label", `Remove ${name}`);
    const show = () => {
      const [file] = input.files;
      choose.textContent = file ? file.name : `Choose ${required ? "a picture" : "(optional)"}`;
      choose.setAttribute("aria-label", file ? `${name}: ${file.name}` : `Choose ${name}`);
      remove.hidden = !file || required;
    };
    choose.addEventListener("click", () => input.click());
    remove.addEventListener("click", () => {
      input.value = "";
      show();
      this.#changed();
    });
    input.addEventListener("change", () => {
      show();
      this.#changed();
    });
    show();
    shown.append(Object.assign(document.createElement("span"), { textContent: name }), choose, remove, input);
    return { shown, value: () => input.files[0] };
  }
}
