// Calls from a page, with the surface of the vendor's module `agentphone-web-sdk`. Served by Ringback at
// /sdk/agentphone-web-sdk.js; loads nothing but agentphone-web-audio.js beside it, and needs neither inline scripts nor eval.
// What goes over the WebSocket is in docs/decisions/0028-browser-leg.md.

const PROTOCOL = "ringback.v1";
const RETURN_MS = 10_000; // for so long a lost connection is tried again: the server waits no longer
const OPEN_MS = 15_000; // the first call of a server waits for its worker to start
const HELD_UP = 16_384; // bytes: what the network does not take is not piled up
const FINAL = new Set([1003, 1008, 1009, 4401, 4409]);

/** What went wrong, in `message`; `code` is the WebSocket's, or the name of the browser's own error. */
export class WebCallError extends Error {
  constructor(message, code) {
    super(message);
    this.name = "WebCallError";
    this.code = code;
  }
}

/** One call at a time. Events: `call_started`, `call_ended`, `error` (a `WebCallError`), `reconnecting`, `reconnected`. */
export class AgentPhoneWebClient {
  #listeners = new Map();
  #base;
  #call = null;

  /** `baseUrl` is where Ringback is; without it, where this module came from. */
  constructor({ baseUrl = new URL("../", import.meta.url).href } = {}) {
    this.#base = baseUrl.endsWith("/") ? baseUrl : `${baseUrl}/`;
  }

  on(event, listener) {
    this.#of(event).add(listener);
    return this;
  }

  once(event, listener) {
    const only = (...told) => {
      this.off(event, only);
      listener(...told);
    };
    return this.on(event, only);
  }

  off(event, listener) {
    this.#of(event).delete(listener);
    return this;
  }

