// Greets whom its arguments name, counts what comes on stdin and reads a file that it may have been granted.
import { getArguments, getEnvironment } from "wasi:cli/environment@0.2.12";
import { getStdin } from "wasi:cli/stdin@0.2.12";
import { getDirectories } from "wasi:filesystem/preopens@0.2.12";

function countStdin() {
  const stdin = getStdin();
  let bytes = 0;
  try {
    for (;;) bytes += stdin.blockingRead(65_536n).length;
  } catch (error) {
    if (error.payload?.tag !== "closed") throw error;
  }
  return bytes;
}

function readNote() {
  const folder = getDirectories().find(([, path]) => path === "/data")?.[0];
  if (folder === undefined) return "none";
  const note = folder.openAt({ symlinkFollow: true }, "note.txt", {}, { read: true });
  const [bytes] = note.read(4096n, 0n);
  return new TextDecoder().decode(bytes).split("\n")[0];
}

export const run = {
  run() {
    const [, ...names] = getArguments();
    const { GREETING: greeting = "Hello" } = Object.fromEntries(getEnvironment());
    console.log(`${greeting}, ${names.join(" ") || "world"}!`);
    console.log(`stdin: ${countStdin()} bytes`);
    console.log(`note: ${readNote()}`);
  },
};
