/** What is in the way of the microphone, if anything is. It is asked for before anything is called or answered. */
export async function obstacle() {
  if (!navigator.mediaDevices) return "The microphone needs https, or localhost";
  try {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
    for (const track of stream.getTracks()) track.stop();
    return "";
  } catch (error) {
    return error.name === "NotAllowedError" ? "The microphone is blocked" : "There is no microphone";
  }
}
