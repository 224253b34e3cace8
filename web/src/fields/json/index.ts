import TextDisplay from '../shared/TextDisplay.svelte';
import type { Kind } from '../types';
import Editor from './Editor.svelte';

export const json: Kind = {
  key: 'json',
  Display: TextDisplay,
  Editor,
  text: (v) => (v === null || v === undefined ? '' : JSON.stringify(v)),
  form: 'none',
  width: 180,
  wide: true,
  lines: true,
};
