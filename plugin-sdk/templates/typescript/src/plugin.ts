// What the plugin exports: one object per capability, named like the interface.

import { get as getSettings } from "kith:plugin/settings@0.1.0";
import type { Call, Change, Entity, Value, Verdict } from "./kith";
import { check, completeness, type Settings } from "./rules";

export const beforeSave = {
  check(_call: Call, changes: Change[]): Verdict[] {
    const settings: Settings = JSON.parse(getSettings());
    return changes.map((change) => check(settings, change));
  },
};

export const computed = {
  compute(_call: Call, name: string, rows: Entity[]): Value[] {
    // What is thrown becomes the error side of the contract's result.
    if (name !== "completeness") throw `there is no computed field '${name}'`;
    return rows.map((row) => ({ tag: "integer", val: completeness(row) }));
  },
};
