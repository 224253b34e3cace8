import { describe, expect, it } from 'vitest';
import { parseInline, parseMarkdown } from './markdown';

describe('markdown', () => {
  it('reads blocks', () => {
    expect(
      parseMarkdown('# Call\n\n- one\n- two\n\n1. first\n> said\n```\na < b\n```\nend').map((b) => b.kind),
    ).toEqual(['heading', 'list', 'list', 'quote', 'code', 'paragraph']);
  });

  it('makes links of web addresses only', () => {
    expect(parseInline('[x](javascript:alert(1))')).toEqual([{ kind: 'text', text: '[x](javascript:alert(1))' }]);
    expect(parseInline('see https://kith.example/a_b_c.')).toContainEqual({
      kind: 'link',
      text: 'https://kith.example/a_b_c',
      href: 'https://kith.example/a_b_c',
    });
  });

  it('lets HTML and snake_case be text', () => {
    expect(parseInline('<img onerror=x> first_name_of')).toEqual([
      { kind: 'text', text: '<img onerror=x> first_name_of' },
    ]);
  });

  it('stays quick on long runs of marks', () => {
    const started = performance.now();
    parseMarkdown('*'.repeat(20_000) + '_'.repeat(20_000));
    expect(performance.now() - started).toBeLessThan(2000);
  });
});
