import { plain } from '../../lib/metadata';
import type { Kind } from '../types';
import Display from './Display.svelte';
import Editor from './Editor.svelte';

export const phone: Kind = { key: 'phone', Display, Editor, text: plain, form: 'text', width: 150 };
