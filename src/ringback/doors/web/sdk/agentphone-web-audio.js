// The audio thread of a web call: the microphone in frames of 20 ms at the call's rate, and what the agent says out of a
// small buffer. Nothing here waits, and nothing grows: the server sends no more than a second ahead.

const FIRST_MS = 60; // is gathered before the first sound is played, and after every gap
const MOST_MS = 200; // what that grows to on a line whose frames come late
const LATE_MS = 300; // a frame that comes so soon after a gap was late: silence was not meant
const ZERO_CROSSINGS = 8;
const PHASES = 256;

/** Band-limited interpolation (windowed sinc) from one rate to another; `push` answers the samples that are whole. */
class Resampler {
  constructor(from, to) {
    this.step = from / to;
    const cutoff = Math.min(1, to / from) * 0.92;
    this.reach = Math.ceil(ZERO_CROSSINGS / cutoff);
    this.kernel = Array.from({ length: PHASES + 1 }, (_, phase) => this.#phase(phase / PHASES, cutoff));
    this.reset();
  }

  #phase(shift, cutoff) {
    const taps = new Float32Array(2 * this.reach);
    for (let tap = 0; tap < taps.length; tap++) {
      const at = tap - this.reach + 1 - shift;
      const x = Math.PI * at * cutoff;
      const window = 0.5 + 0.5 * Math.cos((Math.PI * at) / (this.reach + 1));
      taps[tap] = (x === 0 ? cutoff : (cutoff * Math.sin(x)) / x) * window;
    }
    return taps;
  }

  reset() {
    this.kept = new Float32Array(2 * this.reach);
    this.at = this.reach - 1;
  }

  push(samples) {
    const all = new Float32Array(this.kept.length + samples.length);
    all.set(this.kept);
    all.set(samples, this.kept.length);
    const made = [];
    let at = this.at;
    while (Math.floor(at) + this.reach < all.length) {
      const whole = Math.floor(at);
      const taps = this.kernel[Math.round((at - whole) * PHASES)];
      let sum = 0;
      const first = whole - this.reach + 1;
      for (let tap = 0; tap < taps.length; tap++) sum += taps[tap] * all[first + tap];
      made.push(sum);
      at += this.step;
    }
    const drop = Math.max(0, Math.min(all.length, Math.floor(at) - this.reach + 1));
    this.kept = all.slice(drop);
    this.at = at - drop;
    return made;
  }
}

class CallAudio extends AudioWorkletProcessor {
  constructor({ processorOptions: { rate, frameMs } }) {
    super();
    this.rate = rate;
    this.frame = (rate * frameMs) / 1000;
    this.down = new Resampler(sampleRate, rate);
    this.up = new Resampler(rate, sampleRate);
    this.heard = [];
    this.port.onmessage = ({ data }) => this.#obey(data);
    this.#begin();
    this.done = false;
  }

  /** As if nothing had come yet: another connection counts from nothing. */
  #begin() {
    this.queue = [];
    this.queued = 0; // samples in it
    this.ready = []; // what is resampled and not played
    this.played = 0;
    this.filling = true;
    this.target = FIRST_MS;
    this.waited = 0; // ms since the first frame that waits came
    this.gap = Infinity; // ms since the last sound
    this.up.reset();
  }

  #obey(data) {
    if (data instanceof ArrayBuffer) {
      const frame = new Int16Array(data);
      if (this.filling && this.gap < LATE_MS) this.target = Math.min(MOST_MS, this.target + 20);
      if (this.filling && this.queued === 0) this.waited = 0;
      this.gap = Infinity;
      this.queue.push(frame);
      this.queued += frame.length;
    } else if (data.op === "begin") this.#begin();
    else if (data.op === "flush") this.#flush(data.n);
    else if (data.op === "stop") this.done = true;
  }

  #flush(n) {
    this.queue = [];
    this.queued = 0;
    this.ready = [];
    this.filling = true;
    this.gap = Infinity;
    this.up.reset();
    this.port.postMessage({ op: "flushed", n, played: this.played });
  }

  process([[microphone]], [speakers]) {
    if (this.done) return false;
    this.#play(speakers);
    this.#hear(microphone ?? new Float32Array(speakers[0].length));
    return true;
  }

  #play(speakers) {
    const wanted = speakers[0].length;
    const ms = (wanted * 1000) / sampleRate;
    this.waited += ms;
    this.gap += ms;
    if (this.filling && this.queued > 0) {
      this.filling = (this.queued * 1000) / this.rate < this.target && this.waited < this.target;
    }
    if (!this.filling) {
      while (this.ready.length < wanted && this.queue.length > 0) this.#unpack();
      if (this.ready.length < wanted) {
        this.filling = true; // the last of a reply, or the next frame is late
        this.gap = 0;
        this.ready.push(...this.up.push(new Float32Array(this.up.reach)));
      }
    }
    const sound = this.ready.splice(0, wanted);
    for (const channel of speakers) channel.set(sound);
  }

  #unpack() {
    const frame = this.queue.shift();
    this.queued -= frame.length;
    this.played += frame.length;
    const samples = Float32Array.from(frame, (sample) => sample / 32768);
    for (const sample of this.up.push(samples)) this.ready.push(sample);
  }

  #hear(microphone) {
    for (const sample of this.down.push(microphone)) this.heard.push(sample);
    while (this.heard.length >= this.frame) {
      const frame = this.heard.splice(0, this.frame);
      const message = new ArrayBuffer(4 + 2 * this.frame);
      const view = new DataView(message);
      view.setUint32(0, this.played, true);
      frame.forEach((sample, n) => {
        view.setInt16(4 + 2 * n, Math.round(Math.max(-1, Math.min(1, sample)) * 32767), true);
      });
      this.port.postMessage(message, [message]);
    }
  }
}

registerProcessor("ringback-call-audio", CallAudio);
