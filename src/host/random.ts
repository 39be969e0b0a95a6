import { refusal } from "../base/index.ts";
import { nativeOrUndefined, throwErrno } from "../base/native.ts";
import type { RandomGrant } from "../capabilities/index.ts";
import type { Observer } from "./observer.ts";

/** Randomness as a grant gives it. */
export interface Random {
  /** Fills all of `bytes`. @throws HostError perm */
  fill(bytes: Uint8Array): void;
}

/** The source of randomness that a grant gives. */
export function createRandom(grant: RandomGrant, observer: Observer): Random {
  switch (grant.kind) {
    case "system":
      return noting(systemRandom(), observer);
    case "seed":
      return noting(seededRandom(grant.seed), observer);
    case "none":
      return {
        fill() {
          observer.refused({ capability: "random" });
          throw refusal;
        },
      };
  }
}

function noting(random: Random, observer: Observer): Random {
  if (!observer.isLearning) return random;
  return {
    fill(bytes) {
      observer.used({ capability: "random" });
      random.fill(bytes);
    },
  };
}

/** The system's own, found when a guest first asks for it: what there is of it takes milliseconds to load. */
function systemRandom(): Random {
  let found: Random | undefined;
  return {
    fill(bytes) {
      (found ??= findRandom()).fill(bytes);
    },
  };
}

/** getrandom(2), which needs no module loaded; node:crypto where there are no native calls. */
function findRandom(): Random {
  const native = nativeOrUndefined();
  if (native === undefined) {
    const { randomFillSync } = process.getBuiltinModule("node:crypto");
    return { fill: (bytes) => void randomFillSync(bytes) };
  }
  return {
    fill(bytes) {
      const start = native.addressOf(bytes.buffer) + bytes.byteOffset;
      let done = 0;
      while (done < bytes.length) {
        const count = native.c.getrandom(BigInt(start + done), BigInt(bytes.length - done), 0);
        if (count >= 0n) done += Number(count);
        else if (native.errno() !== 4) throwErrno(native);
      }
    },
  };
}

const mask = 0xffff_ffff_ffff_ffffn;

/**
 * A reproducible stream from a text: SplitMix64 over the text's FNV-1a hash. It is for tests and replays, and no secret can be
 * drawn from it.
 */
function seededRandom(seed: string): Random {
  let state = 0xcbf2_9ce4_8422_2325n;
  for (const byte of new TextEncoder().encode(seed)) state = ((state ^ BigInt(byte)) * 0x100_0000_01b3n) & mask;
  let word = 0n;
  let left = 0;
  return {
    fill(bytes) {
      for (let i = 0; i < bytes.length; i++) {
        if (left === 0) {
          state = (state + 0x9e37_79b9_7f4a_7c15n) & mask;
          word = ((state ^ (state >> 30n)) * 0xbf58_476d_1ce4_e5b9n) & mask;
          word = ((word ^ (word >> 27n)) * 0x94d0_49bb_1331_11ebn) & mask;
          word ^= word >> 31n;
          left = 8;
        }
        bytes[i] = Number(word & 0xffn);
        word >>= 8n;
        left -= 1;
      }
    },
  };
}
