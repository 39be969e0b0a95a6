/** An error that a user can act on: it is printed without a stack. */
export class Complaint extends Error {
  /**
   * @param {string} message what cannot be done, and why
   * @param {string[]} hints what to type next, a line each
   */
  constructor(message, hints = []) {
    super(message);
    this.name = "Complaint";
    this.hints = hints;
  }
}

/** The exit code of every failure that is Sampan's own and not the guest's. */
export const ownFailure = 125;

/** Prints an error to stderr: a complaint as its message and hints, anything else with its stack. */
export function report(error) {
  const lines =
    error instanceof Complaint ? [error.message, ...error.hints.map((hint) => `  ${hint}`)] : [error?.stack];
  process.stderr.write(`sampan: ${lines.join("\n")}\n`);
}

/** Runs a script's main function, and turns its failure into a message and an exit code. */
export async function runScript(main) {
  try {
    await main();
  } catch (error) {
    report(error);
    process.exitCode = ownFailure;
  }
}
