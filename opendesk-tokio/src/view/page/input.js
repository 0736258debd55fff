// Mouse and keyboard of the desktop.
//
// Text goes as text, so that layouts, dead keys and input methods of this side count and not those of the desktop. Other
// keys are pressed and let go at once, also when this side repeats them: a link that stalls must not repeat a key by
// itself. Only modifiers and mouse buttons are held.

const BUTTONS = ["left", "middle", "right", "x1", "x2"];

const MODIFIERS = { Control: "ctrl", Shift: "shift", Alt: "alt", Meta: "meta" };

// Keys that mean the same on every desktop. Caps Lock and Num Lock are in the text already.
const KEYS = new Set([
  "Enter", "Tab", "Escape", "Backspace", "Delete", "Insert", "Home", "End", "PageUp", "PageDown", "ArrowLeft",
  "ArrowRight", "ArrowUp", "ArrowDown", "PrintScreen", "ScrollLock", "Pause", "ContextMenu",
]);

// Pixels and lines of scrolling that are one click of a wheel.
const CLICK = [100, 3, 1];

// Events that wait. A desktop that does not answer for that long gets no more.
const MOST_WAITING = 500;
const MOST_TOGETHER = 64;

// UTF-16 units of one text; in any script far below the 16384 bytes that one call types.
const MOST_TEXT = 4000;

const isMac = navigator.platform.startsWith("Mac");

