import { getArguments } from "wasi:cli/environment@0.2.12";

export const run = {
  run(): void {
    const [, ...names] = getArguments();
    console.log(`Hello, ${names.join(" ") || "world"}!`);
  },
};
