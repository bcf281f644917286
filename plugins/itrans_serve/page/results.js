// The translations: the one that is shown large, and the samples beside it.

import { element, shape, thumb } from "./elements.js";

export class Results {
  #outputs = [];
  #shown = 0;

  /** The seed of the translation that is shown. */
  get seed() {
    return this.#outputs[this.#shown].seed;
  }

  /** Show translations, each with its seed; `isExact` leaves the edges of pixels sharp, as label maps need it. */
  async put(blobs, seeds, isExact) {
    for (const { address } of this.#outputs) URL.revokeObjectURL(address);
    this.#outputs = blobs.map((blob, number) => ({ address: URL.createObjectURL(blob), seed: seeds[number] }));
    element("output").classList.toggle("exact", isExact);
    await this.#show(Math.min(this.#shown, blobs.length - 1));
    const strip = element("samples");
    strip.hidden = blobs.length < 2;
    strip.replaceChildren(
      ...this.#outputs.map(({ address, seed }, number) =>
        thumb(address, `Sample of seed ${seed}`, `seed ${seed}`, () => this.#show(number)),
      ),
    );
    this.#mark();
  }

  /** Show none, and the place for one of some size. */
  clear(width, height) {
    this.#shown = 0;
    for (const id of ["output", "samples"]) element(id).hidden = true;
    element("waiting").hidden = false;
    element("save").disabled = true;
    shape("result", width, height);
  }

  async #show(number) {
    this.#shown = number;
    const output = element("output");
    output.src = this.#outputs[number].address;
    await output.decode().catch(() => {}); // another one has taken its place
    shape("result", output.naturalWidth, output.naturalHeight);
    output.hidden = false;
    element("waiting").hidden = true;
    element("save").disabled = false;
    this.#mark();
  }

  #mark() {
    [...element("samples").children].forEach((one, number) => one.setAttribute("aria-pressed", number === this.#shown));
  }
}
