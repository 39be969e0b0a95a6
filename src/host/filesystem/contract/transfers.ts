import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { open } from "../file-calls.ts";
import { buffersOf, type ContractSubject, fails, type GetBench, type It } from "./bench.ts";

/** Bytes, positions and sizes. */
export function testTransfers(it: It, get: GetBench, subject: ContractSubject): void {
  it("read() and write() go on from the position, seek() moves it", () => {
    const b = get();
    const fd = b.open("file", open.read | open.write);
    assert.equal(b.read(fd, 3), "con");
    assert.equal(b.calls.seek(fd, 0n, "current"), 3n);
    assert.equal(b.write(fd, "T"), 1);
    assert.equal(b.read(fd), "ent");
    assert.equal(b.read(fd), "");
    assert.equal(b.calls.seek(fd, -2n, "end"), 5n);
    assert.equal(b.read(fd), "nt");
    assert.equal(b.calls.seek(fd, 1n, "start"), 1n);
    assert.equal(b.calls.seek(fd, 2n, "current"), 3n);
    assert.equal(b.read(fd, 1), "T");
    fails("inval", () => b.calls.seek(fd, -1n, "start"));
    assert.equal(b.calls.seek(fd, 100n, "start"), 100n);
    b.write(fd, "!");
    b.calls.stat(fd, b.stat);
    assert.equal(b.stat.size, 101n);
    b.calls.close(fd);
  });
  it("several pieces are read and written by one call, and at an offset", () => {
    const b = get();
    const fd = b.open("pieces", open.read | open.write | open.create);
    assert.equal(b.calls.write(fd, buffersOf(Buffer.from("ab"), Buffer.from(""), Buffer.from("cde"))), 5);
    const into = buffersOf(new Uint8Array(1), new Uint8Array(3));
    assert.equal(b.calls.readAt(fd, into, 1n), 4);
    assert.equal(Buffer.from(into.memory).toString(), "bcde");
    assert.equal(b.calls.writeAt(fd, buffersOf(Buffer.from("X"), Buffer.from("Y")), 3n), 2);
    assert.equal(readFileSync(b.at("pieces"), "utf8"), "abcXY");
    assert.equal(b.calls.seek(fd, 0n, "current"), 5n);
    assert.equal(b.calls.readAt(fd, into, 2n ** 63n - 10n), 0);
    b.calls.close(fd);
  });
  it("append goes to the end wherever the position is", () => {
    const b = get();
    const fd = b.open("file", open.read | open.write | open.append);
    b.calls.seek(fd, 0n, "start");
    b.write(fd, "+");
    assert.equal(b.calls.seek(fd, 0n, "current"), 8n);
    b.write(fd, "+");
    b.calls.close(fd);
    assert.equal(readFileSync(b.at("file"), "utf8"), "content++");
    const plain = b.open("file", open.write);
    b.calls.setFlags(plain, { append: true, nonblock: true });
    b.write(plain, "!");
    b.calls.setFlags(plain, { append: false, nonblock: true });
    b.calls.seek(plain, 1n, "start");
    b.write(plain, "O");
    b.calls.close(plain);
    assert.equal(readFileSync(b.at("file"), "utf8"), "cOntent++!");
  });
  it("writeAt() of a file that appends goes to the end and leaves the position", () => {
    const b = get();
    const writeAt = (fd: number, text: string, offset: bigint) =>
      b.calls.writeAt(fd, buffersOf(Buffer.from(text)), offset);
    const fd = b.open("file", open.read | open.write | open.append);
    b.write(fd, "+");
    assert.equal(b.calls.seek(fd, 2n, "start"), 2n);
    assert.equal(writeAt(fd, "ab", 0n), 2);
    assert.equal(b.calls.seek(fd, 0n, "current"), 2n);
    assert.equal(b.read(fd, 3), "nte");
    fails("inval", () => writeAt(fd, "x", -1n));
    b.write(fd, "-");
    assert.equal(b.calls.seek(fd, 0n, "current"), 11n);
    b.calls.close(fd);
    const switched = b.open("file", open.read | open.write);
    b.calls.setFlags(switched, { append: true, nonblock: false });
    assert.equal(writeAt(switched, "!", 3n), 1);
    assert.equal(b.read(switched), "content+ab-!");
    b.calls.close(switched);
  });
  if (subject.followsRenames) testSwitchingAppend(it, get);
  it("truncate(), allocate(), advise() and sync() work on a file", () => {
    const b = get();
    const fd = b.open("file", open.read | open.write);
    b.calls.truncate(fd, 3n);
    b.calls.allocate(fd, 0n, 2n);
    assert.equal(readFileSync(b.at("file"), "utf8"), "con");
    b.calls.allocate(fd, 2n, 4n);
    assert.equal(readFileSync(b.at("file"), "utf8"), "con\0\0\0");
    fails("inval", () => b.calls.allocate(fd, 0n, 0n));
    b.calls.advise(fd, 0n, 10n, "sequential");
    b.calls.sync(fd, "data");
    b.calls.sync(fd, "all");
    b.calls.close(fd);
    const reading = b.open("file", open.read);
    fails("inval", () => b.calls.truncate(reading, 1n));
    fails("badf", () => b.calls.allocate(reading, 0n, 1n));
    b.calls.close(reading);
    assert.equal(readFileSync(b.at("file")).length, 6);
  });
}

function testSwitchingAppend(it: It, get: GetBench): void {
  it("append can be switched off for a file that was opened with it", () => {
    const b = get();
    const fd = b.open("file", open.read | open.write | open.append);
    b.write(fd, "+");
    b.calls.setFlags(fd, { append: false, nonblock: false });
    b.calls.seek(fd, 0n, "start");
    b.write(fd, "C");
    assert.equal(readFileSync(b.at("file"), "utf8"), "Content+");
    b.calls.setFlags(fd, { append: true, nonblock: false });
    b.write(fd, "+");
    b.calls.close(fd);
    assert.equal(readFileSync(b.at("file"), "utf8"), "Content++");
  });
}

/** What may have to be waited for. */
export function testPipes(it: It, get: GetBench): void {
  if (process.platform === "win32") return;
  it("a FIFO opens at once, answers again while it is empty, and is waited for", () => {
    const b = get();
    execFileSync("mkfifo", [b.at("fifo")]);
    fails("nxio", () => b.open("fifo", open.write));
    const reading = b.open("fifo", open.read);
    const writing = b.open("fifo", open.write);
    assert.equal(b.statAt("fifo").type, "fifo");
    fails("again", () => b.read(reading));
    assert.equal(b.calls.wait(reading, "read", 5), false);
    assert.equal(b.calls.wait(writing, "write", 5), true);
    b.write(writing, "through the pipe");
    assert.equal(b.calls.wait(reading, "read", -1), true);
    assert.equal(b.calls.wait(reading, "read", 0), true);
    assert.equal(b.read(reading), "through the pipe");
    fails("again", () => b.read(reading));
    fails("spipe", () => b.calls.seek(reading, 0n, "current"));
    b.calls.close(writing);
    assert.equal(b.calls.wait(reading, "read", -1), true);
    assert.equal(b.read(reading), "");
    b.calls.close(reading);
    const file = b.open("file", open.read);
    assert.equal(b.calls.wait(file, "read", -1), true);
    b.calls.close(file);
  });
}
