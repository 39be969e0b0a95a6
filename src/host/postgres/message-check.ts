/** An answer that is not what the protocol says; the message says why. */
export class AnswerProblem extends Error {
  override readonly name = "AnswerProblem";
}

/** Reads one message's content and never past its end. */
class Cursor {
  readonly #bytes: Buffer;
  #at: number;
  readonly #end: number;

  constructor(bytes: Buffer, start: number, end: number) {
    this.#bytes = bytes;
    this.#at = start;
    this.#end = end;
  }

  get isAtEnd(): boolean {
    return this.#at === this.#end;
  }

  skip(length: number): void {
    if (length < 0 || length > this.#end - this.#at) throw new AnswerProblem("a message is shorter than it says");
    this.#at += length;
  }

  byte(): number {
    this.skip(1);
    return this.#bytes[this.#at - 1] ?? 0;
  }

  count(): number {
    this.skip(2);
    return this.#bytes.readInt16BE(this.#at - 2);
  }

  int(): number {
    this.skip(4);
    return this.#bytes.readInt32BE(this.#at - 4);
  }

  /** A text up to its NUL; whether there is anything of it. */
  text(): boolean {
    const nul = this.#bytes.indexOf(0, this.#at);
    if (nul < 0 || nul >= this.#end) throw new AnswerProblem("a text in a message has no end");
    const isThere = nul > this.#at;
    this.#at = nul + 1;
    return isThere;
  }

  rest(): void {
    this.#at = this.#end;
  }
}

function times(cursor: Cursor, each: () => void): void {
  const count = cursor.count();
  if (count < 0) throw new AnswerProblem("a message says that it has less than nothing");
  for (let i = 0; i < count; i++) each();
}

function fields(cursor: Cursor): void {
  while (cursor.byte() !== 0) cursor.text();
}

function authentication(cursor: Cursor): void {
  switch (cursor.int()) {
    case 0:
    case 3:
      return;
    case 5:
      return cursor.skip(4);
    case 10:
      while (cursor.text());
      return;
    case 11:
    case 12:
      return cursor.rest();
    default:
      throw new AnswerProblem("the server wants to know who asks in a way that is not known here");
  }
}

const nothing = (): void => {};
const copy = (cursor: Cursor): void => {
  cursor.skip(1);
  times(cursor, () => cursor.skip(2));
};

/** What each message of a server's consists of (PostgreSQL's documentation, Message Formats). */
const forms: Readonly<Record<string, (cursor: Cursor) => void>> = {
  R: authentication,
  K: (cursor) => {
    cursor.skip(8);
    cursor.rest();
  },
  S: (cursor) => {
    cursor.text();
    cursor.text();
  },
  Z: (cursor) => cursor.skip(1),
  "1": nothing,
  "2": nothing,
  "3": nothing,
  n: nothing,
  s: nothing,
  I: nothing,
  c: nothing,
  C: (cursor) => void cursor.text(),
  D: (cursor) =>
    times(cursor, () => {
      const length = cursor.int();
      if (length !== -1) cursor.skip(length);
    }),
  T: (cursor) =>
    times(cursor, () => {
      cursor.text();
      cursor.skip(18);
    }),
  t: (cursor) => times(cursor, () => cursor.skip(4)),
  E: fields,
  N: fields,
  A: (cursor) => {
    cursor.skip(4);
    cursor.text();
    cursor.text();
  },
  G: copy,
  H: copy,
  W: copy,
  d: (cursor) => cursor.rest(),
};

/** Bytes before a message's content: its type and its length. */
export const headLength = 5;

/** Checks a message that is there whole: the library that reads it trusts in all that it says of itself. @throws AnswerProblem */
export function checkMessage(bytes: Buffer, start: number, end: number): void {
  const type = String.fromCharCode(bytes[start] ?? 0);
  const form = Object.hasOwn(forms, type) ? forms[type] : undefined;
  if (form === undefined) throw new AnswerProblem("the server does not speak PostgreSQL's protocol");
  const cursor = new Cursor(bytes, start + headLength, end);
  form(cursor);
  if (!cursor.isAtEnd) throw new AnswerProblem("a message is longer than what it says");
}
