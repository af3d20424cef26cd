import { obstacle } from "./microphone.js";
import { say } from "./say.js";

// A person at a phone: this browser's microphone and speaker, in a call that the phone makes or answers. What the call is doing its
// live block says; the strip below it says what the microphone is doing, and ends it where the block does not show the call.
const held = new Map(); // by the id of the phone's element, which may be drawn anew: its client, and the id of its call
const fading = new Map();
const phoneOf = (element) => element.closest(".handset").id;
const stripOf = (phone) => document.getElementById(phone)?.querySelector("[data-mic]");

function show(phone, text, { talking = false, fades = false } = {}) {
  const strip = stripOf(phone);
  if (!strip) return;
  clearTimeout(fading.get(phone));
  strip.querySelector("[data-mic-state]").textContent = text;
  const mute = strip.querySelector("[data-mute]");
  if (!talking) mute.setAttribute("aria-pressed", "false");
  mute.hidden = !talking;
  strip.toggleAttribute("data-on", held.has(phone));
  strip.hidden = false;
  if (fades) fading.set(phone, setTimeout(() => { strip.hidden = true; }, 5000));
}

/** Say why a call is over, unless somebody just hung up. */
async function tellWhy(id) {
  try {
    const answer = await fetch(`/console/phones/calls/${id}/why`);
    const told = answer.ok ? await answer.json() : {};
    if (told.why) say(told.why);
  } catch { /* the server is away, which the page says */ }
}

async function talk(phone, path, values) {
  const answer = await fetch(path, { method: "POST", mode: "cors", body: new URLSearchParams(values) });
  const told = await answer.json();
  if (!answer.ok) throw new Error(told.error);
  const { AgentPhoneWebClient } = await import("/sdk/agentphone-web-sdk.js");
  const client = new AgentPhoneWebClient({ baseUrl: new URL("/sim/", location.href).href });
  let wrong = "";
  const over = () => {
    if (held.get(phone)?.client === client) held.delete(phone);
    show(phone, wrong || "Call ended", { fades: true });
    tellWhy(told.callId);
  };
  client.on("call_started", () => show(phone, "Microphone on", { talking: true }));
  client.on("reconnecting", () => show(phone, "Connection lost. Trying again", { talking: true }));
  client.on("reconnected", () => show(phone, "Microphone on", { talking: true }));
  client.on("error", (error) => { wrong = error.message.replace(/^./, (first) => first.toUpperCase()); });
  client.on("call_ended", over);
  held.set(phone, { client, id: told.callId });
  show(phone, "Connecting");
  try {
    await client.startCall({ accessToken: told.accessToken });
  } catch {
    over();
  }
}

/** With the microphone over `path`/talk; where there is none over `path`/`otherwise`, which speaks and hears nothing. */
async function hold(button, path, otherwise, values = {}) {
  const phone = phoneOf(button);
  if (held.has(phone)) return;
  button.disabled = true;
  try {
    const blocked = await obstacle();
    if (blocked) {
      show(phone, `${blocked}: keys only`, { fades: true });
      await htmx.ajax("POST", `${path}/${otherwise}`, { source: button, values, swap: "none" });
    } else {
      show(phone, "Connecting");
      await talk(phone, `${path}/talk`, values);
    }
  } catch (error) {
    show(phone, "No call", { fades: true });
    say(error.message);
  } finally {
    button.disabled = false;
  }
}

document.addEventListener("click", (event) => {
  const at = (selector) => event.target.closest?.(selector);
  const dial = at("[data-dial]");
  if (dial) {
    const { dial: path, to } = dial.dataset;
    const said = dial.closest(".handset").querySelector("[data-say]").value.trim();
    if (said) htmx.ajax("POST", `${path}/calls`, { source: dial, values: { to, say: said }, swap: "none" });
    else hold(dial, path, "calls", { to });
  }
  const answer = at("[data-answer]");
  if (answer) hold(answer, answer.dataset.answer, "answer");
  // The page hangs up itself, too: its microphone is off even while the server is away.
  const ends = at("[data-hang-up], [data-stop]");
  const mine = ends && held.get(phoneOf(ends));
  if (mine && [undefined, mine.id].includes(ends.dataset.hangUp)) mine.client.stopCall();
  const mute = at("[data-mute]");
  const call = mute && held.get(phoneOf(mute));
  if (call) {
    const muted = mute.getAttribute("aria-pressed") !== "true";
    if (muted) call.client.mute(); else call.client.unmute();
    mute.setAttribute("aria-pressed", String(muted));
    stripOf(phoneOf(mute)).querySelector("[data-mic-state]").textContent = muted ? "Microphone off" : "Microphone on";
  }
});

// A phone that is no longer on the page has hung up, and so has a page that is left.
document.addEventListener("htmx:after:swap", () => {
  for (const [phone, { client }] of held) {
    const strip = stripOf(phone);
    if (!strip) client.stopCall();
    else if (strip.hidden) show(phone, "Microphone on", { talking: true });
  }
});
addEventListener("pagehide", () => { for (const { client } of held.values()) client.stopCall(); });
