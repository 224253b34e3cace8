import { describe, expect, it } from 'vitest';
import { grantOf, readGrants, reachName, ruleOf, setField, setGrant } from './grants';

describe('grants of a role', () => {
  it('grants nothing where nothing is written', () => {
    expect(reachName(grantOf(readGrants(null), 'deals').read)).toBe('none');
    expect(readGrants([1])).toEqual({});
  });
  it('lets an object follow the default again', () => {
    const grants = setGrant({ default: { read: 'all' } }, 'deals', { read: 'own' });
    expect(setGrant(grants, 'deals', null)).toEqual({ default: { read: 'all' }, objects: {} });
  });
  it('keeps rules and names only fields that differ', () => {
    const grant = setField(setField({ read: { rule: 'owner == me' } }, 'amount', 'hidden'), 'name', 'write');
    expect(grant).toEqual({ read: { rule: 'owner == me' }, fields: { amount: 'hidden' } });
    expect([reachName(grant.read), ruleOf(grant.read)]).toEqual(['rule', 'owner == me']);
  });
});
