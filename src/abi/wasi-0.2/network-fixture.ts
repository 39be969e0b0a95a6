import assert from "node:assert/strict";
import type { Grants } from "../../capabilities/index.ts";
import { parseConnect, parseListen } from "../../capabilities/index.ts";
import type { HostOptions } from "../../host/index.ts";
import { Answered, createFixture, type Wasi02Fixture } from "./wasi02-fixture.ts";

/** What a test's guest may do on the network, as flags spell it. */
export interface NetworkFlags {
  readonly connect?: readonly string[];
  readonly listen?: readonly string[];
  readonly dns?: boolean;
}

/** Calls of one guest on the network. */
export interface NetworkFixture extends Wasi02Fixture {
  /** Calls and waits; undefined where it answers an error, which {@link failed} tells. */
  ask<T>(name: string, ...values: readonly unknown[]): Promise<T>;
  /** The payload of the error that a call answers. */
  failed(name: string, ...values: readonly unknown[]): Promise<unknown>;
  /** Waits until what an object's `subscribe` stands for is ready. */
  ready(name: string, object: unknown): Promise<void>;
}

/** An instance of WASI 0.2 with grants for the network. */
export function networkFixture(
  { connect = [], listen = [], dns = false }: NetworkFlags,
  host: HostOptions = {},
  features: readonly string[] = [],
): NetworkFixture {
  const at = { cwd: "/" };
  const net: Grants["net"] = {
    connect: connect.map((text) => parseConnect(text, at)),
    listen: listen.map((text) => parseListen(text, at)),
    publish: [],
    dns,
  };
  const http = { environment: {} };
  const fixture = createFixture({ grants: { net }, host: { waits: "suspend", http, ...host }, features });
  const ask = async <T>(name: string, ...values: readonly unknown[]): Promise<T> =>
    (await fixture.call(name, ...values)) as T;
  return Object.assign(fixture, {
    ask,
    async failed(name: string, ...values: readonly unknown[]): Promise<unknown> {
      try {
        await fixture.call(name, ...values);
      } catch (error) {
        if (error instanceof Answered) return error.payload;
        throw error;
      }
      return assert.fail(`${name} succeeded`);
    },
    async ready(name: string, object: unknown): Promise<void> {
      await ask("io/poll#[method]pollable.block", await ask(name, object));
    },
  });
}
