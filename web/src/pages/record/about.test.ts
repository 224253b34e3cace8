import { describe, expect, it } from 'vitest';
import type { Field, ObjectDef } from '../../api/types';
import { aboutValues } from './about';

const object = (fields: Partial<Field>[]) => ({ key: 'notes', fields }) as unknown as ObjectDef;

describe('what a note is about', () => {
  it('uses a link to that object, one or many', () => {
    expect(aboutValues(object([{ key: 'person', kind: 'link', target: 'people' }]), 'people', '1')).toEqual({
      person: '1',
    });
    expect(aboutValues(object([{ key: 'who', kind: 'links', target: 'people' }]), 'people', '1')).toEqual({
      who: ['1'],
    });
  });
  it('uses a link that may point anywhere', () => {
    expect(aboutValues(object([{ key: 'about', kind: 'link', target: '*' }]), 'people', '1')).toEqual({ about: '1' });
  });
  it('else names object and record', () => {
    expect(aboutValues(object([{ key: 'object' }, { key: 'record' }]), 'people', '1')).toEqual({
      object: 'people',
      record: '1',
    });
  });
  it('says so when it cannot point there', () => {
    expect(aboutValues(object([{ key: 'body' }]), 'people', '1')).toBeNull();
    expect(aboutValues(undefined, 'people', '1')).toBeNull();
  });
});
