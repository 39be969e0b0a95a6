import type { OutgoingMessage } from "node:http";
import type { BodyPipe } from "./body-pipe.ts";
import { httpFailureOf } from "./errors.ts";
import { rawOfFields } from "./fields.ts";

/** Sends a body as the peer takes it, its trailers behind it; a body that fails breaks the message off. */
export function sendBody(body: BodyPipe, message: OutgoingMessage): void {
  const { promise: closed, resolve: close } = Promise.withResolvers<void>();
  let isClosed = false;
  message.once("close", () => {
    isClosed = true;
    close();
    body.abandon();
  });
  message.on("error", (error) => body.abandon(httpFailureOf(error, "request")));
  message.flushHeaders();
  const send = async (): Promise<void> => {
    for (;;) {
      const bytes = await body.next();
      if (isClosed) return;
      if (bytes === undefined) break;
      if (!message.write(bytes)) await Promise.race([drained(message), closed]);
    }
    if (body.trailers.length > 0) message.addTrailers(rawOfFields(body.trailers));
    message.end();
  };
  send().catch((error: unknown) => message.destroy(httpFailureOf(error, "request")));
}

function drained(message: OutgoingMessage): Promise<void> {
  return new Promise((resolve) => message.once("drain", resolve));
}
