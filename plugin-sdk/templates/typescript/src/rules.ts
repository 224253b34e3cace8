// The rules themselves: no host, so tests call them directly.

import { get, type Change, type Entity, type Verdict } from "./kith";

const FIELDS = ["first_name", "last_name", "emails", "phones", "company", "job_title"];

/** The share of these fields that is filled in, in percent. */
export function completeness(person: Entity): number {
  const filled = FIELDS.filter((key) => get(person, key).tag !== "null").length;
  return Math.floor((filled * 100) / FIELDS.length);
}

export interface Settings { need_name: boolean }

export function check(settings: Settings, change: Change): Verdict {
  const named = ["first_name", "last_name"].some((key) => get(change.after, key).tag !== "null");
  if (settings.need_name && !named && change.kind !== "delete") {
    return { tag: "reject", val: [{ field: "last_name", code: "name_missing", message: "write a first or a last name" }] };
  }
  return { tag: "accept" };
}
