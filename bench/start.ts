import { inTurn, type Row, timeCommand } from "./measure.ts";
import { sampan, wasmGuest } from "./tools.ts";

/** How long `sampan run hello.wasm` takes from the shell, beside a bare start of the Node that runs it. */
export async function benchStart(): Promise<Row[]> {
  const hello = await wasmGuest("hello");
  const [ours, bare] = inTurn(
    31,
    () => timeCommand(sampan, ["run", hello]),
    () => timeCommand(process.execPath, ["-e", "0"]),
  );
  return [
    {
      what: "sampan run hello.wasm, whole command",
      unit: "ms",
      value: ours,
      floor: bare,
      floorName: "node26 -e 0",
      goal: { ratio: 1.6 },
    },
    {
      what: "of that, ours",
      unit: "ms",
      value: ours - bare,
      floor: bare,
      floorName: "node26 -e 0",
      goal: { value: 12 },
    },
  ];
}
