/** Milliseconds of a clock that only goes on. Node loads `performance` when it is first named, which takes a millisecond. */
export function monotonic(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e3 + nanoseconds / 1e6;
}
