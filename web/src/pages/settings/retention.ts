/** Rules of retention as a person edits them, and as a record holds them. Pure. */

import type { Field, ObjectDef, Values } from '../../api/types';
import { plain } from '../../lib/metadata';

export const ACTIONS = ['trash', 'erase', 'anonymise'] as const;
export type Action = (typeof ACTIONS)[number];

/** Stands for all objects, where the trash is emptied. */
export const ALL = '*';

export interface Rule {
  name: string;
  object: string;
  action: Action;
  days: number;
  since: string;
  filter: string;
  /** What stands there afterwards; null: nothing. */
  fields: { key: string; value: unknown }[];
  percent_max: number;
  enabled: boolean;
}

export const newRule = (object: string): Rule => ({
  name: '',
  object,
  action: 'trash',
  days: 365,
  since: 'updated_at',
  filter: '',
  fields: [],
  percent_max: 10,
  enabled: false,
});

const whole = (value: unknown, or: number) => (typeof value === 'number' ? value : or);

export function readRule(values: Values): Rule {
  const action = ACTIONS.find((a) => a === values.action) ?? 'trash';
  const fields = values.fields && typeof values.fields === 'object' ? Object.entries(values.fields) : [];
  return {
    name: plain(values.name),
    object: plain(values.object),
    action,
    days: whole(values.days, 0),
    since: plain(values.since) || 'updated_at',
    filter: plain(values.filter),
    fields: fields.map(([key, value]) => ({ key, value })),
    percent_max: whole(values.percent_max, 10),
    enabled: values.enabled === true,
  };
}

/** The rule as values of its record; what does not belong to its action is emptied. */
export const writeRule = (rule: Rule): Values => ({
  name: rule.name.trim(),
  object: rule.object,
  action: rule.action,
  days: rule.days,
  since: rule.since,
  filter: rule.filter.trim() || null,
  fields:
    rule.action === 'anonymise'
      ? Object.fromEntries(rule.fields.map(({ key, value }) => [key, value === '' ? null : (value ?? null)]))
      : null,
  percent_max: rule.percent_max,
  enabled: rule.enabled,
});

/** What may be replaced: what people write, and what is no secret of the system. */
export const replaceable = (object: ObjectDef | undefined): Field[] =>
  (object?.fields ?? []).filter(
    (f) => !f.read_only && !f.hidden && !['computed', 'auto_number', 'secret', 'file'].includes(f.kind),
  );

/** The dates that age can be counted from, besides those every record has. */
export const datesOf = (object: ObjectDef | undefined): Field[] =>
  (object?.fields ?? []).filter((f) => !f.hidden && (f.kind === 'date' || f.kind === 'datetime'));
