// Keys: off while somebody types, and single keys can be switched off (WCAG 2.1.4).
import { pause } from "./live.js";

const OFF = "keys-off";
let leading = 0;

const isTyping = (element) => element?.closest?.("input, textarea, select, [contenteditable]");
const find = (selector) => document.querySelector(selector);
const isSeen = (element) => element.checkVisibility();
const rows = () => [...document.querySelectorAll("[data-row], tr.go, .turn")].filter(isSeen);
const isChosen = (row) => row.getAttribute("aria-selected") === "true" || row.getAttribute("aria-current") === "true";
const chosen = () => rows().find(isChosen);

function move(by) {
  const all = rows();
  if (!all.length) return;
  const now = all.findIndex(isChosen);
  const next = all[Math.min(all.length - 1, Math.max(0, now + by))];
  const mark = next.matches("tr") ? "aria-selected" : "aria-current";
  for (const row of all) row.removeAttribute(mark);
  next.setAttribute(mark, "true");
  next.scrollIntoView({ block: "nearest" });
  next.dispatchEvent(new CustomEvent("chosen", { bubbles: true }));
}

/** Act on an element; whether there was one. */
function use(element) {
  if (!element) return false;
  if (element.matches("input, textarea, select")) element.focus(); else element.click();
  return true;
}

// Each answers whether it did anything; if not, the browser does what it does with the key.
const does = {
  "?": () => { find("#help")?.showModal(); return true; },
  "/": () => use(find("[data-search]")),
  j: () => { move(1); return true; },
  k: () => { move(-1); return true; },
  n: () => use(find("[data-new]")),
  r: () => use((chosen() || find(".head"))?.querySelector("[data-redeliver]")),
  x: () => use([...document.querySelectorAll("[data-hang-up]")].find(isSeen)),
  ".": () => { pause(); return true; },
  Enter: () => { const row = chosen(); return use(row?.matches("a, summary") ? row : row?.querySelector("a.cover")); },
  Escape: () => use(find("a.back, a[data-back]")),
  " ": () => use(find("[data-play]")),
};

document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
    event.preventDefault();
    find("#palette")?.showModal();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (find("dialog[open], :popover-open")) return;
  if (isTyping(event.target)) {
    if (event.key === "Escape") event.target.blur();
    return;
  }
  if (localStorage.getItem(OFF)) return;
  if (["Enter", " "].includes(event.key) && event.target.closest("a, button, summary, audio")) return;
  if (Date.now() - leading < 1200) {
    leading = 0;
    if (use(find(`[data-go="${CSS.escape(event.key)}"]`))) event.preventDefault();
    return;
  }
  if (event.key === "g") { leading = Date.now(); return; }
  if (Object.hasOwn(does, event.key) && does[event.key]()) event.preventDefault();
});

const palette = document.querySelector("[data-palette]");
palette?.addEventListener("input", () => {
  for (const link of palette.parentElement.querySelectorAll("a")) {
    link.hidden = !link.textContent.toLowerCase().includes(palette.value.trim().toLowerCase());
  }
});
palette?.addEventListener("keydown", (event) => {
  if (event.key === "Enter") palette.parentElement.querySelector("a:not([hidden])")?.click();
});

const box = document.querySelector("[data-keys-switch]");
if (box) {
  box.checked = !localStorage.getItem(OFF);
  box.addEventListener("change", () => box.checked ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "1"));
}
