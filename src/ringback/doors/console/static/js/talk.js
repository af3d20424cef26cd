import { follow } from "./live.js";
import { obstacle } from "./microphone.js";

// Talk with an agent by this browser's microphone, and hear how voices sound.
const box = document.querySelector("[data-talk]");
const start = box?.querySelector("[data-talk-start]");
const stop = box?.querySelector("[data-talk-stop]");
const state = box?.querySelector("[data-talk-state]");
const link = box?.querySelector("[data-talk-link]");
let client = null;
let words = [];

/** The page's live blocks: the thread of the phone it is tried with, and the words of the call. */
const shown = () => [...document.querySelectorAll("#trial")].map((trial) => trial.dataset.shows).concat(words);

function show(text, calling) {
  state.textContent = text;
  start.hidden = calling;
  stop.hidden = !calling;
}

start?.addEventListener("click", async () => {
  const lacks = await obstacle();
  if (lacks) { show(`${lacks}.`, false); return; }
  show("Connecting", true);
  const answer = await fetch(box.dataset.talk, { method: "POST", mode: "cors" });
  const told = await answer.json();
  if (!answer.ok) { show(told.error, false); return; }
  const { AgentPhoneWebClient } = await import("/sdk/agentphone-web-sdk.js");
  client = new AgentPhoneWebClient();
  client.on("call_started", () => show("Connected. Speak.", true));
  client.on("call_ended", () => show("The call is over.", false));
  client.on("error", (error) => show(error?.message || String(error), false));
  link.href = `/console/calls/${told.callId}`;
  link.hidden = false;
  await htmx.ajax("GET", `/console/calls/${told.callId}/words`, { target: "#talk-words", swap: "innerHTML" });
  words = [`words:${told.callId}`];
  follow(shown());
  try { await client.startCall({ accessToken: told.accessToken }); } catch (error) { show(error.message, false); }
});
stop?.addEventListener("click", () => client?.stopCall());

// Another phone has another thread, also when the page is loaded again.
document.addEventListener("htmx:after:swap", (event) => {
  const target = event.detail?.ctx?.target || event.target;
  if (!target?.matches?.("#trial")) return;
  history.replaceState(history.state, "", `?${new URLSearchParams({ phone: document.getElementById("trial-phone").value })}`);
  follow(shown());
});

const sound = new Audio();
const hearing = document.querySelector("[data-hear-state]");
document.querySelector("[data-hear]")?.addEventListener("click", async () => {
  const chosen = document.querySelector("[data-voices]").selectedOptions[0];
  const before = hearing.textContent;
  hearing.textContent = chosen.dataset.preview ? "It is made when it is first asked for: a moment." : "This voice has nothing to hear.";
  if (!chosen.dataset.preview) return;
  sound.src = chosen.dataset.preview;
  try { await sound.play(); hearing.textContent = before; } catch { hearing.textContent = "It can't be played: the log of the server says why."; }
});
