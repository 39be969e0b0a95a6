export { grantKeys, grantsFormOf, readGrants } from "../schema.ts";
export {
  flag,
  type Form,
  type FormFinding,
  list,
  map,
  mapped,
  object,
  type ObjectOf,
  oneOf,
  type Placed,
  placed,
  readWholeDocument,
  text,
} from "./forms.ts";
export type { JsonSchema } from "./json-schema.ts";
