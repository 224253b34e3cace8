import { expect, test } from 'vitest';
import { en } from '../../i18n/en';
import type { Permission } from '../../api/plugins';
import { sentenceOf, type Names } from './permissions';

const names: Names = {
  object: (key) => (key === 'people' ? 'persone' : key),
  field: (object, key) => (object === 'people' && key === 'emails' ? 'E-mail' : key),
  event: (kind) => kind,
  address: (host) => (host.startsWith('settings:') ? 'the setting' : host),
};
const asks = (key: string, items: string[] = []): Permission => ({ key, items, danger: 'medium', text: '' });
const has = (key: string) => key in en;

test('a permission becomes a message with names of objects and fields', () => {
  expect(sentenceOf(asks('records.read:people'), names, has)).toEqual({
    key: 'permission.records.read',
    params: { of: 'persone', items: '' },
  });
  expect(sentenceOf(asks('hook.read:people', ['emails', 'own']), names, has)?.params.items).toBe('E-mail, own');
  expect(sentenceOf(asks('adds.action:Greet', ['people']), names, has)?.params).toEqual({
    of: 'Greet',
    items: 'persone',
  });
});

test('addresses, settings and all fields have words of their own', () => {
  expect(sentenceOf(asks('http:https://api.example.com'), names, has)?.params.of).toBe('api.example.com');
  expect(sentenceOf(asks('http:settings:base_url'), names, has)?.params.of).toBe('the setting');
  expect(sentenceOf(asks('secret:token', ['settings:base_url', 'a.example']), names, has)?.params).toEqual({
    of: 'token',
    items: 'the setting, a.example',
  });
  expect(sentenceOf(asks('computed.read:people', ['*']), names, has)?.key).toBe('permission.computed.read.all');
});

test('what this app has no words for is left to the server', () => {
  expect(sentenceOf(asks('telepathy:people'), names, has)).toBeNull();
});
