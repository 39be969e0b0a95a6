export { grantKeys, grantsFormOf, readGrants } from "../schema.ts";
export {
  flag,
  type Form,
  type FormFinding,
  type JsonSchema,
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
