// Before the first paint: the theme that was chosen, or the machine's.
const dark = matchMedia("(prefers-color-scheme: dark)");
function paint() {
  const chosen = localStorage.getItem("theme");
  document.documentElement.dataset.theme = chosen || (dark.matches ? "dark" : "light");
}
paint();
dark.addEventListener("change", paint);
// The server says times as they are here.
document.cookie = `ringback_zone=${encodeURIComponent(Intl.DateTimeFormat().resolvedOptions().timeZone)}; Path=/console; Max-Age=31536000; SameSite=Lax`;
