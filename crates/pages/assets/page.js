"use strict";
// Makes pages livelier that work without it: local times, live counts, countdowns. The waiting room
// needs it.

const lang = document.documentElement.lang;
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const set = (element, text) => { if (element && element.textContent !== text) element.textContent = text; };
const between = (least_ms, most_ms) => least_ms + Math.random() * (most_ms - least_ms);

// The service's time: the clock of a device may be minutes wrong.
const skew_ms = Number(document.documentElement.dataset.now) - Date.now();
const now = () => Date.now() + skew_ms;
// Timers stand still while a device sleeps, so none waits for long.
const TIMER_MAX_MS = 15_000;
const at = (time, act) => {
  if (isNaN(time)) return;
  const left_ms = time - now();
  if (left_ms <= 0) act(); else setTimeout(() => at(time, act), Math.min(left_ms + 1, TIMER_MAX_MS));
};
// With GET, also where a form was sent.
const reload = () => location.replace(location.pathname + location.search);

// A page from the browser's history has an old form and old counts.
addEventListener("pageshow", (event) => { if (event.persisted) reload(); });

for (const time of all("time")) {
  const moment = new Date(time.dateTime);
  if (!isNaN(moment)) time.textContent = moment.toLocaleString(lang, { dateStyle: "medium", timeStyle: "short" });
}

// Pages that wait for the same moment do not come back at the same moment.
for (const opening of all("[data-reload-at]")) at(Date.parse(opening.dataset.reloadAt), () => setTimeout(reload, between(1000, 4000)));

for (const button of all('[data-do="print"]')) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

for (const countdown of all("[data-until]")) {
  const until = Date.parse(countdown.dataset.until);
  const left = countdown.querySelector("span");
  countdown.hidden = false;
  const tick = () => {
    const seconds = Math.max(0, Math.ceil((until - now()) / 1000));
    set(left, `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`);
    if (seconds > 0) setTimeout(tick, 250); else setTimeout(reload, between(1000, 2000));
  };
  tick();
}

// Follows a stream for ever. One that is refused is asked for less and less often.
const RETRY_MAX_MS = 60_000;
function follow(url, take, lost, retry_ms = 2_000) {
  const source = new EventSource(url);
  source.onmessage = (message) => { retry_ms = 2_000; take(JSON.parse(message.data)); };
  source.onerror = () => {
    lost?.();
    // The browser tries again by itself, unless the stream was refused.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => follow(url, take, lost, Math.min(2 * retry_ms, RETRY_MAX_MS)), between(retry_ms, 2 * retry_ms));
  };
}

const counted = (element, number) =>
  set(element, number === 0 ? element.dataset.none : (number === 1 ? element.dataset.one : element.dataset.left).replace("{}", number));

function followCounts(section) {
  const whole = section.querySelector("[data-left]:not([data-stock])");
  const form = section.querySelector("[data-hold]");
  follow(section.dataset.stream, (event) => {
    for (const count of all("[data-stock]", section)) {
      const stock = event.stocks[count.dataset.stock];
      if (!stock) continue;
      counted(count, stock.available);
      const input = document.getElementById(`qty-${count.dataset.stock}`);
      if (input) input.max = Math.min(stock.available, Number(input.dataset.most));
    }
    const available = Object.values(event.stocks).reduce((sum, stock) => sum + stock.available, 0);
    counted(whole, available);
    if (form && !("queue" in form.dataset)) form.hidden = available === 0;
  });
}

const rooms = all("[data-queue]:not(form)");
// In a waiting room, each buyer follows one stream: the counts follow with the pass.
if (rooms.length === 0) all("[data-stream]").forEach(followCounts);
for (const room of rooms) waitingRoom(room, room.dataset.queue);

