import type { Kind } from '../types';
import Display from './Display.svelte';
import Editor from './Editor.svelte';

export const rating: Kind = {
  key: 'rating',
  Display,
  Editor,
  text: (v) => (typeof v === 'number' ? `${v}/5` : ''),
  form: 'number',
  width: 110,
};
