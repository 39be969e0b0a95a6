const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

/** Tells a user what the set-up is at: one line brought up to date on a terminal, plain lines elsewhere. */
export class Progress {
  #out;
  #text = "";
  #timer;
  #began = Date.now();

  constructor(out = process.stderr) {
    this.#out = out;
  }

  /** Names the step that begins now. */
  step(text) {
    this.#text = text;
    if (!this.#out.isTTY) {
      this.#out.write(`sampan: ${text}\n`);
      return;
    }
    this.#draw();
    this.#timer ??= setInterval(() => this.#draw(), 120).unref();
  }

  /** Ends the report, with a last line if any step was named. */
  end(outcome) {
    clearInterval(this.#timer);
    if (this.#text === "") return;
    this.#text = "";
    if (this.#out.isTTY) this.#out.write("\r\u001b[K");
    if (outcome !== undefined) this.#out.write(`sampan: ${outcome} (${this.#seconds()} s)\n`);
  }

  #draw() {
    const frame = frames[Math.floor(Date.now() / 120) % frames.length];
    const width = Math.max(20, (this.#out.columns || 80) - 1);
    this.#out.write(`\r${`${frame} sampan: ${this.#text} (${this.#seconds()} s)`.slice(0, width)}\u001b[K`);
  }

  #seconds() {
    return ((Date.now() - this.#began) / 1000).toFixed(1);
  }
}
