// What is drawn on: a sheet of colours, whose lines are smooth, or one of classes, whose values are exact.

import { indexed, opaque } from "./png.js";

const NEAR = 90; // how far colours may be apart, channels added up, to be filled together: lines have soft edges

/** Paint the area of like pixels around a place; `isLike` and `paint` take an index. */
function flood(width, height, x, y, isLike, paint) {
  const waiting = [y * width + x];
  const seen = new Uint8Array(width * height);
  seen[waiting[0]] = 1;
  while (waiting.length) {
    const place = waiting.pop();
    paint(place);
    const column = place % width;
    for (const next of [column ? place - 1 : -1, column < width - 1 ? place + 1 : -1, place - width, place + width]) {
      if (next >= 0 && next < width * height && !seen[next] && isLike(next)) {
        seen[next] = 1;
        waiting.push(next);
      }
    }
  }
}

export class ColourSheet {
  constructor(canvas, width, height, { background, isGrey }) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    Object.assign(this, { background, isGrey });
    this.resize(width, height);
  }

  resize(width, height) {
    Object.assign(this.canvas, { width, height });
    this.context.fillStyle = this.background;
    this.context.fillRect(0, 0, width, height);
  }

  line(from, to, width, ink) {
    const { context } = this;
    Object.assign(context, { strokeStyle: ink, lineWidth: width, lineCap: "round", lineJoin: "round" });
    context.beginPath();
    context.moveTo(from.x, from.y);
    context.lineTo(to.x, to.y + (from.x === to.x && from.y === to.y ? 0.01 : 0)); // a dot
    context.stroke();
  }

  fill(at, ink) {
    const { width, height } = this.canvas;
    const image = this.context.getImageData(0, 0, width, height);
    const pixels = image.data;
    const [x, y] = [Math.floor(at.x), Math.floor(at.y)];
    const old = pixels.slice(4 * (y * width + x), 4 * (y * width + x) + 3);
    const probe = new OffscreenCanvas(1, 1).getContext("2d");
    probe.fillStyle = ink;
    probe.fillRect(0, 0, 1, 1);
    const colour = probe.getImageData(0, 0, 1, 1).data;
    const isLike = (place) => [0, 1, 2].reduce((sum, c) => sum + Math.abs(pixels[4 * place + c] - old[c]), 0) <= NEAR;
    const filled = [];
    flood(width, height, x, y, isLike, (place) => filled.push(place));
    for (const place of filled) pixels.set(colour, 4 * place);
    this.context.putImageData(image, 0, 0);
  }

  show(bitmap, width, height) {
    this.resize(width, height);
    this.context.imageSmoothingQuality = "high";
    this.context.drawImage(bitmap, 0, 0, width, height);
  }

  snapshot() {
    return this.context.getImageData(0, 0, this.canvas.width, this.canvas.height);
  }

  restore(image) {
    Object.assign(this.canvas, { width: image.width, height: image.height });
    this.context.putImageData(image, 0, 0);
  }

  png() {
    return opaque(this.snapshot(), this.isGrey);
  }
}

export class LabelSheet {
  constructor(canvas, width, height, { classes }) {
    this.canvas = canvas;
    this.context = canvas.getContext("2d", { willReadFrequently: true });
    this.first = classes[0].value;
    this.palette = new Uint8Array(3 * (Math.max(...classes.map((entry) => entry.value)) + 1));
    this.values = new Map();
    for (const { value, colour } of classes) {
      const rgb = parseInt(colour.slice(1), 16);
      this.palette.set([rgb >> 16, (rgb >> 8) & 255, rgb & 255], 3 * value);
      this.values.set(rgb, value);
    }
    this.resize(width, height);
  }

  resize(width, height) {
    Object.assign(this.canvas, { width, height });
    this.map = new Uint8Array(width * height).fill(this.first);
    this.paint(0, 0, width, height);
  }

  /** Show a part of the map in its colours. */
  paint(left, top, right, bottom) {
    if (right <= left || bottom <= top) return;
    const image = this.context.createImageData(right - left, bottom - top);
    for (let y = top, to = 0; y < bottom; y++) {
      for (let x = left; x < right; x++, to += 4) {
        const from = 3 * this.map[y * this.canvas.width + x];
        for (let channel = 0; channel < 3; channel++) image.data[to + channel] = this.palette[from + channel];
        image.data[to + 3] = 255;
      }
    }
    this.context.putImageData(image, left, top);
  }

  line(from, to, width, value) {
    const { width: across, height: down } = this.canvas;
    const radius = Math.max(0.5, width / 2);
    const [left, right] = [Math.min(from.x, to.x) - radius, Math.max(from.x, to.x) + radius];
    const [top, bottom] = [Math.min(from.y, to.y) - radius, Math.max(from.y, to.y) + radius];
    const box = [Math.max(0, Math.floor(left)), Math.max(0, Math.floor(top))];
    box.push(Math.min(across, Math.ceil(right)), Math.min(down, Math.ceil(bottom)));
    const [dx, dy] = [to.x - from.x, to.y - from.y];
    const length = dx * dx + dy * dy;
    for (let y = box[1]; y < box[3]; y++) {
      for (let x = box[0]; x < box[2]; x++) {
        const [px, py] = [x + 0.5 - from.x, y + 0.5 - from.y];
        const along = length ? Math.min(1, Math.max(0, (px * dx + py * dy) / length)) : 0;
        if ((px - along * dx) ** 2 + (py - along * dy) ** 2 <= radius * radius) this.map[y * across + x] = value;
      }
    }
    this.paint(...box);
  }

  fill(at, value) {
    const { width, height } = this.canvas;
    const [x, y] = [Math.floor(at.x), Math.floor(at.y)];
    const old = this.map[y * width + x];
    flood(width, height, x, y, (place) => this.map[place] === old, (place) => (this.map[place] = value));
    this.paint(0, 0, width, height);
  }

  /** Take the classes from a picture of their colours; what has none of them becomes the first. */
  show(bitmap, width, height) {
    Object.assign(this.canvas, { width, height });
    this.context.imageSmoothingEnabled = false;
    this.context.drawImage(bitmap, 0, 0, width, height);
    const pixels = this.context.getImageData(0, 0, width, height).data;
    this.map = new Uint8Array(width * height);
    for (let place = 0; place < this.map.length; place++) {
      const rgb = (pixels[4 * place] << 16) | (pixels[4 * place + 1] << 8) | pixels[4 * place + 2];
      this.map[place] = this.values.get(rgb) ?? this.first;
    }
    this.paint(0, 0, width, height);
  }

  snapshot() {
    return { width: this.canvas.width, height: this.canvas.height, map: this.map.slice() };
  }

  restore({ width, height, map }) {
    Object.assign(this.canvas, { width, height });
    this.map = map.slice();
    this.paint(0, 0, width, height);
  }

  png() {
    return indexed(this.canvas.width, this.canvas.height, this.map, this.palette);
  }
}

/** Remembers a sheet's states, to go back and forth between them. */
export class History {
  constructor(most = 40) {
    Object.assign(this, { most, before: [], after: [] });
  }

  keep(sheet) {
    this.before.push(sheet.snapshot());
    if (this.before.length > this.most) this.before.shift();
    this.after = [];
  }

  step(sheet, isBack) {
    const [from, to] = isBack ? [this.before, this.after] : [this.after, this.before];
    if (!from.length) return false;
    to.push(sheet.snapshot());
    sheet.restore(from.pop());
    return true;
  }
}
