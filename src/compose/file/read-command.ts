import { type At, at, itemsAt, refuse, text } from "./at.ts";
import type { Healthcheck } from "./model.ts";
import { duration, truth, wholeNumber } from "./at.ts";
import type { Problems } from "./problems.ts";
import { shellWords } from "./shell-words.ts";

/** `entrypoint` and `command` as words. */
export function readCommand(service: At, problems: Problems): { args: string[]; argvFromFile: boolean } {
  const entrypoint = wordsAt(at(service, "entrypoint"), problems);
  const command = wordsAt(at(service, "command"), problems);
  return { args: [...entrypoint, ...command], argvFromFile: entrypoint.length > 0 };
}

function wordsAt(place: At | undefined, problems: Problems): readonly string[] {
  if (place?.tree.kind === "list") return itemsAt(place).flatMap((item) => text(item) ?? []);
  const typed = text(place);
  if (place === undefined || typed === undefined) return [];
  const words = shellWords(typed);
  if (!("problem" in words)) return words;
  refuse(problems, place, `${words.problem} in "${typed}"`, "close it, or write a list of words");
  return [];
}

const second = 1000;

/** The health check of a service, where it has one that is not disabled. */
export function readHealthcheck(
  place: At | undefined,
  { problems, isStandIn }: { problems: Problems; isStandIn: boolean },
): Healthcheck | undefined {
  if (place === undefined) return undefined;
  const test = at(place, "test");
  const isDisabled = truth(problems, at(place, "disable"), false);
  const read = test === undefined ? undefined : readTest(test, problems);
  const times = {
    interval: duration(problems, at(place, "interval")) ?? 30 * second,
    timeout: duration(problems, at(place, "timeout")) ?? 30 * second,
    retries: wholeNumber(problems, at(place, "retries")) ?? 3,
    startPeriod: duration(problems, at(place, "start_period")) ?? 0,
    startInterval: duration(problems, at(place, "start_interval")) ?? 5 * second,
  };
  if (isDisabled) {
    if (read !== undefined && test !== undefined)
      refuse(problems, test, "it has a test and is disabled", "remove test: or disable:");
    return undefined;
  }
  // A stand-in knows by itself when it is ready, as an image has a test of its own.
  if (test === undefined && place.tree.kind === "map" && !isStandIn)
    refuse(problems, place, 'it lacks the key "test"', 'add test: ["CMD", "curl", "-f", "http://localhost:8080/"]');
  return read === undefined ? undefined : { ...read, ...times };
}

function readTest(place: At, problems: Problems): Pick<Healthcheck, "kind" | "command"> | undefined {
  const typed = text(place);
  if (typed !== undefined) return { kind: "shell", command: [typed] };
  const [first = "", ...rest] = itemsAt(place).map((item) => text(item) ?? "");
  const tell = (problem: string, hint: string): undefined => {
    refuse(problems, place, problem, hint);
    return undefined;
  };
  const list = place.tree.kind === "list";
  if (!list) return undefined;
  switch (first) {
    case "NONE":
      return rest.length === 0 ? undefined : tell("NONE takes no words behind it", 'write ["NONE"]');
    case "CMD":
      return rest.length > 0
        ? { kind: "exec", command: rest }
        : tell("there is no command behind CMD", 'write ["CMD", "PROGRAM"]');
    case "CMD-SHELL":
      return rest.length === 1
        ? { kind: "shell", command: rest }
        : tell(`found ${rest.length} words behind CMD-SHELL, wanted one line`, 'write ["CMD-SHELL", "LINE"]');
    default:
      return tell(
        first === "" ? "the list is empty" : `its first word is "${first}", wanted CMD, CMD-SHELL or NONE`,
        `write ["CMD", ${
          [first, ...rest]
            .filter((word) => word !== "")
            .map((word) => JSON.stringify(word))
            .join(", ") || '"PROGRAM"'
        }]`,
      );
  }
}
