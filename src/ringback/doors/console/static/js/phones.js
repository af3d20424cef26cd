import { follow } from "./live.js";

// A phone's clock, pictures, and the live blocks of a thread that was just chosen.
function tick() {
  const now = new Date().toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
  for (const clock of document.querySelectorAll("[data-clock]")) clock.textContent = now;
}
tick();
setInterval(tick, 10_000);

document.addEventListener("change", async (event) => {
  if (!event.target.matches?.("[data-picture]") || !event.target.files.length) return;
  const form = event.target.form;
  const [file] = event.target.files;
  const answer = await fetch("/console/phones/media", {
    method: "POST", mode: "cors", headers: { "Content-Type": file.type || "application/octet-stream" }, body: file,
  });
  const told = await answer.json();
  if (answer.ok) {
    form.elements.media.value = told.url;
    form.requestSubmit();
    form.elements.media.value = "";
  } else {
    form.elements.body.setCustomValidity(told.error);
    form.elements.body.reportValidity();
    form.elements.body.setCustomValidity("");
  }
  event.target.value = "";
});

/** Keep which thread a phone shows, for the next look at the wall. */
function remember(phone) {
  const chosen = phone.dataset.blocks.split(",")[0].replace("thread:", "");
  const kept = decodeURIComponent(document.cookie.match(/(?:^|; )ringback_threads=([^;]*)/)?.[1] || "").split(",");
  const others = kept.filter((one) => one && one.split("~")[0] !== chosen.split("~")[0]).slice(-23);
  document.cookie = `ringback_threads=${encodeURIComponent([...others, chosen])}; Path=/console; SameSite=Lax`;
}

// Another thread shows other blocks.
document.addEventListener("htmx:after:swap", (event) => {
  const target = event.detail?.ctx?.target || event.target;
  if (!target?.matches?.(".handset")) return;
  tick();
  const phones = [...document.querySelectorAll("[data-blocks]")];
  follow(["activity", ...phones.flatMap((phone) => phone.dataset.blocks.split(","))]);
  remember(document.getElementById(target.id));
});
