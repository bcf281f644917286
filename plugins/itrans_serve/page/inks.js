// What one draws with: colours, greys, or the classes of a label map.

const COLOURS = ["#000000", "#ffffff", "#8a8a8a", "#7a4a21", "#e23b3b", "#f08a24", "#f5d33d", "#4ca64c", "#3f7fd6", "#8c5cc4"];
const GREYS = ["#000000", "#404040", "#808080", "#c0c0c0", "#ffffff"];
const STEPS = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/** A group of radio buttons, one for each ink; `dip(ink)` hears which is chosen: a colour, or the value of a class. */
export class Inks {
  constructor(group, dip) {
    Object.assign(this, { group, dip });
    group.addEventListener("keydown", (event) => this.#step(event));
  }

  /** Show the inks of a way of drawing: "colour", "grey" or "labels", which has classes. */
  show(kind, classes) {
    const isBare = kind !== "labels";
    const entries = isBare
      ? (kind === "grey" ? GREYS : COLOURS).map((colour) => ({ ink: colour, name: colour, colour }))
      : classes.map(({ value, name, colour }) => ({ ink: value, name, colour }));
    const buttons = entries.map((entry, number) => this.#button(entry, number, isBare));
    this.group.replaceChildren(...buttons, ...(kind === "colour" ? [this.#anyColour()] : []));
    this.group.setAttribute("aria-label", isBare ? "Colours" : "Classes");
    this.choose(!isBare && buttons.length > 1 ? 1 : 0); // a label map is full of the first class already
  }

  /** Choose the ink of a number, counted from 0. */
  choose(number) {
    this.#buttons()[number]?.click();
  }

  #buttons() {
    return [...this.group.querySelectorAll("button")];
  }

  #button({ ink, name, colour }, number, isBare) {
    const button = Object.assign(document.createElement("button"), {
      type: "button",
      className: isBare ? "ink bare" : "ink",
      title: number < 9 ? `${name} (${number + 1})` : name,
    });
    button.setAttribute("role", "radio");
    if (isBare) button.setAttribute("aria-label", name);
    const swatch = Object.assign(document.createElement("span"), { className: "swatch" });
    swatch.style.background = colour;
    button.append(swatch, isBare ? "" : name);
    button.addEventListener("click", () => this.#mark(button, ink));
    return button;
  }

  #anyColour() {
    const input = Object.assign(document.createElement("input"), { type: "color", value: "#20a060", title: "Any colour" });
    input.setAttribute("aria-label", "Any colour");
    const label = Object.assign(document.createElement("label"), { className: "ink bare" });
    label.append(input);
    for (const name of ["input", "click"]) input.addEventListener(name, () => this.#mark(label, input.value));
    return label;
  }

  #mark(chosen, ink) {
    for (const button of this.#buttons()) {
      button.setAttribute("aria-checked", button === chosen);
      button.tabIndex = button === chosen ? 0 : -1;
    }
    const any = this.group.querySelector("label");
    any?.setAttribute("data-checked", any === chosen);
    if (any === chosen) this.#buttons()[0].tabIndex = 0; // the group can still be reached by Tab
    this.dip(ink);
  }

  #step(event) {
    const [buttons, step] = [this.#buttons(), STEPS[event.key]];
    const place = buttons.indexOf(document.activeElement);
    if (!step || place < 0) return;
    event.preventDefault();
    const next = (place + step + buttons.length) % buttons.length;
    this.choose(next);
    buttons[next].focus();
  }
}
