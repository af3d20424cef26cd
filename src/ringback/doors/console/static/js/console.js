// What every page does besides what htmx does.
import "./keys.js";
import { pause } from "./live.js";
import { say } from "./say.js";

/** What a button copies: its own text, or what the server says just now. */
async function textOf(button) {
  if (!button.dataset.copyFrom) return button.dataset.copy;
  const answer = await fetch(button.dataset.copyFrom, { headers: { "HX-Request": "true" } });
  if (!answer.ok || answer.headers.get("content-type")?.startsWith("text/html")) throw new Error("nothing to copy");
  return answer.text();
}

async function copy(button) {
  if (!navigator.clipboard) { say("Browsers copy on https and on localhost only. Mark the text instead."); return; }
  try {
    // As a promise, so that Safari still knows of the click when the text has come.
    const text = textOf(button).then((told) => new Blob([told], { type: "text/plain" }));
    await navigator.clipboard.write([new ClipboardItem({ "text/plain": text })]);
  } catch { say("It could not be copied. Reload the page and try again."); return; }
  const label = button.querySelector("span");
  const before = label ? label.textContent : button.getAttribute("aria-label");
  const show = (told) => { if (label) label.textContent = told; else button.setAttribute("aria-label", told); };
  show("Copied");
  button.classList.add("done");
  setTimeout(() => { show(before); button.classList.remove("done"); }, 1500);
}

document.addEventListener("click", (event) => {
  const at = (selector) => event.target.closest?.(selector);
  const copied = at("[data-copy], [data-copy-from]");
  if (copied) copy(copied);
  if (at("[data-theme-switch]")) {
    const next = { auto: "light", light: "dark", dark: "auto" }[localStorage.getItem("theme") || "auto"];
    if (next === "auto") localStorage.removeItem("theme"); else localStorage.setItem("theme", next);
    dispatchEvent(new Event("theme"));
    nameTheme();
  }
  if (at("[data-pause]")) pause();
  at("[data-dismiss]")?.closest(".toast")?.remove();
  at("[data-remove]")?.closest("details")?.remove();
  at("[data-close]")?.closest("dialog")?.close();
  const opened = at("[data-open]");
  if (opened) document.getElementById(opened.dataset.open)?.showModal();
});

// What was typed and not saved is replaced only if its person agrees. Before htmx hears of the click.
document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-replaces]");
  const field = button && document.getElementById(button.dataset.replaces);
  if (!field || field.value === field.defaultValue) return;
  if (confirm("The prompt has changes that were not saved. Replace them?")) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}, true);

function nameTheme() {
  const chosen = localStorage.getItem("theme");
  const dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.documentElement.dataset.theme = dark ? "dark" : "light";
  for (const label of document.querySelectorAll("[data-theme-switch] span")) {
    label.textContent = { light: "Light", dark: "Dark" }[chosen] || "Light or dark";
  }
}
nameTheme();

// A toast that says something went well goes by itself.
new MutationObserver((changes) => {
  for (const node of changes.flatMap((change) => [...change.addedNodes])) {
    if (node.classList?.contains("toast") && !node.classList.contains("bad")) setTimeout(() => node.remove(), 5000);
  }
}).observe(document.getElementById("toasts"), { childList: true });

// A form that was taken is empty again; one that was refused keeps what was typed.
document.addEventListener("htmx:after:request", (event) => {
  const ctx = event.detail?.ctx;
  const form = ctx?.sourceElement;
  if (ctx?.response?.status >= 400) {
    // What stands before the console refused: its words are JSON, and no piece of a page.
    event.preventDefault();
    let told = {};
    try { told = JSON.parse(ctx.text); } catch { /* a proxy's own page */ }
    say(told.error?.message || `The server answered ${ctx.response.status}. What you typed is still here.`);
    return;
  }
  const wrong = ctx?.response?.headers?.get("x-field");
  for (const field of form?.elements || []) {
    if (field.name && field.name === wrong) { field.setAttribute("aria-invalid", "true"); field.focus(); }
    else field.removeAttribute?.("aria-invalid");
  }
  if (ctx?.response?.headers?.get("x-done") !== "1" || !form?.matches?.("form")) return;
  if (form.matches("[data-clears]")) {
    form.reset();
    form.querySelector("[data-first]")?.focus();
  } else for (const field of form.querySelectorAll("textarea")) field.defaultValue = field.value;
});
