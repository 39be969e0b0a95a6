import type { OutgoingMessage } from "node:http";
import type { BodyPipe } from "./body-pipe.ts";
import { httpFailureOf } from "./errors.ts";
import { rawOfFields } from "./fields.ts";

/** Sends a body as the peer takes it, its trailers behind it; a body that fails breaks the message off. */
export function sendBody(body: BodyPipe, message: OutgoingMessage): void {
  message.once("close", () => body.abandon());
  message.on("error", (error) => body.abandon(httpFailureOf(error, "request")));
  message.on("drain", () => body.drained());
  message.flushHeaders();
  body.attach({
    // Node sends them when it can, and the guest goes on with its own.
    write: (bytes) => message.write(bytes.slice()),
    end: (trailers) => {
      if (trailers.length > 0) message.addTrailers(rawOfFields(trailers));
      message.end();
    },
    fail: (error) => void message.destroy(httpFailureOf(error, "request")),
  });
}
