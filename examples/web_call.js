import { AgentPhoneWebClient } from "http://127.0.0.1:8642/sdk/agentphone-web-sdk.js";

const client = new AgentPhoneWebClient();
const button = document.getElementById("talk");
const state = document.getElementById("state");
let calling = false;

function show(text, on) {
  state.textContent = text;
  button.textContent = on ? "Hang up" : "Call";
  calling = on;
}

client.on("call_started", () => show("Talk", true));
client.on("call_ended", () => show("The call is over", false));
client.on("error", (error) => show(error.message, false));

button.addEventListener("click", async () => {
  if (calling) {
    client.stopCall();
    return;
  }
  show("Calling", true);
  const answer = await fetch("/call", { method: "POST" });
  if (!answer.ok) {
    show("The call can't be made", false);
    return;
  }
  const { accessToken } = await answer.json();
  await client.startCall({ accessToken }).catch(() => {}); // told as an `error`
});
