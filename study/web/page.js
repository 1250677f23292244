"use strict";
// What happens when: consent, pairs, pause, end. `backend` keeps the votes, `viewer` moves the pictures.
const at = (id) => document.getElementById(id);
const screens = ["welcome", "judge", "paused", "end"].map(at);
const sides = { left: at("left"), right: at("right") };
const lows = [...document.querySelectorAll("img.low")];
const SETTLE = 250; // milliseconds in which a second press is taken for a slip
const AGAIN = 1500;
let now = null; // the state: total, done, trial, next
let shownAt = 0;
let busy = true;
let asked = false; // a press is being answered; another one is a slip

const say = (text) => (at("live").textContent = text);
const trouble = (text) => {
  at("trouble").textContent = text;
  at("trouble").hidden = !text;
};
const wait = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

const go = (name) => {
  for (const screen of screens) screen.hidden = screen.id !== name;
  at(name).querySelector("h1").focus();
};

const ready = (is) => {
  busy = !is;
  for (const button of at("judge").querySelectorAll(".choices button")) button.setAttribute("aria-disabled", String(!is));
  at("undo").setAttribute("aria-disabled", String(!is || !now?.done));
};

const once = (action) => async () => {
  if (asked) return;
  asked = true;
  try {
    await action();
  } finally {
    asked = false;
  }
};

// Asks until there is an answer: a lost connection or a stopped server loses nothing, it only takes longer.
const insist = async (request) => {
  for (;;) {
    try {
      const answer = await request();
      trouble("");
      return answer;
    } catch (error) {
      if (error.status === 409) {
        say(error.message);
        return backend.state();
      }
      if (error.status === 401) return { joined: false, pairs: now?.total };
      if ((error.status && error.status < 500) || error.name === "QuotaExceededError" || error.name === "SecurityError") {
        trouble(error.message);
        throw error;
      }
      trouble(`${error.status ? error.message : "No connection to the study."} Trying again; keep this page open.`);
      await wait(AGAIN);
    }
  }
};

const loaded = async (picture, token) => {
  picture.src = backend.picture(token);
  await insist(async () => {
    try {
      await picture.decode();
    } catch {
      const again = picture.src.split("#")[0];
      picture.src = "";
      picture.src = again;
      throw new Error("not loaded");
    }
  });
};

const preload = (pair) => {
  for (const token of pair ? [pair.left, pair.right, pair.input] : []) {
    if (!token) continue;
    const picture = new Image();
    picture.src = backend.picture(token);
    picture.decode().catch(() => {}); // shown later, and asked for again then
  }
};

const low = (show) => {
  if (!now?.trial?.input) return;
  for (const picture of lows) picture.hidden = !show;
  at("input").setAttribute("aria-pressed", String(show));
};

const show = async () => {
  const { trial, done, total } = now;
  at("count").textContent = `Pair ${done + 1} of ${total}`;
  at("progress").max = total;
  at("progress").value = done;
  at("stage").classList.add("unready");
  low(false);
  await Promise.all([loaded(sides.left, trial.left), loaded(sides.right, trial.right)]);
  viewer.shape(sides.left);
  for (const picture of lows) trial.input ? (picture.src = backend.picture(trial.input)) : picture.removeAttribute("src");
  at("input").hidden = !trial.input;
  at("stage").classList.remove("unready");
  shownAt = performance.now();
  say(`Pair ${done + 1} of ${total}.`);
  preload(now.next);
  await wait(SETTLE);
  ready(true);
};

// A file that nobody saved would go with the next person's beginning.
const mayLeave = (state) => {
  for (const id of ["leave", "leave-early"]) at(id).hidden = Boolean(backend.file) && !state.saved;
};

const follow = async (state) => {
  now = state;
  if (!state.joined) {
    at("amount").textContent = state.pairs || "many";
    return go("welcome");
  }
  if (!state.trial) {
    at("end-text").textContent = backend.file
      ? "All pairs are judged. Save the votes file and send it to whoever gave you this study."
      : "All pairs are judged, and every vote is kept. You can close this page.";
    mayLeave(state);
    return go("end");
  }
  if (!at("paused").hidden) return mayLeave(state); // paused while the answer was awaited: "Go on" shows the pair
  if (at("judge").hidden) go("judge");
  return show();
};

