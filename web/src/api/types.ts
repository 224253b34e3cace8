/**
 * Shapes of the HTTP contract, taken from the OpenAPI document (`openapi.json`). Generic over objects: what fields a record
 * has is told by the live schema, not by types. What the document leaves open is said here.
 */

import type { components } from './schema';

type Schemas = components['schemas'];

export type Values = Record<string, unknown>;

export type KithRecord = Schemas['Record'];

/** What a link shows without opening its record. The app makes some itself, of records it holds. */
export type Included = Pick<Schemas['Included'][string], 'id' | 'object' | 'title'> &
  Partial<Schemas['Included'][string]>;

export type RecordPage = Schemas['RecordPage'];

/** One record; what a change answers has less around it. */
export type RecordAnswer = KithRecord & Partial<Schemas['RecordAnswer']>;

export type Operator = Schemas['Operator'];

export type SelectOption = Required<Schemas['SelectOption']>;

export interface Field {
  id: number;
  key: string;
  label: string;
  kind: string;
  help: string;
  required: boolean;
  unique: boolean;
  read_only: boolean;
  hidden: boolean;
  many: boolean;
  in_list: boolean;
  default: unknown;
  options?: SelectOption[];
  target?: string;
  inverse?: { key: string; label: string };
  expression?: string;
  config?: Record<string, unknown>;
  position: number;
  origin: Origin;
  sortable: boolean;
  operators: Operator[];
  access: 'read' | 'write';
}

export type Origin = 'core' | 'custom' | { plugin: string };

export interface ActionDef {
  name: string;
  label: string;
  icon?: string;
  input?: InputSchema | null;
  primary?: boolean;
  /** Runs on several records at once. */
  many?: boolean;
  when?: string | null;
}

/** The part of JSON Schema that action inputs use. */
export interface InputSchema {
  type?: string;
  title?: string;
  description?: string;
  properties?: Record<string, InputSchema>;
  required?: string[];
  enum?: string[];
  format?: string;
  default?: unknown;
  /** Kith's own hint: the object a text holds the id of. */
  'x-link'?: string;
  /** Labels of `enum`, in its order or by its values. */
  'x-labels'?: string[] | Record<string, string>;
  maxLength?: number;
  items?: InputSchema;
}

export type Permissions = Schemas['Object']['permissions'];

export type InverseLink = Schemas['Object']['inverses'][number];

export interface ObjectDef {
  id: number;
  key: string;
  label: string;
  label_plural: string;
  description: string;
  icon: string;
  title: string;
  subtitle: string;
  fields: Field[];
  system: boolean;
  timeline: boolean;
  position: number;
  origin: Origin;
  permissions: Permissions;
  actions: ActionDef[];
  inverses: InverseLink[];
}

export type KindInfo = Schemas['Kinds']['items'][number];

export type SessionUser = Schemas['Session']['user'];

export type Session = Schemas['Session'];

export type Actor = Schemas['Actor'];

export type HistoryItem = Schemas['HistoryItem'];

export type TimelineItem = Schemas['TimelinePage']['items'][number];

export interface Paged<T> {
  items: T[];
  next_cursor: string | null;
  included?: Record<string, Included>;
}

export type Group = Schemas['Groups']['items'][number];

export type SearchHit = Schemas['Hits']['items'][number];

export type BatchOperation =
  | { op: 'create'; values: Values }
  | { op: 'update'; id: string; version?: number; values: Values }
  | { op: 'delete'; id: string }
  | { op: 'restore'; id: string };

export type ActionResult = Schemas['ActionResult'];

export interface ImportColumn {
  header: string;
  samples: string[];
  field: string | null;
  label?: string | null;
  confidence?: number;
}

export interface ImportProblem {
  column?: string | null;
  message: string;
}

export interface ImportPreview {
  object: string;
  format: string;
  encoding?: string;
  delimiter?: string;
  rows: number;
  columns: ImportColumn[];
  preview: {
    row: number;
    action: 'create' | 'update' | 'skip' | 'refuse';
    values: Values;
    problems: ImportProblem[];
  }[];
  counts: { create: number; update: number; skip: number; refuse: number; warnings?: number; links_created?: number };
  /** The same remark about many rows. */
  notices?: { column: string; message: string; rows: number }[];
}

/** A plugin that reads files which Kith cannot. */
export interface Importer {
  importer: string;
  label: string;
  plugin_name: string;
  object: string;
  file_types: string[];
}

export interface ImportOptions {
  object?: string;
  mapping?: { column: string; field: string | null; label?: string | null }[];
  duplicates: 'skip' | 'update' | 'keep';
  match_by?: string;
  create_links: boolean;
  create_fields?: boolean;
  day_first?: boolean;
  decimal_comma?: boolean;
  country?: string;
  currency?: string;
  delimiter?: string;
  encoding?: string;
  dry_run: boolean;
}

export type ImportJob = Schemas['ImportJob'];

export interface ChangeEvent {
  seq: number;
  at: string;
  actor: Actor;
  changes: { object: string; id: string; version: number; kind: string; fields?: string[] }[];
}

export interface FieldError {
  field: string;
  code: string;
  message: string;
}

export interface ProblemBody {
  title?: string;
  status?: number;
  code?: string;
  detail?: string;
  errors?: FieldError[];
  /** With `auth.second_factor`: to be sent back with a code; and what to enrol first, where that is asked for. */
  challenge?: string;
  enrol?: { secret: string; uri: string; qr: string } | null;
}
