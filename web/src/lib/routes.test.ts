import { describe, expect, it } from 'vitest';
import { listPath, parse, recordPath, settingsPath } from './routes';

describe('routes', () => {
  it('reads back every address it writes', () => {
    expect(parse(listPath('acme:invoices'))).toEqual({ page: 'list', object: 'acme:invoices', trashed: false });
    expect(parse(recordPath('people', 'a/b ?'))).toEqual({ page: 'record', object: 'people', id: 'a/b ?' });
    expect(parse(settingsPath('objects', 'people'))).toEqual({ page: 'settings', section: 'objects', item: 'people' });
    expect(parse('/trash/deals')).toEqual({ page: 'list', object: 'deals', trashed: true });
    expect(parse('/')).toEqual({ page: 'home' });
  });

  it('refuses what it does not know, broken escapes included', () => {
    for (const path of ['/nope', '/records', '/records/a/b/c', '/records/%E0%A4%A', '/import/a/b']) {
      expect(parse(path)).toEqual({ page: 'missing' });
    }
  });
});
