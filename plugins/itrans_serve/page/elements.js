// The page's elements, and what several of its parts do with them.

export const element = (id) => document.getElementById(id);

/** Give a section, the source or the result, the shape of its picture. */
export function shape(section, width, height) {
  element(section).style.setProperty("--ratio", width / height);
}

/** Return a button with a small picture; `press` is called when it is pressed. */
export function thumb(address, name, text, press) {
  const button = Object.assign(document.createElement("button"), { type: "button", className: "thumb", onclick: press });
  button.append(Object.assign(document.createElement("img"), { src: address, alt: name, loading: "lazy" }), text);
  return button;
}

/** Let the browser save a file. */
export function download(blob, name) {
  const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
