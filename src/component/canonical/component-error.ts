/**
 * The error case of a function whose result is a `result`: a call of an export throws it, and a host function throws it to
 * answer one. `payload` is the value of the error case, undefined where it carries none.
 */
export class ComponentError extends Error {
  override readonly name = "ComponentError";
  readonly payload: unknown;

  constructor(payload?: unknown) {
    super(`The function answered an error: ${said(payload)}`);
    this.payload = payload;
  }
}

function said(payload: unknown): string {
  if (payload === undefined) return "no payload";
  try {
    const text = typeof payload === "string" ? payload : JSON.stringify(payload);
    return text.length > 200 ? `${text.slice(0, 200)}…` : text;
  } catch {
    return typeof payload;
  }
}