export function hands({ screen, keys, tell, send }) {
  let viewer = 0;
  let shape = 0;
  let driving = false;
  // What is down on the desktop because of this page.
  const modifiers = new Set();
  const buttons = new Set();
  let last = { x: 0, y: 0 };
  let scrolled = [0, 0];
  let waiting = [];
  let sending = false;

  async function pump() {
    if (sending) return;
    sending = true;
    while (waiting.length > 0) {
      const of = waiting[0].shape;
      let count = 0;
      while (count < Math.min(waiting.length, MOST_TOGETHER) && waiting[count].shape === of) {
        // A text may be long, and a request is not.
        if (waiting[count++].event.text) break;
      }
      const events = waiting.splice(0, count).map(({ event }) => event);
      try {
        await send({ viewer, shape: of, events });
        tell("");
      } catch (error) {
        tell(error.message);
      }
    }
    sending = false;
  }

  function push(event) {
    const before = waiting.at(-1);
    const both = before?.shape === shape ? before.event : {};
    if (event.pointer?.action === "move" && both.pointer?.action === "move") {
      before.event = event;
    } else if (event.text && both.text && both.text.text.length + event.text.text.length <= MOST_TEXT) {
      both.text.text += event.text.text;
    } else if (waiting.length < MOST_WAITING || typeof event === "string") {
      waiting.push({ shape, event });
    } else {
      // What is lost may have been the end of something.
      waiting = [];
      modifiers.clear();
      buttons.clear();
      push("release");
      tell("the desktop does not answer; what was done meanwhile is lost");
    }
    pump();
  }

  function key(action, keysym) {
    push({ key: { action, keysym, modifiers: [] } });
  }

  /** Has exactly these modifiers down. */
  function hold(wanted) {
    for (const name of Object.values(MODIFIERS)) {
      if (modifiers.has(name) && !wanted.includes(name)) {
        modifiers.delete(name);
        key("up", name);
      } else if (!modifiers.has(name) && wanted.includes(name)) {
        modifiers.add(name);
        key("down", name);
      }
    }
  }

  const heldIn = ({ ctrlKey, shiftKey, altKey, metaKey }) =>
    [ctrlKey && "ctrl", shiftKey && "shift", altKey && "alt", metaKey && "meta"].filter((name) => name);

  function release() {
    if (!driving) return;
    modifiers.clear();
    buttons.clear();
    push("release");
  }

  function type(text) {
    // Held keys would act on what is typed.
    hold([]);
    let part = "";
    for (const character of text.replace(/\r\n?/g, "\n")) {
      if (part.length + character.length > MOST_TEXT) {
        push({ text: { text: part, interval_ms: 0 } });
        part = "";
      }
      part += character;
    }
    if (part) push({ text: { text: part, interval_ms: 0 } });
  }

  function pointer(action, more = {}) {
    push({ pointer: { action, point: last, button: null, modifiers: [], dx: 0, dy: 0, ...more } });
  }

  /** The pixel of the picture under the mouse; nothing outside. */
  function place(event) {
    const box = screen.getBoundingClientRect();
    const x = Math.floor(((event.clientX - box.left) * screen.width) / box.width);
    const y = Math.floor(((event.clientY - box.top) * screen.height) / box.height);
    return x >= 0 && y >= 0 && x < screen.width && y < screen.height ? { x, y } : null;
  }

  screen.addEventListener("mousedown", (event) => {
    const at = driving && place(event);
    const button = BUTTONS[event.button];
    if (!at || !button) return;
    event.preventDefault();
    keys.focus({ preventScroll: true });
    hold(heldIn(event));
    last = at;
    buttons.add(button);
    pointer("down", { button });
  });

  // A drag may go on outside; where that is on the desktop is unknown.
  addEventListener("mousemove", (event) => {
    if (!driving || (event.target !== screen && buttons.size === 0)) return;
    const at = place(event);
    if (!at || (at.x === last.x && at.y === last.y)) return;
    last = at;
    pointer("move");
  });

  addEventListener("mouseup", (event) => {
    const button = BUTTONS[event.button];
    if (!buttons.delete(button)) return;
    event.preventDefault();
    last = place(event) ?? last;
    pointer("up", { button });
  });

  screen.addEventListener("contextmenu", (event) => driving && event.preventDefault());

  const wheel = (event) => {
    const at = driving && place(event);
    if (!at) return;
    event.preventDefault();
    const click = CLICK[event.deltaMode] ?? CLICK[0];
    scrolled = [scrolled[0] + event.deltaX / click, scrolled[1] - event.deltaY / click];
    const [dx, dy] = scrolled.map((clicks) => Math.max(-100, Math.min(100, Math.trunc(clicks))));
    if (dx === 0 && dy === 0) return;
    scrolled = [scrolled[0] - dx, scrolled[1] - dy];
    hold(heldIn(event));
    last = at;
    pointer("scroll", { dx, dy });
  };
  screen.addEventListener("wheel", wheel, { passive: false });

  keys.addEventListener("keydown", (event) => {
    if (!driving || event.isComposing || event.keyCode === 229) return;
    const name = event.key;
    if (event.ctrlKey && event.altKey && name === "Home") {
      event.preventDefault();
      leave();
      return;
    }
    if (Object.hasOwn(MODIFIERS, name)) {
      event.preventDefault();
      // Shift alone changes the text of this side; it goes there when something else than text needs it.
      if (name !== "Shift" && !event.repeat) hold(heldIn(event));
      return;
    }
    const isText = [...name].length === 1;
    const isOption = isMac && !event.ctrlKey && !event.metaKey;
    const isChord =
      (event.ctrlKey || event.altKey || event.metaKey) && !event.getModifierState("AltGraph") && !(isText && isOption);
    const isPaste = event.shiftKey && (event.ctrlKey || event.metaKey) && event.code === "KeyV";
    // The field takes these, and tells what became of them.
    if ((isText && !isChord) || isPaste) return;
    if (!isText && !KEYS.has(name) && !/^F\d+$/.test(name)) return;
    event.preventDefault();
    hold(heldIn(event));
    // In a chord a key is meant by its place where its own script has no such letter.
    const latin = /^(?:Key|Digit)([A-Z0-9])$/.exec(event.code)?.[1].toLowerCase();
    const keysym = isText && name.codePointAt(0) > 126 && latin ? latin : name;
    key("down", keysym);
    key("up", keysym);
  });

  keys.addEventListener("keyup", (event) => {
    if (!driving) return;
    const still = heldIn(event);
    hold([...modifiers].filter((name) => still.includes(name)));
  });

  // Whatever it came from: a key, a dead key, an input method, the clipboard.
  function typed() {
    const text = keys.value;
    keys.value = "";
    if (driving && text) type(text);
  }
  keys.addEventListener("input", (event) => event.isComposing || typed());
  keys.addEventListener("compositionend", typed);

  keys.addEventListener("blur", release);
  addEventListener("blur", release);
  document.addEventListener("visibilitychange", () => document.hidden && release());

  function leave() {
    push("leave");
    keys.blur();
  }

  return {
    drives: () => driving,
    leave,
    type,
    take() {
      push("take");
      keys.focus({ preventScroll: true });
    },
    drive(yes) {
      if (driving === yes) return;
      driving = yes;
      modifiers.clear();
      buttons.clear();
      keys.tabIndex = yes ? 0 : -1;
    },
    /** The server's name for this page. */
    meet(id) {
      viewer = id;
      waiting = [];
    },
    /** Which picture is pointed at from now on. */
    see(newest) {
      shape = newest;
    },
  };
}
