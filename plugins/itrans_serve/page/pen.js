// From a mouse, a finger, a pen or the keyboard to places on the canvas.

const STEP = 0.02; // of the longer side, for an arrow key
const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * Call `start(at)`, `move(from, to, pressure)` and `end()` for each stroke; `at` has x and y in the canvas' pixels.
 * Pressure is 1 for all that has none.
 */
export function follow(canvas, cursor, { start, move, end }) {
  let last = null;
  let keyed = null; // where the keyboard's pen is
  let isDown = false;

  const placeOf = (event) => {
    const box = canvas.getBoundingClientRect();
    const limit = (value, most) => Math.min(most - 0.01, Math.max(0, value));
    return {
      x: limit(((event.clientX - box.left) * canvas.width) / box.width, canvas.width),
      y: limit(((event.clientY - box.top) * canvas.height) / box.height, canvas.height),
    };
  };
  const pressureOf = (event) => (event.pointerType === "pen" && event.pressure ? event.pressure * 2 : 1);

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0 || last || !event.isPrimary) return;
    canvas.setPointerCapture(event.pointerId);
    lift();
    cursor.hidden = true;
    last = placeOf(event);
    if (start(last)) move(last, last, pressureOf(event));
    else last = null;
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!last || !event.isPrimary) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const one of events.length ? events : [event]) {
      const at = placeOf(one);
      move(last, at, pressureOf(one));
      last = at;
    }
  });
  for (const name of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(name, (event) => {
      if (!last || !event.isPrimary) return;
      last = null;
      end();
    });
  }

  function lift() {
    if (isDown) end();
    isDown = false;
    cursor.classList.remove("down");
  }

  function point() {
    cursor.hidden = false;
    cursor.classList.toggle("down", isDown);
    cursor.style.left = `${(100 * keyed.x) / canvas.width}%`;
    cursor.style.top = `${(100 * keyed.y) / canvas.height}%`;
  }

  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    keyed ??= { x: canvas.width / 2, y: canvas.height / 2 };
    if (event.key in KEYS) {
      const step = event.shiftKey ? 1 : Math.max(1, Math.round(STEP * Math.max(canvas.width, canvas.height)));
      const [dx, dy] = KEYS[event.key];
      const at = {
        x: Math.min(canvas.width - 0.5, Math.max(0.5, keyed.x + dx * step)),
        y: Math.min(canvas.height - 0.5, Math.max(0.5, keyed.y + dy * step)),
      };
      if (isDown) move(keyed, at, 1);
      keyed = at;
    } else if (event.key === " ") {
      if (isDown) lift();
      else if ((isDown = start(keyed))) move(keyed, keyed, 1);
    } else if (event.key === "Enter") {
      lift();
      if (start(keyed)) {
        move(keyed, keyed, 1);
        end();
      }
    } else return;
    event.preventDefault();
    point();
  });
  canvas.addEventListener("blur", () => {
    lift();
    cursor.hidden = true;
  });
  return { forget: () => { lift(); keyed = null; cursor.hidden = true; } };
}
