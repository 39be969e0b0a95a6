import { nearest, SampanError } from "../base/index.ts";

/** When a container that has ended is started again by itself. */
export type RestartPolicy =
  | { readonly name: "no" | "always" | "unless-stopped" }
  /** `max` counts restarts since somebody started it; without a limit where it is left out. */
  | { readonly name: "on-failure"; readonly max?: number | undefined };

const policyNames = ["no", "on-failure", "always", "unless-stopped"] as const;

/**
 * Reads a policy as `docker run --restart` takes it: `no`, `on-failure`, `on-failure:3`, `always`, `unless-stopped`.
 *
 * @throws CONTAINER_INVALID
 */
export function parseRestartPolicy(text: string): RestartPolicy {
  const [typed = "", max, ...rest] = text.split(":");
  const name = policyNames.find((each) => each === typed);
  if (name === undefined) {
    const near = nearest(typed, policyNames);
    throw invalid(
      text,
      near === undefined ? `wanted one of ${policyNames.join(", ")}` : `the policy is called "${near}"`,
    );
  }
  if (max === undefined) return { name };
  if (name !== "on-failure") throw invalid(text, `"${name}" takes no number of restarts, only "on-failure" does`);
  if (!/^\d{1,9}$/.test(max) || rest.length > 0)
    throw invalid(text, `wanted a number of restarts, such as "on-failure:3"`);
  return Number(max) === 0 ? { name } : { name, max: Number(max) };
}

function invalid(text: string, reason: string): SampanError {
  return new SampanError("CONTAINER_INVALID", `Cannot read the restart policy "${text}": ${reason}`);
}

/** Writes a policy as {@link parseRestartPolicy} reads it. */
export function formatRestartPolicy(policy: RestartPolicy): string {
  return policy.name === "on-failure" && policy.max !== undefined ? `on-failure:${policy.max}` : policy.name;
}

const firstDelay = 10;
const longestDelay = 60_000;
const calmAfter = 10_000;

/**
 * The wait before the next restart, in ms: 10, doubled each time to one minute, and 10 again after a run of 10 s. Docker begins
 * with 100, in which a service that starts within a few milliseconds would be missed.
 */
export function nextDelay(last: number, ran: number): number {
  if (last === 0 || ran >= calmAfter) return firstDelay;
  return Math.min(last * 2, longestDelay);
}

/** What a policy looks at. */
export interface RunOutcome {
  readonly exitCode: number;
  /** Restarts by the policy since somebody started it. */
  readonly restartCount: number;
  /** Whether somebody asked for the end. */
  readonly manuallyStopped: boolean;
}

/** Whether a container that has just ended is started again. Nobody's wish to end it is ever undone. */
export function restartsAfter(policy: RestartPolicy, outcome: RunOutcome): boolean {
  return !outcome.manuallyStopped && wantsToRun(policy, outcome);
}

/**
 * Whether a container that once ran is started when the engine starts: one with `always` even though somebody stopped it,
 * which is what tells it from `unless-stopped`.
 */
export function startsWithEngine(policy: RestartPolicy, outcome: RunOutcome): boolean {
  return (policy.name === "always" || !outcome.manuallyStopped) && wantsToRun(policy, outcome);
}

function wantsToRun(policy: RestartPolicy, { exitCode, restartCount }: RunOutcome): boolean {
  switch (policy.name) {
    case "no":
      return false;
    case "always":
    case "unless-stopped":
      return true;
    case "on-failure":
      return exitCode !== 0 && restartCount < (policy.max ?? Number.POSITIVE_INFINITY);
  }
}
