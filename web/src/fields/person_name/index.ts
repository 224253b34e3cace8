import TextDisplay from '../shared/TextDisplay.svelte';
import type { Kind } from '../types';
import Editor from './Editor.svelte';

const PARTS = ['prefix', 'first', 'middle', 'last', 'suffix'];

function text(value: unknown): string {
  if (typeof value !== 'object' || value === null) return typeof value === 'string' ? value : '';
  return PARTS.map((part) => (value as Record<string, string | null>)[part])
    .filter(Boolean)
    .join(' ');
}

export const personName: Kind = {
  key: 'person_name',
  Display: TextDisplay,
  Editor,
  text,
  form: 'text',
  width: 180,
  wide: true,
};
