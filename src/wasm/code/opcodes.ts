/**
 * What follows an opcode (WebAssembly 3.0, 5.4 Instructions): a number in the low bits of a table's entry, {@link visited} on
 * top of it where the walk tells its visitor.
 */
export const immediate = {
  /** No instruction that V8 takes without a flag. */
  unknown: 0,
  none: 1,
  /** One integer: an index, a label, a constant or a heap type. */
  one: 2,
  two: 3,
  /** Alignment, perhaps a memory's index, an offset. */
  memory: 4,
  /** The same and a lane. */
  memoryLane: 5,
  byte: 6,
  bytes4: 7,
  bytes8: 8,
  bytes16: 9,
  blockType: 10,
  valueTypes: 11,
  branchTable: 12,
  tryTable: 13,
  branchOnCast: 14,
  prefix: 15,
} as const;

/** Set in a table's entry where {@link walkExpression} calls its visitor. */
export const visited = 0x40;

/** Opcodes that a visitor is told of; those behind a prefix byte are the prefix, times 4,096, and their number. */
export const opcode = {
  block: 0x02,
  loop: 0x03,
  if: 0x04,
  try: 0x06,
  rethrow: 0x09,
  end: 0x0b,
  br: 0x0c,
  brIf: 0x0d,
  brTable: 0x0e,
  call: 0x10,
  callIndirect: 0x11,
  returnCall: 0x12,
  returnCallIndirect: 0x13,
  callRef: 0x14,
  returnCallRef: 0x15,
  delegate: 0x18,
  tryTable: 0x1f,
  tableSet: 0x26,
  memorySize: 0x3f,
  memoryGrow: 0x40,
  refFunc: 0xd2,
  brOnNull: 0xd5,
  brOnNonNull: 0xd6,
  brOnCast: 0xfb018,
  brOnCastFail: 0xfb019,
  arrayNew: 0xfb006,
  arrayNewDefault: 0xfb007,
  arrayNewData: 0xfb009,
  arrayNewElem: 0xfb00a,
  arrayFill: 0xfb010,
  arrayCopy: 0xfb011,
  arrayInitData: 0xfb012,
  arrayInitElem: 0xfb013,
  memoryCopy: 0xfc00a,
  memoryFill: 0xfc00b,
  memoryWait32: 0xfe001,
  memoryWait64: 0xfe002,
  memoryInit: 0xfc008,
  dataDrop: 0xfc009,
  tableInit: 0xfc00c,
  elemDrop: 0xfc00d,
  tableCopy: 0xfc00e,
  tableGrow: 0xfc00f,
  tableFill: 0xfc011,
} as const;

/** Entries for ranges of opcodes: first, last (inclusive), entry. */
type Rows = readonly (readonly [first: number, last: number, entry: number])[];

const { none, one, two, memory, memoryLane, byte, blockType } = immediate;

const plainRows: Rows = [
  [0x00, 0x01, none],
  [0x02, 0x04, blockType | visited],
  [0x05, 0x05, none],
  [0x06, 0x06, blockType | visited],
  [0x07, 0x08, one],
  [0x09, 0x09, one | visited],
  [0x0a, 0x0a, none],
  [0x0b, 0x0b, none | visited],
  [0x0c, 0x0d, one | visited],
  [0x0e, 0x0e, immediate.branchTable | visited],
  [0x0f, 0x0f, none],
  [0x10, 0x10, one | visited],
  [0x11, 0x11, two | visited],
  [0x12, 0x12, one | visited],
  [0x13, 0x13, two | visited],
  [0x14, 0x15, one | visited],
  [0x18, 0x18, one | visited],
  [0x19, 0x1b, none],
  [0x1c, 0x1c, immediate.valueTypes],
  [0x1f, 0x1f, immediate.tryTable | visited],
  [0x20, 0x25, one],
  [0x26, 0x26, one | visited],
  [0x28, 0x3e, memory],
  [0x3f, 0x40, one | visited],
  [0x41, 0x42, one],
  [0x43, 0x43, immediate.bytes4],
  [0x44, 0x44, immediate.bytes8],
  [0x45, 0xc4, none],
  [0xd0, 0xd0, one],
  [0xd1, 0xd1, none],
  [0xd2, 0xd2, one | visited],
  [0xd3, 0xd4, none],
  [0xd5, 0xd6, one | visited],
  [0xfb, 0xfe, immediate.prefix],
];

/** Garbage collection: 0xfb. */
const referenceRows: Rows = [
  [0x00, 0x01, one],
  [0x02, 0x05, two],
  [0x06, 0x07, one | visited],
  [0x08, 0x08, two],
  [0x09, 0x0a, two | visited],
  [0x0b, 0x0e, one],
  [0x0f, 0x0f, none],
  [0x10, 0x10, one | visited],
  [0x11, 0x13, two | visited],
  [0x14, 0x17, one],
  [0x18, 0x19, immediate.branchOnCast | visited],
  [0x1a, 0x1e, none],
];

/** Saturating conversions, bulk memory and tables: 0xfc. */
const bulkRows: Rows = [
  [0x00, 0x07, none],
  [0x08, 0x08, two | visited],
  [0x09, 0x09, one | visited],
  [0x0a, 0x0a, two | visited],
  [0x0b, 0x0b, one | visited],
  [0x0c, 0x0c, two | visited],
  [0x0d, 0x0d, one | visited],
  [0x0e, 0x0e, two | visited],
  [0x0f, 0x0f, one | visited],
  [0x10, 0x10, one],
  [0x11, 0x11, one | visited],
];

/** Vectors, relaxed ones included: 0xfd. */
const vectorRows: Rows = [
  [0x00, 0x0b, memory],
  [0x0c, 0x0d, immediate.bytes16],
  [0x0e, 0x14, none],
  [0x15, 0x22, byte],
  [0x23, 0x53, none],
  [0x54, 0x5b, memoryLane],
  [0x5c, 0x5d, memory],
  [0x5e, 0x99, none],
  [0x9b, 0xa1, none],
  [0xa3, 0xa4, none],
  [0xa7, 0xae, none],
  [0xb1, 0xb1, none],
  [0xb5, 0xba, none],
  [0xbc, 0xc1, none],
  [0xc3, 0xc4, none],
  [0xc7, 0xce, none],
  [0xd1, 0xd1, none],
  [0xd5, 0xe1, none],
  [0xe3, 0xed, none],
  [0xef, 0x113, none],
];

/** Threads: 0xfe. */
const atomicRows: Rows = [
  [0x00, 0x00, memory],
  [0x01, 0x02, memory | visited],
  [0x03, 0x03, byte],
  [0x10, 0x4e, memory],
];

function tableOf(rows: Rows): Uint8Array {
  const table = new Uint8Array(0x200);
  for (const [first, last, entry] of rows) table.fill(entry, first, last + 1);
  return table;
}

/** Entries of the opcodes of one byte. */
export const plainTable = tableOf(plainRows);

/** Entries behind each prefix byte, from 0xfb on, by the number behind it (below 512). */
export const prefixTables: readonly Uint8Array[] = [referenceRows, bulkRows, vectorRows, atomicRows].map(tableOf);
