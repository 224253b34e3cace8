import { titleText } from '../shared/titles';
import type { Kind } from '../types';
import Display from './Display.svelte';
import Editor from './Editor.svelte';

export const file: Kind = {
  key: 'file',
  Display,
  Editor,
  text: titleText,
  form: 'none',
  list: true,
  width: 160,
};