const vote = async (choice) => {
  if (busy || at("judge").hidden) return;
  ready(false);
  const { token } = now.trial;
  const took = Math.round(performance.now() - shownAt);
  await follow(await insist(() => backend.vote(token, choice, took)));
};

const undo = once(async () => {
  if ((busy && !at("judge").hidden) || !now?.done) return;
  ready(false);
  const { done } = now;
  await follow(await insist(() => backend.undo(done)));
  if (now.done === done - 1) say(`Undone. Pair ${now.done + 1} of ${now.total} again.`);
});

const pause = () => {
  ready(false);
  low(false);
  mayLeave(now);
  go("paused");
};

const save = async () => {
  const { name, text } = backend.file();
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
  mayLeave({ saved: true });
  say(`The votes are saved as ${name}.`);
};

at("start").addEventListener("click", once(async () => {
  if (!at("agree").checked) {
    at("missing-consent").textContent = "Please tick the box above first.";
    return at("agree").focus();
  }
  at("missing-consent").textContent = "";
  return follow(await insist(() => backend.join()));
}));
for (const choice of ["left", "tie", "right"]) at(`choose-${choice}`).addEventListener("click", () => vote(choice));
at("undo").addEventListener("click", undo);
at("undo-end").addEventListener("click", undo);
at("pause").addEventListener("click", pause);
at("resume").addEventListener("click", async () => {
  const state = await insist(() => backend.state());
  go("judge");
  await follow(state);
});
for (const id of ["leave", "leave-early"]) {
  at(id).addEventListener("click", async () => {
    at("agree").checked = false;
    await follow(await insist(() => backend.leave()));
  });
}
at("keys-open").addEventListener("click", () => at("keys").showModal());
at("zoom-in").addEventListener("click", () => viewer.zoom(1.5));
at("zoom-out").addEventListener("click", () => viewer.zoom(1 / 1.5));
at("zoom-fit").addEventListener("click", () => viewer.fit());
for (const button of document.querySelectorAll(".save")) {
  button.hidden = !backend.file;
  button.addEventListener("click", save);
}

// The original: held by finger, mouse or key; a click that no finger made (keyboard, screen reader) switches it.
at("input").addEventListener("pointerdown", (event) => {
  at("input").setPointerCapture(event.pointerId);
  low(true);
});
for (const end of ["pointerup", "pointercancel", "lostpointercapture"]) at("input").addEventListener(end, () => low(false));
at("input").addEventListener("click", (event) => event.detail === 0 && low(lows[0].hidden));
at("input").addEventListener("contextmenu", (event) => event.preventDefault());

const STEP = 0.15;
const MOVES = { ArrowLeft: [STEP, 0], ArrowRight: [-STEP, 0], ArrowUp: [0, STEP], ArrowDown: [0, -STEP] };
const KEYS = {
  ArrowLeft: () => vote("left"),
  ArrowRight: () => vote("right"),
  ArrowDown: () => vote("tie"),
  " ": () => vote("tie"),
  u: undo,
  Backspace: undo,
  p: pause,
  i: () => low(true),
  "+": () => viewer.zoom(1.5),
  "=": () => viewer.zoom(1.5),
  "-": () => viewer.zoom(1 / 1.5),
  0: () => viewer.fit(),
};

document.addEventListener("keydown", (event) => {
  if (at("judge").hidden || at("keys").open || !at("letters").checked || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === " " && event.target.closest("button, input")) return; // it presses the button that has the focus
  const move = event.shiftKey && MOVES[event.key];
  const action = move ? () => viewer.pan(...move) : KEYS[event.key.length === 1 ? event.key.toLowerCase() : event.key];
  if (!action) return;
  event.preventDefault();
  if (event.repeat && !move) return; // a key that is held down is one vote
  action();
});
document.addEventListener("keyup", (event) => event.key.toLowerCase() === "i" && low(false));
window.addEventListener("blur", () => low(false));

insist(() => backend.state()).then(follow);
