/** Something that a guest wants to do, as data: what `check` decides, what learning records, what a refusal names. */
export type AccessRequest =
  /** A path as the guest sees it: absolute, or relative where it works by a folder granted as ".". */
  | { readonly capability: "files"; readonly operation: "read" | "write"; readonly path: string }
  | { readonly capability: "clock" }
  | { readonly capability: "random" }
  | { readonly capability: "stdio"; readonly stream: "stdin" | "stdout" | "stderr" }
  | { readonly capability: "env"; readonly name: string }
  /** A configuration value by its key. */
  | { readonly capability: "config"; readonly name: string }
  /** A store. */
  | { readonly capability: "keyvalue"; readonly name: string }
  | { readonly capability: "log" }
  | {
      readonly capability: "net.connect";
      /** The name or address that the guest asked for. */
      readonly host: string;
      readonly port: number;
      /** What the name resolved to, where it was a name. */
      readonly addresses?: readonly string[] | undefined;
    }
  | {
      readonly capability: "net.listen";
      readonly address?: string | undefined;
      readonly port: number;
    }
  | { readonly capability: "net.dns"; readonly name: string };
