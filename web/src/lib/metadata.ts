/** Questions about the live schema. Pure; knows no object by name but through what the schema says of it. */

import type { Field, Included, KithRecord, ObjectDef, Values } from '../api/types';

export function fieldOf(object: ObjectDef | undefined, key: string): Field | undefined {
  return object?.fields.find((f) => f.key === key);
}

/** Times and actors that every record has beside its values, shaped as fields so that lists can show and filter them. */
export function recordFields(
  labels: Record<'created_at' | 'updated_at' | 'created_by' | 'updated_by', string>,
): Field[] {
  const base = {
    help: '',
    required: false,
    unique: false,
    read_only: true,
    hidden: false,
    many: false,
    in_list: false,
    default: null,
    origin: 'core' as const,
    access: 'read' as const,
  };
  const moments = { kind: 'datetime', sortable: true, operators: ['before', 'after', 'between'] as Field['operators'] };
  const actors = { kind: 'user', sortable: false, operators: ['is', 'is_not', 'is_empty'] as Field['operators'] };
  return [
    { ...base, ...moments, id: -1, key: 'created_at', label: labels.created_at, position: 9001 },
    { ...base, ...moments, id: -2, key: 'updated_at', label: labels.updated_at, position: 9002 },
    { ...base, ...actors, id: -3, key: 'created_by', label: labels.created_by, position: 9003 },
    { ...base, ...actors, id: -4, key: 'updated_by', label: labels.updated_by, position: 9004 },
  ];
}

export function valueOf(record: KithRecord, key: string): unknown {
  if (key in record.values) return record.values[key];
  if (key === 'created_at' || key === 'updated_at' || key === 'created_by' || key === 'updated_by') return record[key];
  return null;
}

export const isWritable = (field: Field) => field.access === 'write' && !field.read_only && field.kind !== 'computed';

/** Fields of a form, in order. */
export function formFields(object: ObjectDef, all: boolean): Field[] {
  const writable = object.fields.filter((f) => isWritable(f) && !f.hidden);
  return all ? writable : writable.filter((f) => f.required || f.in_list || isTitlePart(object, f));
}

/** A computed title is made of other fields; a short form must offer those. */
function isTitlePart(object: ObjectDef, field: Field): boolean {
  const title = fieldOf(object, object.title);
  if (field.key === object.title || field.key === object.subtitle) return true;
  return !!title?.expression && new RegExp(`\\b${field.key}\\b`).test(title.expression);
}

/** Columns of a new view: the title, then what the schema wants in lists. */
export function defaultColumns(object: ObjectDef): string[] {
  const keys = object.fields.filter((f) => f.in_list && !f.hidden && f.key !== object.title).map((f) => f.key);
  return fieldOf(object, object.title) ? [object.title, ...keys] : keys;
}

export const isEmpty = (value: unknown) =>
  value === null || value === undefined || value === '' || (Array.isArray(value) && value.length === 0);

/** The name of a record; never empty. */
export function titleOf(object: ObjectDef | undefined, record: KithRecord): string {
  const value = object ? record.values[object.title] : undefined;
  const text = plain(value);
  return text || `${object?.label ?? record.object} ${record.id.slice(-6)}`;
}

/** What tells apart records of the same name. A link has no words of its own: its title comes from the server. */
export function subtitleOf(object: ObjectDef | undefined, record: KithRecord): string {
  const field = fieldOf(object, object?.subtitle ?? '');
  return field && !field.target && field.kind !== 'user' ? plain(record.values[field.key]) : '';
}

/** Any value as one line, for titles and text that has no component at hand. */
export function plain(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return value.map(plain).filter(Boolean).join(', ');
  const parts = value as Record<string, unknown>;
  if ('value' in parts) return plain(parts.value);
  if ('amount' in parts) return `${plain(parts.amount)} ${plain(parts.currency)}`;
  return Object.values(parts).map(plain).filter(Boolean).join(' ');
}

/** Values of a new record: what the schema says, then what the place of creation knows. */
export function defaults(object: ObjectDef, known: Values = {}): Values {
  const values: Values = {};
  for (const field of object.fields)
    if (!isEmpty(field.default) && isWritable(field)) values[field.key] = field.default;
  return { ...values, ...known };
}

export function sameValue(a: unknown, b: unknown): boolean {
  if (isEmpty(a) && isEmpty(b)) return true;
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Only what differs: a form never sends back fields that nobody touched. */
export function changedValues(before: Values, after: Values): Values {
  const changed: Values = {};
  for (const [key, value] of Object.entries(after)) if (!sameValue(before[key], value)) changed[key] = value ?? null;
  return changed;
}

/** Fields that a board can have as columns: one of few, or a link. */
export function boardFields(object: ObjectDef): Field[] {
  return object.fields.filter((f) => (f.kind === 'select' || f.kind === 'link') && isWritable(f) && !f.hidden);
}

/** Fields that place a record on a calendar; moments that the record only remembers come last. */
export function calendarFields(object: ObjectDef): Field[] {
  const dated = object.fields.filter((f) => (f.kind === 'date' || f.kind === 'datetime') && !f.hidden && f.sortable);
  const rank = (f: Field) => (isWritable(f) ? 0 : 2) + (f.in_list ? 0 : 1);
  return dated.sort((a, b) => rank(a) - rank(b));
}

/**
 * A second link that both the record and the target of the board's field have: deals and stages both name a pipeline, so
 * the board shows one pipeline's stages.
 */
export function sharedParent(
  object: ObjectDef,
  by: Field,
  target: ObjectDef | undefined,
): { own: Field; theirs: Field } | null {
  if (!target || by.kind !== 'link') return null;
  for (const theirs of target.fields) {
    if (theirs.kind !== 'link' || theirs.target === target.key) continue;
    const own = object.fields.find((f) => f.kind === 'link' && f.target === theirs.target);
    if (own) return { own, theirs };
  }
  return null;
}

export function moneyFields(object: ObjectDef): Field[] {
  return object.fields.filter((f) => f.kind === 'money' && !f.hidden);
}

/** A key that the server accepts, from what a person typed as label. */
export function keyFrom(label: string): string {
  const key = label
    .normalize('NFKD')
    .replace(/[\u0300-\u036f]/g, '')
    .toLowerCase()
    .replace(/æ/g, 'ae')
    .replace(/ø/g, 'o')
    .replace(/ß/g, 'ss')
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^[_0-9]+|_+$/g, '');
  return key.slice(0, 48);
}

export function included(record: KithRecord, object: ObjectDef | undefined): Included {
  return {
    id: record.id,
    object: record.object,
    title: titleOf(object, record),
    subtitle: subtitleOf(object, record),
  };
}
