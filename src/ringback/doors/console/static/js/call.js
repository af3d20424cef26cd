// A recording that plays, with the transcript following it.
const sound = () => document.querySelector("[data-sound]");
const length = () => Number(document.querySelector("[data-wave]")?.dataset.length) || 1;
const said = (s) => `${Math.floor(s / 60)}:${String(Math.floor(s % 60)).padStart(2, "0")}`;

function draw() {
  const at = sound()?.currentTime || 0;
  for (const line of document.querySelectorAll("[data-played]")) {
    const width = line.ownerSVGElement.viewBox.baseVal.width;
    line.setAttribute("d", `M${(at / length()) * width} 0V20`);
  }
  const now = document.querySelector("[data-now]");
  if (now) now.textContent = said(at);
  let current = null;
  for (const turn of document.querySelectorAll(".turn[data-at]")) {
    turn.removeAttribute("aria-current");
    if (turn.dataset.at !== "" && Number(turn.dataset.at) / 1000 <= at) current = turn;
  }
  if (at > 0) current?.setAttribute("aria-current", "true");
}

function seek(s) {
  const audio = sound();
  if (!audio) return;
  const go = () => { audio.currentTime = s; draw(); };
  if (audio.readyState) go();
  else { audio.addEventListener("loadedmetadata", go, { once: true }); audio.load(); }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest?.("[data-play]");
  if (button) {
    const audio = sound();
    if (audio.paused) audio.play().catch(() => {}); else audio.pause();
  }
  const lane = event.target.closest?.("[data-lane]");
  if (lane) {
    const box = lane.getBoundingClientRect();
    seek(((event.clientX - box.left) / box.width) * length());
  }
  const turn = event.target.closest?.(".turn[data-at]");
  if (turn?.dataset.at) seek(Number(turn.dataset.at) / 1000);
});
document.addEventListener("chosen", (event) => { if (event.target.dataset?.at) seek(Number(event.target.dataset.at) / 1000); });
for (const name of ["timeupdate", "play", "pause", "ended"]) {
  document.addEventListener(name, (event) => {
    if (!event.target.matches?.("[data-sound]")) return;
    document.querySelector("[data-play] span").textContent = event.target.paused ? "Play" : "Pause";
    draw();
  }, true);
}
