/** The whole of it, as a visitor sees it: brought up from the compose file, used in a real browser, brought up again. */
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test, type TestContext } from "node:test";
import type { Browser, Page } from "playwright-core";
import { freePort, onPath } from "../databases.ts";
import { ask, untilWell } from "../programs.ts";

const sampan = join(import.meta.dirname, "../../src/cli/main.ts");
const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

let home = "";
let url = "";
let environment: NodeJS.ProcessEnv = {};
let browser: Browser | undefined;

before(async () => {
  home = mkdtempSync(join(tmpdir(), "sampan-page-"));
  const port = await freePort();
  url = `http://127.0.0.1:${port}`;
  environment = { ...process.env, XDG_STATE_HOME: home, XDG_RUNTIME_DIR: home, ORDERS_PORT: `${port}` };
  const chromium = onPath("chromium");
  if (chromium === undefined) return;
  const { chromium: driver } = await import("playwright-core");
  browser = await driver.launch({ executablePath: chromium, args: flags });
});

after(async () => {
  await browser?.close();
  rmSync(home, { recursive: true, force: true });
});

interface Ended {
  readonly code: number | null;
  readonly output: string;
}

function start(args: readonly string[]): { ended: Promise<Ended>; stop(): void } {
  const child = spawn(process.execPath, [sampan, ...args], { cwd: import.meta.dirname, env: environment });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (chunk: string) => (output += chunk));
  }
  const ended = once(child, "close").then(([code]): Ended => ({ code: code as number | null, output }));
  return { ended, stop: () => child.kill("SIGINT") };
}

/** Brings the project up, does something with it, and stops it as Ctrl-C does. */
async function whileUp(work: () => Promise<void>): Promise<Ended> {
  const up = start(["up"]);
  const early = up.ended.then(({ output }) => {
    throw new Error(`It ended too soon:\n${output}`);
  });
  try {
    await Promise.race([untilPageAnswers(), early]);
    await work();
  } finally {
    up.stop();
  }
  early.catch(() => {});
  return await up.ended;
}

/** Nobody listens at first, and then the service may still be on its way. */
async function untilPageAnswers(): Promise<void> {
  for (;;) {
    try {
      await untilWell(`${url}/api/orders`);
      return;
    } catch {
      await new Promise((again) => setTimeout(again, 20));
    }
  }
}

async function openPage(t: TestContext, width: number): Promise<Page> {
  assert.ok(browser !== undefined);
  const page = await browser.newPage({ viewport: { width, height: 844 } });
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  t.after(async () => {
    await page.close();
    assert.deepEqual(complaints, []);
  });
  await page.goto(url);
  return page;
}

async function takeOrder(page: Page, customer: string, item: string, quantity: number): Promise<void> {
  const form = page.locator("#take");
  await form.getByLabel("Customer").fill(customer);
  await form.getByLabel("Item").fill(item);
  await form.getByLabel("Quantity").fill(`${quantity}`);
  await form.getByRole("button", { name: "Take order" }).click();
  await page.locator(".item", { hasText: `${quantity} × ${item}` }).waitFor();
}

test("examples/orders takes an order in a browser, and has it after down and up", async (t) => {
  if (browser === undefined) return t.skip("skipped: no Chromium (Debian: chromium)");
  const first = await whileUp(async () => {
    const page = await openPage(t, 1280);
    await page.getByText("No orders yet").waitFor();
    await page.getByRole("button", { name: "Take order" }).click();
    await page.getByText("Who orders?").waitFor();
    await takeOrder(page, "Mina Park", "Porcelain teapot", 2);
    await takeOrder(page, "김하늘", "보리차", 12);
    await page.getByLabel("Status of Porcelain teapot for Mina Park").selectOption("paid");
    await page.getByText(/^Order \d+ is paid$/).waitFor({ state: "attached" });
    await page.getByRole("button", { name: "Change Porcelain teapot for Mina Park" }).click();
    await page.getByRole("dialog").getByLabel("Quantity").fill("3");
    await page.getByRole("button", { name: "Save" }).click();
    await page.locator(".item", { hasText: "3 × Porcelain teapot" }).waitFor();
    await page.getByRole("button", { name: "Delete 보리차 for 김하늘" }).click();
    await page.getByRole("button", { name: "Delete it" }).click();
    await page.locator(".item", { hasText: "보리차" }).waitFor({ state: "detached" });
  });
  assert.match(first.output, /^orders-1 +\| orders: listening on port 8080$/m);
  const down = await start(["down"]).ended;
  assert.equal(down.code, 0, down.output);

  await whileUp(async () => {
    const page = await openPage(t, 390);
    await page.locator(".item", { hasText: "3 × Porcelain teapot" }).waitFor();
    assert.equal(await page.locator("#list li").count(), 1);
    assert.equal(await page.getByLabel("Status of Porcelain teapot for Mina Park").inputValue(), "paid");
    // Nothing sticks out of a phone's screen.
    assert.ok(await page.evaluate("document.documentElement.scrollWidth <= innerWidth"));
    assert.equal((await ask(`${url}/nothing`)).status, 404);
  });
  const gone = await start(["down", "-v"]).ended;
  assert.equal(gone.code, 0, gone.output);
  assert.ok(!existsSync(join(home, "sampan", "volumes", "orders_data")));
});
