/** What a kind of field must know on this side. One folder per kind; nothing outside asks for a kind by its key. */

import type { Component } from 'svelte';
import type { Field } from '../api/types';
import type { OperandForm } from '../lib/filter';

export interface DisplayProps {
  value: unknown;
  field: Field;
  /** Key of the object the field belongs to: labels of options are translated by it. */
  object: string;
  /** One line, as in a list. */
  compact?: boolean;
}

export interface EditorProps {
  value: unknown;
  field: Field;
  object: string;
  id: string;
  label: string;
  invalid?: boolean;
  describedby?: string;
  onchange: (value: unknown) => void;
}

export interface Kind {
  key: string;
  Display: Component<DisplayProps>;
  /** Null: nobody writes it. */
  Editor: Component<EditorProps> | null;
  /** The value as one line of plain text. */
  text: (value: unknown, field: Field) => string;
  /** What a filter compares it with. */
  form: OperandForm;
  /** Holds a list of values, whatever the field says. */
  list?: boolean;
  align?: 'end';
  /** Of a column, in pixels. */
  width: number;
  /** The editor takes the whole row of a form. */
  wide?: boolean;
  /** Enter belongs to the editor (several lines). */
  lines?: boolean;
}
