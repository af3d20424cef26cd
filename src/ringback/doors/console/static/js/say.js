/** A word in the corner, in the toast that the page brought along. */
export function say(text) {
  const toasts = document.getElementById("toasts");
  const skeleton = document.getElementById("say");
  if (!toasts || !skeleton || [...toasts.children].some((toast) => toast.querySelector("span")?.textContent === text)) return;
  const toast = skeleton.content.cloneNode(true);
  toast.querySelector("span").textContent = text;
  toasts.append(toast);
}
