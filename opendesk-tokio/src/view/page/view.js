// The live picture of a desktop. What the server tells is shown as text, never as markup.

import { hands } from "/input.js";

const [name, status, again, control, paste, zoom, hint, notice, room, screen] =
  ["name", "status", "again", "control", "paste", "zoom", "hint", "notice", "room", "screen"]
    .map((id) => document.getElementById(id));

// Without alpha the pixels are exactly those that were sent.
const pen = screen.getContext("2d", { alpha: false });

const SCREENS = {
  shown: "",
  blank: "it shows nothing but one colour, or lets nobody capture it",
  locked: "it is locked",
  asleep: "its screen is switched off; input wakes it",
};

const LINKS = { connecting: "Connecting…", connected: "Live", reconnecting: "Reconnecting", busy: "Busy", ended: "Ended" };

// Milliseconds until a server that is gone is asked again.
const PAUSE = 1000;

/** An answer that trying again does not change. */
class Refused extends Error {}

let token = "";
let link = { link: "connecting", why: "" };
let shown = "shown";

function tell(line) {
  notice.textContent = line;
  notice.hidden = line === "";
}

function show() {
  const screenIs = link.link === "connected" ? SCREENS[shown] : "";
  const why = [link.why, screenIs].filter((part) => part).join("; ");
  const line = LINKS[link.link] + (why ? `: ${why}` : "");
  if (status.textContent !== line) status.textContent = line;
  status.dataset.link = link.link;
  room.classList.toggle("stale", link.link !== "connected" && screen.width > 0);
  again.hidden = link.link !== "ended";
}

/** Asks the server for something, with the token; gives its answer when it is a good one. */
async function ask(path, options = {}) {
  const headers = { Authorization: `Bearer ${token}`, ...options.headers };
  const answer = await fetch(path, { ...options, headers, cache: "no-store", redirect: "error" });
  if (!answer.ok) throw new Refused((await answer.text()) || `the server said ${answer.status}`);
  return answer;
}

// The address bar and the history keep no key; a reload finds it in what the browser keeps for this tab.
async function enter() {
  const given = location.hash.slice(1);
  if (given === "") {
    token = sessionStorage.getItem("token") ?? "";
    return;
  }
  history.replaceState(null, "", location.pathname);
  token = given;
  token = await (await ask("/enter", { method: "POST" })).text();
  sessionStorage.setItem("token", token);
}

/** Bytes of a stream, by their number. */
class Bytes {
  #reader;
  #chunk = new Uint8Array(0);

  constructor(body) {
    this.#reader = body.getReader();
  }

  /** The next ones; nothing at the end. */
  async take(length) {
    const taken = new Uint8Array(length);
    for (let filled = 0; filled < length;) {
      if (this.#chunk.length === 0) {
        const { done, value } = await this.#reader.read();
        if (done) return null;
        this.#chunk = value;
      }
      const part = this.#chunk.subarray(0, length - filled);
      taken.set(part, filled);
      filled += part.length;
      this.#chunk = this.#chunk.subarray(part.length);
    }
    return taken;
  }
}

/** Shows a picture, or what has changed of the last one: all of it at once. */
async function draw(head, body) {
  let start = 0;
  const decoded = head.patches.map(([x, y, width, height, length]) => {
    const data = body.subarray(start, (start += length));
    const options = { colorSpaceConversion: "none", premultiplyAlpha: "none" };
    return createImageBitmap(new Blob([data], { type: head.type }), options).then((bitmap) => ({ bitmap, x, y, width, height }));
  });
  const patches = await Promise.all(decoded);
  if (head.whole && (screen.width !== head.width || screen.height !== head.height)) {
    screen.width = head.width;
    screen.height = head.height;
    resize();
  }
  for (const { bitmap, x, y, width, height } of patches) {
    pen.drawImage(bitmap, x, y, width, height);
    bitmap.close();
  }
}

const desktop = hands({
  screen,
  keys: document.getElementById("keys"),
  tell,
  send: (batch) => {
    const headers = { "Content-Type": "application/json" };
    return ask("/input", { method: "POST", headers, body: JSON.stringify(batch) });
  },
});

function drives(yes) {
  desktop.drive(yes);
  control.setAttribute("aria-pressed", String(yes));
  room.classList.toggle("driving", yes);
  paste.hidden = !yes;
  hint.hidden = !yes;
}

/** Looks until the server ends it. */
async function look() {
  const answer = await ask("/stream");
  const bytes = new Bytes(answer.body);
  const text = new TextDecoder();
  for (;;) {
    const lengths = await bytes.take(8);
    if (lengths === null) return;
    const view = new DataView(lengths.buffer);
    const head = await bytes.take(view.getUint32(0));
    const body = head && (await bytes.take(view.getUint32(4)));
    if (!body) return;
    const packet = JSON.parse(text.decode(head));
    switch (packet.kind) {
      case "hello":
        name.textContent = packet.name;
        document.title = `${packet.name} – opendesk`;
        screen.setAttribute("aria-label", `The desktop of ${packet.name}`);
        control.hidden = !packet.control;
        desktop.meet(packet.viewer);
        break;
      case "status":
        link = packet;
        break;
      case "drives":
        drives(packet.you);
        break;
      case "picture":
        // The next packet waits for this one: whoever draws slowly is sent fewer.
        await draw(packet, body);
        shown = packet.screen;
        desktop.see(packet.shape);
        break;
    }
    show();
  }
}

async function main() {
  try {
    await enter();
    for (;;) {
      try {
        await look();
      } catch (error) {
        if (error instanceof Refused) throw error;
      }
      drives(false);
      link = { link: "reconnecting", why: "`opendesk view` does not answer; if it has ended, start it again" };
      show();
      await new Promise((done) => setTimeout(done, PAUSE));
    }
  } catch (error) {
    drives(false);
    control.hidden = true;
    link = { link: "ended", why: error instanceof Refused ? error.message : "`opendesk view` does not answer; start it again" };
    show();
    again.hidden = true;
  }
}

function resize() {
  const actual = room.classList.contains("actual");
  // One pixel of the desktop is one of this screen, whatever the browser's own zoom is.
  screen.style.width = actual ? `${screen.width / devicePixelRatio}px` : "";
}

zoom.addEventListener("click", () => {
  const actual = room.classList.toggle("actual");
  zoom.setAttribute("aria-pressed", String(actual));
  resize();
});
addEventListener("resize", resize);
again.addEventListener("click", () => ask("/again", { method: "POST" }).catch((error) => tell(error.message)));
control.addEventListener("click", () => (desktop.drives() ? desktop.leave() : desktop.take()));
paste.addEventListener("click", async () => {
  try {
    desktop.type(await navigator.clipboard.readText());
  } catch {
    tell("the browser does not give the clipboard away; press Ctrl+Shift+V in the desktop instead");
  }
});
// Another address of opendesk was opened in this tab.
addEventListener("hashchange", () => location.hash.length > 1 && location.reload());

main();
