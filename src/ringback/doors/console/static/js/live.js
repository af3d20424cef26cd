// The page says when it is not live, and is brought up to date as soon as it is again.
import { say } from "./say.js";

const banner = document.getElementById("not-live");
const SIGN_IN = 4401;
const FIRST_MS = 500;
const LONGEST_MS = 5000;
let paused = false;
let lateness = 0;
let counting = 0;
let wasLost = false;

const seconds = (until) => Math.max(0, Math.ceil((until - Date.now()) / 1000));

/** Count down in `element` to a moment (ms); what is said once for ears is said elsewhere. */
function countDown(element, until) {
  clearInterval(counting);
  const tick = () => {
    const left = seconds(until);
    element.textContent = left ? `Trying again in ${left} s.` : "Trying again.";
    if (!left) clearInterval(counting);
  };
  tick();
  counting = setInterval(tick, 250);
}

function lost(text, until = 0) {
  if (!banner) return;
  banner.querySelector("[data-lost]").textContent = text;
  const again = banner.querySelector("[data-again-in]");
  if (until) countDown(again, until);
  else { clearInterval(counting); again.textContent = ""; }
  banner.hidden = false;
  document.body.classList.add("stale");
}

function found() {
  if (!banner) return;
  clearInterval(counting);
  banner.hidden = true;
  document.body.classList.remove("stale");
}

/** What is no live block is fetched again and morphed in: typing, focus and scrolling stay. */
function catchUp() {
  if (!document.getElementById("main")) return;
  htmx.ajax("GET", location.pathname + location.search, { target: "#main", select: "#main", swap: "outerMorph" });
}

document.addEventListener("htmx:ws:after:connection", () => {
  clearTimeout(lateness);
  if (paused) return;
  found();
  if (wasLost) catchUp();
  wasLost = false;
});
document.addEventListener("htmx:ws:close", (event) => {
  const { code, reason, connection } = event.detail;
  if (code === SIGN_IN) { location.href = "/console/sign-in"; return; }
  if (document.hidden || reason === "removed" || !connection.config.reconnect) return;
  // The library waits as long as its settings say, so what is said here is what happens.
  const wait = Math.min(FIRST_MS * 2 ** connection.attempt, LONGEST_MS) * (0.8 + 0.4 * Math.random());
  connection.config = { ...connection.config, reconnectDelay: wait, reconnectMaxDelay: wait, reconnectJitter: 0 };
  const until = Date.now() + wait;
  wasLost = true;
  clearTimeout(lateness);
  lateness = setTimeout(() => { if (!paused) lost("Not live.", until); }, banner?.hidden ? 300 : 0);
});
document.addEventListener("htmx:ws:before:message:incoming", (event) => { if (paused) event.preventDefault(); });
addEventListener("pagehide", () => clearTimeout(lateness));

export function pause() {
  paused = !paused;
  if (!paused) { location.reload(); return; }
  lost("Paused. Press . to go on.");
  for (const button of document.querySelectorAll("[data-pause]")) {
    button.textContent = "Go on";
    button.className = "pill warn";
  }
}

/** Show other blocks: the socket is opened anew with the names of all that the page shows. */
export function follow(names) {
  const live = document.getElementById("live");
  const next = live.cloneNode(false);
  next.setAttribute("hx-ws:connect", `/console/live?${["trouble", ...names].map((name) => `show=${encodeURIComponent(name)}`).join("&")}`);
  const old = live._htmx?.ws?.connection?.socket;
  live.replaceWith(next);
  old?.close(1000);
  htmx.process(next);
}

// A request that nobody answered: what was typed is where it was.
document.addEventListener("htmx:error", (event) => {
  const source = event.detail?.ctx?.sourceElement;
  if (!source || source === document.body) return;
  say("The server did not answer. What you typed is still here: try again when the page is live.");
});

// A page that could not be shown asks for itself again.
const again = document.querySelector("[data-reload]");
if (again) {
  const until = Date.now() + LONGEST_MS;
  countDown(again, until);
  setTimeout(() => location.reload(), LONGEST_MS);
}
