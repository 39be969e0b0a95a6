import assert from "node:assert/strict";
import { test } from "node:test";
import { type Errno, HostError } from "../base/index.ts";
import { DescriptorTable } from "./descriptor.ts";
import { FileStat } from "./filesystem/file-calls.ts";
import { buffersOf, Dummy, pathOf } from "./host-fixture.ts";

function fails(errno: Errno, call: () => unknown): void {
  assert.throws(call, (error) => error instanceof HostError && error.errno === errno);
}

function filled(count: number, limit?: number): { table: DescriptorTable; dummies: Dummy[] } {
  const table = new DescriptorTable(limit);
  const dummies = Array.from({ length: count }, () => new Dummy());
  for (const dummy of dummies) table.insert(dummy);
  return { table, dummies };
}

test("DescriptorTable gives the lowest free number", () => {
  const { table } = filled(5);
  table.close(3);
  table.close(1);
  assert.deepEqual(
    [1, 3, 5].map(() => table.insert(new Dummy())),
    [1, 3, 5],
  );
  for (let fd = 0; fd < 6; fd++) table.close(fd);
  assert.equal(table.insert(new Dummy()), 0);
});

test("DescriptorTable closes a descriptor once and then knows it no more", () => {
  const { table, dummies } = filled(2);
  table.close(1);
  fails("badf", () => table.close(1));
  fails("badf", () => table.get(1));
  assert.deepEqual(
    dummies.map(({ closed }) => closed),
    [0, 1],
  );
  for (const wrong of [-1, 2, 0xffff_ffff, 1.5]) fails("badf", () => table.get(wrong));
});

test("DescriptorTable opens as many as its limit, and again after a close", () => {
  const { table } = filled(4, 4);
  fails("mfile", () => table.reserve());
  fails("mfile", () => table.insert(new Dummy()));
  table.close(0);
  table.reserve();
  assert.equal(table.insert(new Dummy()), 0);
  fails("mfile", () => table.insert(new Dummy()));
});

test("DescriptorTable refuses a limit without room for the standard streams", () => {
  assert.throws(() => new DescriptorTable(2), { code: "CLI_OPTION_INVALID" });
  assert.ok(new DescriptorTable(3));
});

test("DescriptorTable.renumber() moves, closes what was there and frees a place", () => {
  const { table, dummies } = filled(4, 4);
  table.renumber(3, 1);
  assert.equal(table.get(1), dummies[3]);
  fails("badf", () => table.get(3));
  assert.deepEqual(
    dummies.map(({ closed }) => closed),
    [0, 1, 0, 0],
  );
  assert.equal(table.insert(new Dummy()), 3);
  fails("mfile", () => table.reserve());
});

test("DescriptorTable.renumber() leaves all as it is for one number or a closed one", () => {
  const { table, dummies } = filled(2);
  table.renumber(1, 1);
  fails("badf", () => table.renumber(0, 7));
  fails("badf", () => table.renumber(7, 0));
  assert.deepEqual([table.get(0), table.get(1)], dummies);
  assert.ok(dummies.every(({ closed }) => closed === 0));
});

test("DescriptorTable.closeAll() closes each once and leaves room for all again", () => {
  const { table, dummies } = filled(3, 3);
  table.close(1);
  table.closeAll();
  table.closeAll();
  assert.deepEqual(
    dummies.map(({ closed }) => closed),
    [1, 1, 1],
  );
  for (const fd of [0, 1, 2]) assert.equal(table.insert(new Dummy()), fd);
});

test("Descriptor refuses what its kind has not, as a system does", () => {
  const [it, path, buffers] = [new Dummy(), pathOf("x"), buffersOf("x")];
  const refusals: readonly (readonly [Errno, () => unknown])[] = [
    ["badf", () => it.read(buffers)],
    ["badf", () => it.write(buffers)],
    ["badf", () => it.setTimes("now", "now")],
    ["spipe", () => it.readAt(buffers, 0n)],
    ["spipe", () => it.writeAt(buffers, 0n)],
    ["spipe", () => it.seek(0n, "start")],
    ["spipe", () => it.allocate(0n, 1n)],
    ["spipe", () => it.advise(0n, 1n, "normal")],
    ["inval", () => it.truncate(0n)],
    ["inval", () => it.sync("all")],
    ["notdir", () => it.open(path, 0)],
    ["notdir", () => it.statAt(path, "follow", new FileStat())],
    ["notdir", () => it.setTimesAt(path, { follow: "follow", atime: "now", mtime: "now" })],
    ["notdir", () => it.makeDirectory(path)],
    ["notdir", () => it.removeDirectory(path)],
    ["notdir", () => it.unlink(path)],
    ["notdir", () => it.rename(path, it, path)],
    ["notdir", () => it.link(path, "nofollow", { folder: it, path })],
    ["notdir", () => it.symlink(path, path)],
    ["notdir", () => it.readLink(path)],
    ["notdir", () => it.readDirectory()],
    ["notdir", () => it.refuseName(path)],
    ["notsock", () => it.accept()],
    ["notsock", () => it.receive(buffers)],
    ["notsock", () => it.send(buffers)],
    ["notsock", () => it.shutdown("both")],
  ];
  for (const [errno, refused] of refusals) fails(errno, refused);
  it.setFlags({ append: true, nonblock: true });
  assert.deepEqual(it.flags, { append: true, nonblock: true, sync: false, dsync: false });
});