// The place is kept in this browser, so closing the page loses nothing.
function waitingRoom(room, api) {
  const store = {
    get: (name) => { try { return JSON.parse(localStorage.getItem(`${api} ${name}`)); } catch { return null; } },
    put: (name, value) => { try { localStorage.setItem(`${api} ${name}`, JSON.stringify(value)); return true; } catch { return false; } },
  };
  const part = (name) => room.querySelector(`[data-show="${name}"]`);
  const button = (name) => room.querySelector(`[data-do="${name}"]`);
  const form = document.querySelector("[data-hold]");
  const opens = Date.parse(room.dataset.opens);
  const isRetry = document.querySelector('[data-code="retry"]') !== null;
  const state = { frame: null, place: store.get("place"), pass: store.get("pass"), turn: null, note: null, isKept: true, isLost: false };
  let timer = null, retry_ms = 2_000, hasCounts = false;

  const hasPass = () => Boolean(state.pass) && Date.parse(state.pass.expires_at) > now();
  const forget = () => {
    state.place = state.pass = state.turn = null;
    for (const name of ["place", "pass", "key"]) store.put(name, null);
  };
  // The refusal of the form that was sent from here.
  if (document.querySelector('[data-code="pass_spent"]')) forget();
  // A pass that ran out is the only one of its place.
  const endPass = () => {
    if (state.pass && !hasPass()) { forget(); state.note = "used"; }
  };

  const shown = () => {
    const { frame, place, turn } = state;
    const parts = new Set();
    if (now() < opens) parts.add("before");
    if (state.note) parts.add(state.note);
    if (state.isLost) parts.add("lost");
    if (hasPass()) return parts.add("entered");
    if (place) parts.add(state.isKept ? "place" : "unkept");
    if (!frame) return parts;
    if (frame.paused) return parts.add("paused");
    if (frame.phase === "sold_out") return parts.add("over");
    if (!place) return parts;
    if (turn?.state === "expired") return parts.add("lapsed");
    if (turn?.state === "called") return parts.add("called");
    if (turn?.n == null) return parts.add("drawing");
    const ahead = Math.max(0, turn.n - frame.serving - 1);
    if (ahead === 0) return parts.add("next");
    set(part("ahead"), part("ahead").dataset.text.replace("{}", ahead));
    parts.add("ahead");
    if (frame.eta_s && frame.waiting) {
      set(part("wait"), part("wait").dataset.text.replace("{}", Math.max(1, Math.round(frame.eta_s * ahead / frame.waiting / 60))));
      parts.add("wait");
    }
    return parts;
  };

  const show = () => {
    const parts = shown();
    for (const one of all("[data-show]", room)) one.hidden = !parts.has(one.dataset.show);
    button("join").hidden = now() < opens || Boolean(state.place) || hasPass() || state.frame?.phase === "sold_out";
    button("enter").hidden = hasPass() || !["called", "expired"].includes(state.turn?.state) || Boolean(state.frame?.paused);
    if (!form) return;
    form.hidden = !hasPass();
    if (!hasPass()) return;
    form.elements.pass.value = state.pass.pass;
    if (!hasCounts) { hasCounts = true; all("[data-stream]").forEach(followCounts); }
  };

  // Asks for the turn once, at a time of its own: thousands of pages get the same frame.
  const askWithin = (most_ms) => { timer ??= setTimeout(askTurn, between(0, most_ms)); };
  const askTurn = async () => {
    timer = null;
    if (!state.place) return;
    try {
      const answer = await fetch(`${api}/place`, { headers: { "Queue-Place": state.place.place } });
      if (answer.status === 401) forget();
      else if (!answer.ok) throw new Error(answer.status);
      else {
        state.turn = await answer.json();
        // A form whose outcome is not known can be sent again: the pass may be used by it.
        if (state.turn.state === "done" && !isRetry) { forget(); state.note = "used"; }
        // When its time to come in ends, it is passed over.
        if (state.turn?.state === "called" && state.turn.until && !hasPass()) at(Date.parse(state.turn.until), () => askWithin(3_000));
      }
      retry_ms = 2_000;
    } catch {
      timer ??= setTimeout(askTurn, between(retry_ms, 2 * retry_ms));
      retry_ms = Math.min(2 * retry_ms, RETRY_MAX_MS);
    }
    show();
  };

  const send = (path, headers) => fetch(api + path, { method: "POST", headers: { "Content-Type": "application/json", ...headers }, body: path ? undefined : "{}" });

  button("join").addEventListener("click", async () => {
    // The same key is the same place, however often it is sent.
    const key = store.get("key") ?? newKey();
    store.put("key", key);
    state.note = null;
    try {
      const answer = await send("", { "Idempotency-Key": `"${key}"` });
      if (answer.ok) {
        state.place = await answer.json();
        state.isKept = store.put("place", state.place);
      } else state.note = answer.status === 409 ? "full" : "busy";
    } catch { state.note = "busy"; }
    show();
    askWithin(0);
  });

  button("enter").addEventListener("click", async () => {
    state.note = null;
    try {
      const answer = await send("/pass", { "Queue-Place": state.place.place });
      if (answer.ok) {
        const pass = await answer.json();
        state.pass = pass;
        store.put("pass", pass);
        at(Date.parse(pass.expires_at), () => { endPass(); show(); });
        show();
        form?.querySelector("input[type=number]")?.focus();
        return;
      }
      state.note = answer.status === 409 ? "soon" : "busy";
    } catch { state.note = "busy"; }
    show();
  });

  follow(`${api}/stream`, (frame) => {
    Object.assign(state, { frame, isLost: false });
    const { turn } = state;
    const isDrawn = frame.phase === "open" && turn?.n == null;
    const isCalled = turn?.state === "waiting" && turn.n != null && turn.n <= frame.serving;
    if (state.place && !hasPass() && (isDrawn || isCalled)) askWithin(3_000);
    show();
  }, () => { state.isLost = true; show(); });
  if (now() < opens) at(opens, show);
  if (state.pass) at(Date.parse(state.pass.expires_at), () => { endPass(); show(); });
  addEventListener("visibilitychange", () => { if (!document.hidden) { endPass(); show(); askWithin(1_000); } });
  show();
  askWithin(0);
}

// A UUID, also where the page came without TLS and `crypto.randomUUID` is missing.
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}
