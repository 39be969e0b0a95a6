import type { ProcessIo } from "../process.ts";
import { writeTo } from "./child.ts";
import type { StandInWorkload } from "./workload.ts";

/** Writes the container's first line: that it is a stand-in, for which image, and what it really is. */
export async function announce({ reference }: StandInWorkload, what: string, { stdout }: ProcessIo): Promise<void> {
  await writeTo(stdout, Buffer.from(`sampan: stand-in for ${reference}: ${what}\n`));
}
