import type { ErrorData } from "../../base/index.ts";
import type { ProjectNetworkConfig } from "../../engine/index.ts";
import type { InitScript } from "./init-scripts.ts";
import type { Site } from "./nginx/site.ts";
import type { PostgresSettings } from "./postgres/settings.ts";

/** What a child process is to do. */
export type ChildTask =
  | { readonly kind: "postgres-create"; readonly folder: string; readonly settings: PostgresSettings }
  | {
      readonly kind: "postgres";
      readonly folder: string;
      readonly settings: PostgresSettings;
      readonly scripts: readonly InitScript[];
      readonly network: ProjectNetworkConfig;
    }
  | { readonly kind: "nginx"; readonly site: Site; readonly network: ProjectNetworkConfig };

/** What a child process says. */
export type ChildReport = { readonly kind: "ready" } | { readonly kind: "failed"; readonly error: ErrorData };
