import type { Kind } from '../types';
import Display from './Display.svelte';
import Editor from './Editor.svelte';

export const secret: Kind = { key: 'secret', Display, Editor, text: () => '', form: 'none', width: 100 };
