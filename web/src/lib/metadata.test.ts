import { describe, expect, it } from 'vitest';
import type { Field, ObjectDef } from '../api/types';
import { changedValues, defaultColumns, formFields, keyFrom, plain, sharedParent, titleOf } from './metadata';

function field(key: string, more: Partial<Field> = {}): Field {
  return {
    id: 1,
    key,
    label: key,
    kind: 'text',
    help: '',
    required: false,
    unique: false,
    read_only: false,
    hidden: false,
    many: false,
    in_list: false,
    default: null,
    position: 0,
    origin: 'core',
    sortable: true,
    operators: [],
    access: 'write',
    ...more,
  };
}

function object(key: string, fields: Field[], more: Partial<ObjectDef> = {}): ObjectDef {
  return {
    id: 1,
    key,
    label: key,
    label_plural: key,
    description: '',
    icon: '',
    title: 'name',
    subtitle: '',
    fields,
    system: false,
    timeline: true,
    position: 0,
    origin: 'core',
    permissions: { create: true, read: true, update: true, delete: true, export: true },
    actions: [],
    inverses: [],
    ...more,
  };
}

describe('metadata', () => {
  it('offers the parts of a computed title in a short form', () => {
    const people = object('people', [
      field('first_name'),
      field('name', { kind: 'computed', expression: 'first_name + " " + last_name', in_list: true }),
      field('last_name'),
      field('notes'),
      field('salary', { access: 'read', in_list: true }),
    ]);
    expect(formFields(people, false).map((f) => f.key)).toEqual(['first_name', 'last_name']);
    expect(defaultColumns(people)).toEqual(['name', 'salary']);
  });

  it('names a record even when its title is empty', () => {
    const record = {
      id: '0190aaaa-bbbb',
      object: 'deals',
      version: 1,
      created_at: '',
      updated_at: '',
      created_by: '',
      updated_by: '',
      values: { name: null },
    };
    expect(titleOf(object('deals', [field('name')]), record)).toBe('deals a-bbbb');
  });

  it('sends only what changed', () => {
    expect(changedValues({ a: 1, b: null, c: [1] }, { a: 1, b: '', c: [1, 2] })).toEqual({ c: [1, 2] });
    expect(changedValues({ a: 'x' }, { a: undefined })).toEqual({ a: null });
  });

  it('finds the pipeline that deals and stages share', () => {
    const stages = object('stages', [field('pipeline', { kind: 'link', target: 'pipelines' })]);
    const by = field('stage', { kind: 'link', target: 'stages' });
    const deals = object('deals', [by, field('pipeline', { kind: 'link', target: 'pipelines' })]);
    expect(sharedParent(deals, by, stages)?.own.key).toBe('pipeline');
    expect(sharedParent(object('x', [by]), by, stages)).toBeNull();
  });

  it('makes keys of labels in any language', () => {
    expect(keyFrom('Årlig omsætning (€)')).toBe('arlig_omsaetning');
    expect(keyFrom('2nd Phone')).toBe('nd_phone');
  });

  it('shows any value as one line', () => {
    expect(plain([{ value: 'a@b.example', label: 'work' }, { value: 'c@d.example' }])).toBe('a@b.example, c@d.example');
    expect(plain({ amount: '5', currency: 'EUR' })).toBe('5 EUR');
  });
});
