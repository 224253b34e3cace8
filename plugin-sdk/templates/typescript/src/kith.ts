// Shapes of the contract, as JavaScript sees them. Whole numbers are exact up to 2⁵³; money and decimals are texts.

export type Value =
  | { tag: "null" }
  | { tag: "text" | "decimal" | "date" | "timestamp" | "ref" | "json"; val: string }
  | { tag: "boolean"; val: boolean }
  | { tag: "integer"; val: number }
  | { tag: "refs"; val: string[] };

export interface Field { name: string; value: Value }

export interface Entity { object: string; id: string; version: number; fields: Field[] }

export interface Call { id: string; attempt: number; dryRun: boolean }

export interface Violation { field?: string; code: string; message: string }

export interface Change { kind: "create" | "update" | "delete"; before?: Entity; after?: Entity }

export type Verdict = { tag: "accept" } | { tag: "amend"; val: Field[] } | { tag: "reject"; val: Violation[] };

/** A field's value; null where it is empty or was not asked for. */
export function get(record: Entity | undefined, key: string): Value {
  return record?.fields.find((field) => field.name === key)?.value ?? { tag: "null" };
}