  /**
   * Open the microphone and make the call; resolves when the agent is there. What goes wrong until then rejects, and is an
   * `error` event too. Call it from a click: browsers play nothing before one.
   */
  async startCall({ accessToken, captureDeviceId, playbackDeviceId } = {}) {
    if (this.#call) throw new WebCallError("a call is going on; stopCall() ends it", "in_call");
    if (!accessToken) throw new TypeError("startCall takes the accessToken of POST /v1/calls/web");
    const call = new Call(this.#base, (event, ...told) => this.#tell(call, event, ...told));
    this.#call = call;
    try {
      await call.start(accessToken, { captureDeviceId, playbackDeviceId });
    } catch (error) {
      call.fail(error);
      throw error;
    }
  }

  /** Hang up. */
  stopCall() {
    this.#call?.hangUp();
  }

  mute() {
    this.#call?.mute(true);
  }

  unmute() {
    this.#call?.mute(false);
  }

  /** Press a key: one of 0123456789*#. */
  sendDigit(digit) {
    this.#call?.tell({ op: "digit", digit: String(digit) });
  }

  #of(event) {
    if (!this.#listeners.has(event)) this.#listeners.set(event, new Set());
    return this.#listeners.get(event);
  }

  #tell(call, event, ...told) {
    if (event === "over") {
      if (this.#call === call) this.#call = null;
      return;
    }
    for (const listener of [...this.#of(event)]) listener(...told);
  }
}

class Call {
  #base;
  #emit;
  #socket = null;
  #ticket = null;
  #lostAt = null;
  #timer = null;
  #stream = null;
  #context = null;
  #node = null;
  #started = false;
  #over = false;
  #opened = null; // settles `start`

  constructor(base, emit) {
    this.#base = base;
    this.#emit = emit;
  }

  async start(token, devices) {
    await this.#openAudio(devices);
    if (this.#over) throw new WebCallError("the call was stopped before it began", "stopped");
    await new Promise((resolve, reject) => {
      this.#opened = { resolve, reject };
      this.#timer = setTimeout(() => reject(new WebCallError("the server does not answer", "timeout")), OPEN_MS);
      this.#connect(token);
    });
  }

  hangUp() {
    this.tell({ op: "hangup" });
    this.#opened?.reject(new WebCallError("the call was stopped before it began", "stopped"));
    this.#end();
  }

  fail(error) {
    if (!this.#over) this.#emit("error", error);
    this.#end();
  }

  mute(on) {
    for (const track of this.#stream?.getAudioTracks() ?? []) track.enabled = !on;
  }

  tell(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  // The microphone and the speaker

  async #openAudio({ captureDeviceId, playbackDeviceId }) {
    if (!navigator.mediaDevices) {
      throw new WebCallError("a page has a microphone on https:// and on localhost only", "insecure");
    }
    const audio = { channelCount: 1, echoCancellation: true, noiseSuppression: true, autoGainControl: true };
    if (captureDeviceId) audio.deviceId = { exact: captureDeviceId };
    try {
      this.#stream = await navigator.mediaDevices.getUserMedia({ audio });
    } catch (error) {
      throw new WebCallError(`the microphone can't be used: ${error.message}`, error.name);
    }
    const context = (this.#context = new AudioContext({ latencyHint: "interactive" }));
    await context.audioWorklet.addModule(new URL("agentphone-web-audio.js", import.meta.url));
    if (playbackDeviceId && context.setSinkId) await context.setSinkId(playbackDeviceId);
    await context.resume();
    if (this.#over) this.#closeAudio();
  }

  #openWorklet(rate, frameMs) {
    if (this.#node) {
      this.#node.port.postMessage({ op: "begin" });
      return;
    }
    const node = (this.#node = new AudioWorkletNode(this.#context, "ringback-call-audio", {
      numberOfInputs: 1,
      numberOfOutputs: 1,
      outputChannelCount: [1],
      processorOptions: { rate, frameMs },
    }));
    node.port.onmessage = ({ data }) => this.#heard(data);
    this.#context.createMediaStreamSource(this.#stream).connect(node);
    node.connect(this.#context.destination);
  }

  #heard(data) {
    const socket = this.#socket;
    if (!(data instanceof ArrayBuffer)) this.tell(data);
    else if (this.#lostAt === null && socket?.readyState === WebSocket.OPEN && socket.bufferedAmount < HELD_UP) {
      socket.send(data);
    }
  }

  #closeAudio() {
    this.#node?.port.postMessage({ op: "stop" });
    for (const track of this.#stream?.getTracks() ?? []) track.stop();
    if (this.#context && this.#context.state !== "closed") this.#context.close();
  }

  // The connection

  #connect(secret) {
    const url = new URL("v1/calls/web/connect", this.#base);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = (this.#socket = new WebSocket(url, [PROTOCOL, secret]));
    socket.binaryType = "arraybuffer";
    socket.onmessage = ({ data }) => {
      if (socket !== this.#socket) return;
      if (data instanceof ArrayBuffer) this.#node?.port.postMessage(data, [data]);
      else this.#obey(JSON.parse(data));
    };
    socket.onclose = ({ code, reason }) => {
      if (socket === this.#socket && !this.#over) this.#lost(code, reason);
    };
  }

  #obey(message) {
    if (message.op === "started") {
      this.#ticket = message.ticket;
      clearTimeout(this.#timer);
      this.#lostAt = null;
      this.#openWorklet(message.rate, message.frameMs);
      if (this.#started) {
        this.#emit("reconnected");
        return;
      }
      this.#started = true;
      this.#opened.resolve();
      this.#emit("call_started");
    } else if (message.op === "flush") this.#node.port.postMessage(message);
    else if (message.op === "ended") this.#end();
  }

  #lost(code, reason) {
    const error = new WebCallError(reason || "the connection to the server was lost", code);
    if (!this.#started) {
      this.#opened.reject(error);
      return;
    }
    if (code === 4401) {
      this.#end(); // it ended while we were away
      return;
    }
    const now = performance.now();
    if (this.#lostAt === null) {
      this.#lostAt = now;
      this.#emit("reconnecting");
    }
    const away = now - this.#lostAt;
    if (FINAL.has(code) || away > RETURN_MS) this.fail(error);
    else this.#timer = setTimeout(() => this.#connect(this.#ticket), Math.min(1000, 100 + away / 4));
  }

  #end() {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#socket?.close(1000);
    this.#closeAudio();
    this.#emit("over");
    if (this.#started) this.#emit("call_ended");
  }
}
