import { plain } from '../../lib/metadata';
import OptionsDisplay from '../shared/OptionsDisplay.svelte';
import type { Kind } from '../types';
import Editor from './Editor.svelte';

export const tags: Kind = {
  key: 'tags',
  Display: OptionsDisplay,
  Editor,
  text: plain,
  form: 'text',
  list: true,
  width: 180,
};
