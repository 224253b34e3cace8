import { optionText } from '../shared/options';
import OptionsDisplay from '../shared/OptionsDisplay.svelte';
import type { Kind } from '../types';
import Editor from './Editor.svelte';

export const select: Kind = {
  key: 'select',
  Display: OptionsDisplay,
  Editor,
  text: optionText,
  form: 'choice',
  width: 160,
};
