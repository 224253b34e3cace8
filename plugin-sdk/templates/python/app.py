"""What the plugin exports: one class per capability, named like the interface."""

import json

import rules
from componentize_py_types import Err
from wit_world import exports
from wit_world.imports import settings, types
from wit_world.exports import before_save


def filled(record: types.Entity | None) -> set[str]:
    """The keys of the fields that have a value."""
    fields = record.fields if record else []
    return {field.name for field in fields if not isinstance(field.value, types.Value_Null)}


class BeforeSave(exports.BeforeSave):
    def check(self, c: types.Call, changes: list[before_save.Change]) -> list[before_save.Verdict]:
        configured = json.loads(settings.get())
        return [self.verdict(configured, change) for change in changes]

    def verdict(self, configured: dict, change: before_save.Change) -> before_save.Verdict:
        why = rules.refusal(configured, filled(change.after)) if change.after else None
        if why is None:
            return before_save.Verdict_Accept()
        return before_save.Verdict_Reject([types.Violation("last_name", "name_missing", why)])


class Computed(exports.Computed):
    def compute(self, c: types.Call, name: str, rows: list[types.Entity]) -> list[types.Value]:
        if name != "completeness":
            raise Err(f"there is no computed field '{name}'")
        return [types.Value_Integer(rules.completeness(filled(row))) for row in rows]
