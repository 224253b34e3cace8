import { plain } from '../../lib/metadata';
import type { Kind } from '../types';
import Display from './Display.svelte';
import Editor from './Editor.svelte';

export const longText: Kind = {
  key: 'long_text',
  Display,
  Editor,
  text: plain,
  form: 'text',
  width: 260,
  wide: true,
  lines: true,
};
