/** A stream of bytes both ways: a connection, as Node's modules take one. */
export type Duplex = InstanceType<typeof httpModules.stream.Duplex>;

/** Node's modules for HTTP, loaded when a guest first uses them: a start costs them nothing. */
export const httpModules = {
  get http() {
    return process.getBuiltinModule("node:http");
  },
  get tls() {
    return process.getBuiltinModule("node:tls");
  },
  get fs() {
    return process.getBuiltinModule("node:fs");
  },
  get stream() {
    return process.getBuiltinModule("node:stream");
  },
};
