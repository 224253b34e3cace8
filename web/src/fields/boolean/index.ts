import { t } from '../../i18n/index.svelte';
import type { Kind } from '../types';
import Display from './Display.svelte';
import Editor from './Editor.svelte';

export const boolean: Kind = {
  key: 'boolean',
  Display,
  Editor,
  text: (v) => (v === true ? t('common.yes') : v === false ? t('common.no') : ''),
  form: 'boolean',
  width: 90,
};
