"use strict";
// Makes pages livelier that work without it: local times, live counts, countdowns, the waiting room.

const lang = document.documentElement.lang;
const all = (selector, within = document) => [...within.querySelectorAll(selector)];
const set = (element, text) => { if (element && element.textContent !== text) element.textContent = text; };

for (const time of all("time")) {
  const at = new Date(time.dateTime);
  if (!isNaN(at)) time.textContent = at.toLocaleString(lang, { dateStyle: "medium", timeStyle: "short" });
}

// Timers of browsers take 31 bits of milliseconds.
const TIMER_MAX_MS = 2 ** 31 - 1;
const at = (time, act) => { if (time > Date.now()) setTimeout(act, Math.min(time - Date.now(), TIMER_MAX_MS)); };

// Pages that wait for the same moment do not come back at the same moment.
for (const opening of all("p[data-opens]")) at(Date.parse(opening.dataset.opens), () => setTimeout(() => location.reload(), 500 + Math.random() * 2500));

for (const button of all('[data-do="print"]')) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}

for (const countdown of all("[data-until]")) {
  const until = Date.parse(countdown.dataset.until);
  const left = countdown.querySelector("span");
  countdown.hidden = false;
  const tick = () => {
    const seconds = Math.max(0, Math.ceil((until - Date.now()) / 1000));
    set(left, `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`);
    if (seconds > 0) setTimeout(tick, 250); else setTimeout(() => location.reload(), 1000);
  };
  tick();
}

const counted = (element, number) =>
  set(element, number === 0 ? element.dataset.none : (number === 1 ? element.dataset.one : element.dataset.left).replace("{}", number));

function follow(url, take, lost) {
  const source = new EventSource(url);
  source.onmessage = (message) => take(JSON.parse(message.data));
  source.onerror = () => {
    lost?.();
    // A refused stream is not tried again by the browser.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => follow(url, take, lost), 2000 + Math.random() * 3000);
  };
}

for (const section of all("[data-stream]")) {
  const whole = section.querySelector("[data-left]:not([data-stock])");
  follow(section.dataset.stream, (event) => {
    const stocks = event.stocks;
    for (const count of all("[data-stock]", section)) {
      const stock = stocks[count.dataset.stock];
      if (!stock) continue;
      counted(count, stock.available);
      const input = document.getElementById(`qty-${count.dataset.stock}`);
      if (input) input.max = Math.min(stock.available, input.defaultMax ??= Number(input.max));
    }
    counted(whole, Object.values(stocks).reduce((sum, stock) => sum + stock.available, 0));
  });
}

// The waiting room. The place is kept in this browser, so closing the page loses nothing.
for (const room of all("[data-queue]")) waitingRoom(room, room.dataset.queue);

function waitingRoom(room, api) {
  const store = {
    get: (name) => { try { return JSON.parse(localStorage.getItem(`${api} ${name}`)); } catch { return null; } },
    put: (name, value) => { try { localStorage.setItem(`${api} ${name}`, JSON.stringify(value)); } catch { /* private mode */ } },
  };
  const part = (name) => room.querySelector(`[data-show="${name}"]`);
  const button = (name) => room.querySelector(`[data-do="${name}"]`);
  const form = document.querySelector("[data-hold]");
  const opens = Date.parse(room.dataset.opens);
  const state = { frame: null, place: store.get("place"), pass: store.get("pass"), turn: null, refused: null, lost: false, asking: false };

  const show = () => {
    const { frame, place, pass, turn } = state;
    const shown = new Set();
    const hasPass = pass && Date.parse(pass.expires_at) > Date.now();
    const isEarly = Date.now() < opens;
    if (isEarly) shown.add("before");
    if (place && !hasPass) shown.add("place");
    if (state.refused) shown.add(state.refused);
    if (state.lost) shown.add("lost");
    if (hasPass) shown.add("entered");
    else if (frame?.paused) shown.add("paused");
    else if (frame && place) {
      const ahead = turn?.n == null ? null : Math.max(0, turn.n - frame.serving - 1);
      if (turn?.state === "done" || frame.phase === "sold_out") shown.add("over");
      else if (turn?.state === "expired") shown.add("lapsed");
      else if (turn?.state === "called") shown.add("called");
      else if (ahead === null) shown.add("drawing");
      else if (ahead === 0) shown.add("next");
      else {
        const of = part("ahead");
        set(of, of.dataset.text.replace("{}", ahead));
        shown.add("ahead");
        if (frame.eta_s && frame.waiting) {
          const wait = part("wait");
          set(wait, wait.dataset.text.replace("{}", Math.max(1, Math.round(frame.eta_s * ahead / frame.waiting / 60))));
          shown.add("wait");
        }
      }
    } else if (frame && frame.phase === "sold_out") shown.add("over");
    for (const one of all("[data-show]", room)) one.hidden = !shown.has(one.dataset.show);
    button("join").hidden = isEarly || Boolean(place) || hasPass || frame?.phase === "sold_out";
    button("enter").hidden = hasPass || turn?.state !== "called";
    if (form) {
      form.hidden = !hasPass;
      if (hasPass) form.elements.pass.value = pass.pass;
    }
  };

  // The turn is asked for when it may have changed: at the draw, and when it is near.
  const askTurn = async () => {
    if (!state.place || state.asking) return;
    state.asking = true;
    try {
      const answer = await fetch(`${api}/place`, { headers: { "Queue-Place": state.place.place } });
      if (answer.ok) state.turn = await answer.json();
      if (answer.status === 401) { state.place = state.turn = null; store.put("place", null); }
    } catch { /* asked again with the next frame */ } finally { state.asking = false; }
    show();
  };

  button("join").addEventListener("click", async () => {
    const key = store.get("key") ?? crypto.randomUUID();
    store.put("key", key);
    try {
      const answer = await fetch(api, {
        method: "POST",
        headers: { "Content-Type": "application/json", "Idempotency-Key": `"${key}"` },
        body: "{}",
      });
      if (answer.ok) {
        state.place = await answer.json();
        state.refused = null;
        store.put("place", state.place);
      } else state.refused = answer.status === 503 ? "lost" : "full";
    } catch { state.refused = "lost"; }
    show();
    askTurn();
  });

  button("enter").addEventListener("click", async () => {
    try {
      const answer = await fetch(`${api}/pass`, {
        method: "POST",
        headers: { "Content-Type": "application/json", "Queue-Place": state.place.place },
      });
      if (answer.ok) {
        state.pass = await answer.json();
        store.put("pass", state.pass);
        show();
        form?.querySelector("input[type=number]")?.focus();
        return;
      }
    } catch { /* the button stays */ }
    askTurn();
  });

  follow(`${api}/stream`, (frame) => {
    const before = state.frame;
    state.frame = frame;
    state.lost = false;
    const turn = state.turn;
    const isNear = turn?.n != null && turn.n <= frame.serving + 1 && turn.state !== "done";
    if (!turn || frame.phase !== before?.phase || isNear || turn.state === "expired") askTurn();
    show();
  }, () => { state.lost = true; show(); });
  at(opens, () => setTimeout(show, 100));
  show();
}
