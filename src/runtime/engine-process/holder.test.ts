import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { liveHolder, takeHold } from "./holder.ts";

const root = mkdtempSync(join(tmpdir(), "sampan-hold-"));
after(() => rmSync(root, { recursive: true }));
const newFolder = (): string => join(mkdtempSync(join(root, "f-")), "project");
const holdFile = new URL("./holder.ts", import.meta.url).href;

/** A process that takes hold, says how that went, and stays until it is ended. */
function holder(folder: string) {
  const program = `
    const { takeHold } = await import(${JSON.stringify(holdFile)});
    try {
      await takeHold(${JSON.stringify(folder)}, { kind: "foreground", socket: "/socket" });
      console.log("held");
      setInterval(() => {}, 1000);
    } catch (error) { console.log(error.code + " " + error.data?.holder.pid); }`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const said = once(child.stdout.setEncoding("utf8"), "data").then(([text]) => String(text).trim());
  return { child, said };
}

test("takeHold() lets one of many processes that come at once have it, and tells the rest who that is", async () => {
  const folder = newFolder();
  const all = Array.from({ length: 5 }, () => holder(folder));
  const said = await Promise.all(all.map((each) => each.said));
  const winner = all[said.indexOf("held")];
  assert.equal(said.filter((text) => text === "held").length, 1, said.join());
  assert.ok(
    said.every((text) => text === "held" || text === `PROJECT_HELD ${winner?.child.pid}`),
    said.join(),
  );
  assert.deepEqual(liveHolder(folder), { kind: "foreground", socket: "/socket", pid: winner?.child.pid });
  assert.equal(readdirSync(folder).length, 1);
  const ended = once(winner?.child ?? process, "exit");
  winner?.child.kill("SIGKILL");
  await ended;
  assert.equal(liveHolder(folder), undefined);
  const hold = await takeHold(folder, { kind: "engine", socket: "/mine" });
  assert.equal(liveHolder(folder)?.pid, process.pid);
  hold.release();
  hold.release();
  assert.deepEqual(readdirSync(folder), []);
});

test("liveHolder() takes no other process for the holder whose number it has", async () => {
  const folder = newFolder();
  (await takeHold(folder, { kind: "engine" })).release();
  if (process.platform !== "linux") return;
  writeFileSync(join(folder, `holder.${process.pid}.1`), JSON.stringify({ pid: process.pid, kind: "engine" }));
  assert.equal(liveHolder(folder), undefined);
  assert.deepEqual(readdirSync(folder), []);
});
