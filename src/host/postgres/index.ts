export { PostgresFailure, type ServerError } from "./failures.ts";
export {
  Postgres,
  type PostgresColumn,
  PostgresConnection,
  type PostgresParameter,
  type PostgresRows,
} from "./postgres.ts";
