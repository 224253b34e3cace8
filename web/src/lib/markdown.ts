/** The Markdown of notes and long text, as data: headings, lists, quotes, code, emphasis, links. No HTML passes through. */

export type Inline =
  | { kind: 'text'; text: string }
  | { kind: 'strong'; parts: Inline[] }
  | { kind: 'emphasis'; parts: Inline[] }
  | { kind: 'code'; text: string }
  | { kind: 'link'; text: string; href: string };

export type Block =
  | { kind: 'paragraph'; parts: Inline[] }
  | { kind: 'heading'; parts: Inline[] }
  | { kind: 'quote'; parts: Inline[] }
  | { kind: 'list'; ordered: boolean; items: Inline[][] }
  | { kind: 'code'; text: string };

/** Emphasis inside emphasis goes no deeper than this: what a person writes stays far below. */
const DEPTH_MAX = 6;

const INLINE =
  /`([^`\n]+)`|\*\*([^\n]+?)\*\*|\*([^*\s][^*\n]*?)\*|_([^_\s][^_\n]*?)_(?![\p{L}\p{N}])|\[([^\]\n]+)\]\((https?:\/\/[^\s)]+|mailto:[^\s)]+)\)|(https?:\/\/[^\s<>"')\]]+[^\s<>"')\].,;:!?])/gu;

export function parseInline(text: string, depth = 0): Inline[] {
  const parts: Inline[] = [];
  let from = 0;
  const plain = (upTo: number) => {
    if (upTo > from) parts.push({ kind: 'text', text: text.slice(from, upTo) });
  };
  if (depth < DEPTH_MAX) {
    for (const match of text.matchAll(INLINE)) {
      const [all, code, strong, star, under, label, href, bare] = match;
      // snake_case is a word, not emphasis.
      if (under !== undefined && /[\p{L}\p{N}]$/u.test(text.slice(0, match.index))) continue;
      plain(match.index);
      from = match.index + all.length;
      if (code !== undefined) parts.push({ kind: 'code', text: code });
      else if (strong !== undefined) parts.push({ kind: 'strong', parts: parseInline(strong, depth + 1) });
      else if (star ?? under) parts.push({ kind: 'emphasis', parts: parseInline(star ?? under ?? '', depth + 1) });
      else if (label !== undefined && href) parts.push({ kind: 'link', text: label, href });
      else if (bare) parts.push({ kind: 'link', text: bare, href: bare });
    }
  }
  plain(text.length);
  return parts;
}

export function parseMarkdown(text: string): Block[] {
  const blocks: Block[] = [];
  let lines: string[] = [];
  const flush = () => {
    if (lines.length) blocks.push({ kind: 'paragraph', parts: parseInline(lines.join('\n')) });
    lines = [];
  };
  let code: string[] | null = null;
  for (const line of text.split(/\r?\n/)) {
    if (code) {
      if (line.startsWith('```')) {
        blocks.push({ kind: 'code', text: code.join('\n') });
        code = null;
      } else code.push(line);
      continue;
    }
    if (line.startsWith('```')) {
      flush();
      code = [];
      continue;
    }
    const heading = /^#{1,6}\s+(.*)$/.exec(line);
    const quote = /^>\s?(.*)$/.exec(line);
    const item = /^\s*(?:([-*+])|\d{1,3}[.)])\s+(.*)$/.exec(line);
    if (heading || quote || item || line.trim() === '') flush();
    if (heading) blocks.push({ kind: 'heading', parts: parseInline(heading[1] ?? '') });
    else if (quote) blocks.push({ kind: 'quote', parts: parseInline(quote[1] ?? '') });
    else if (item) {
      const ordered = item[1] === undefined;
      const last = blocks[blocks.length - 1];
      if (last?.kind === 'list' && last.ordered === ordered) last.items.push(parseInline(item[2] ?? ''));
      else blocks.push({ kind: 'list', ordered, items: [parseInline(item[2] ?? '')] });
    } else if (line.trim() !== '') lines.push(line);
  }
  if (code) blocks.push({ kind: 'code', text: code.join('\n') });
  flush();
  return blocks;
}
