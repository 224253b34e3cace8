import { optionText } from '../shared/options';
import OptionsDisplay from '../shared/OptionsDisplay.svelte';
import type { Kind } from '../types';
import Editor from './Editor.svelte';

export const multiSelect: Kind = {
  key: 'multi_select',
  Display: OptionsDisplay,
  Editor,
  text: optionText,
  form: 'choice',
  list: true,
  width: 180,
};
