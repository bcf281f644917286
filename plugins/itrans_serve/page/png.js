// Writes PNG files exactly: a browser's own way out of a canvas knows neither palettes nor a single channel.

const GREY = 0, RGB = 2, INDEXED = 3;
const SAMPLES = { [GREY]: 1, [RGB]: 3, [INDEXED]: 1 };

const TABLE = new Uint32Array(256).map((_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

function checksum(bytes) {
  let value = 0xffffffff;
  for (const byte of bytes) value = TABLE[(value ^ byte) & 0xff] ^ (value >>> 8);
  return (value ^ 0xffffffff) >>> 0;
}

function chunk(name, data) {
  const found = new Uint8Array(12 + data.length);
  const view = new DataView(found.buffer);
  view.setUint32(0, data.length);
  for (let place = 0; place < 4; place++) found[4 + place] = name.charCodeAt(place);
  found.set(data, 8);
  view.setUint32(8 + data.length, checksum(found.subarray(4, 8 + data.length)));
  return found;
}

async function deflated(bytes) {
  const stream = new Blob([bytes]).stream().pipeThrough(new CompressionStream("deflate"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}

async function file(width, height, colour, values, palette) {
  const row = width * SAMPLES[colour];
  const lines = new Uint8Array(height * (row + 1)); // each line begins with its filter, 0 for none
  for (let y = 0; y < height; y++) lines.set(values.subarray(y * row, (y + 1) * row), y * (row + 1) + 1);
  const header = new Uint8Array(13);
  new DataView(header.buffer).setUint32(0, width);
  new DataView(header.buffer).setUint32(4, height);
  header.set([8, colour, 0, 0, 0], 8);
  const parts = [Uint8Array.of(137, 80, 78, 71, 13, 10, 26, 10), chunk("IHDR", header)];
  if (palette) parts.push(chunk("PLTE", palette));
  parts.push(chunk("IDAT", await deflated(lines)), chunk("IEND", new Uint8Array()));
  return new Blob(parts, { type: "image/png" });
}

/** A palette PNG: the values are class indices, the palette has three bytes for each value from 0 on. */
export function indexed(width, height, values, palette) {
  return file(width, height, INDEXED, values, palette);
}

/** A PNG in RGB, or grey by luminance, of a canvas' opaque pixels. */
export function opaque(image, isGrey) {
  const { width, height, data } = image;
  const values = new Uint8Array(width * height * (isGrey ? 1 : 3));
  for (let from = 0, to = 0; from < data.length; from += 4) {
    if (isGrey) values[to++] = Math.round(0.299 * data[from] + 0.587 * data[from + 1] + 0.114 * data[from + 2]);
    else for (let channel = 0; channel < 3; channel++) values[to++] = data[from + channel];
  }
  return file(width, height, isGrey ? GREY : RGB, values);
}
