type Made = (...args: unknown[]) => unknown;

/**
 * A function of so many parameters that is made when it is first called: components import far more functions than a run of them
 * calls. The forms with named parameters are as quick as the function itself, but for a few ns; one with a rest parameter is not.
 */
export function lazily(parameters: number, make: () => Made): Made {
  let made: Made | undefined;
  switch (parameters) {
    case 0:
      return () => (made ??= make())();
    case 1:
      return (a) => (made ??= make())(a);
    case 2:
      return (a, b) => (made ??= make())(a, b);
    case 3:
      return (a, b, c) => (made ??= make())(a, b, c);
    case 4:
      return (a, b, c, d) => (made ??= make())(a, b, c, d);
    case 5:
      return (a, b, c, d, e) => (made ??= make())(a, b, c, d, e);
    case 6:
      return (a, b, c, d, e, f) => (made ??= make())(a, b, c, d, e, f);
    case 7:
      return (a, b, c, d, e, f, g) => (made ??= make())(a, b, c, d, e, f, g);
    case 8:
      return (a, b, c, d, e, f, g, h) => (made ??= make())(a, b, c, d, e, f, g, h);
    default:
      return (...args) => (made ??= make())(...args);
  }
}
