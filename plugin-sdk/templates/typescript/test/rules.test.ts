import assert from "node:assert/strict";
import test from "node:test";

import type { Entity } from "../src/kith";
import { check, completeness } from "../src/rules";

function person(fields: Record<string, string>): Entity {
  const list = Object.entries(fields).map(([name, val]) => ({ name, value: { tag: "text" as const, val } }));
  return { object: "people", id: "1", version: 1, fields: list };
}

test("each field counts", () => {
  assert.equal(completeness(person({ first_name: "Zoë", last_name: "Ray" })), 33);
  assert.equal(completeness(person({})), 0);
});

test("people without a name are refused when the settings say so", () => {
  const change = { kind: "create" as const, after: person({ job_title: "Head" }) };
  assert.deepEqual(check({ need_name: false }, change), { tag: "accept" });
  assert.equal(check({ need_name: true }, change).tag, "reject");
});
