/** Shapes of the HTTP contract. Generic over objects: what fields a record has is told by the live schema, not by types. */

export type Values = Record<string, unknown>;

export interface KithRecord {
  id: string;
  object: string;
  version: number;
  created_at: string;
  updated_at: string;
  created_by: string | null;
  updated_by: string | null;
  values: Values;
  /** In the trash. */
  trashed?: boolean;
}

/** What a link shows without opening its record. */
export interface Included {
  id: string;
  object: string;
  title: string;
  subtitle?: string | null;
  record?: KithRecord;
}

export interface RecordPage {
  items: KithRecord[];
  next_cursor: string | null;
  total?: number | null;
  included?: Record<string, Included>;
}

export interface RecordAnswer extends KithRecord {
  title?: string;
  subtitle?: string | null;
  included?: Record<string, Included>;
  permissions?: { update: boolean; delete: boolean };
}

export type Operator =
  | 'is'
  | 'is_not'
  | 'contains'
  | 'starts_with'
  | 'ends_with'
  | 'less'
  | 'less_or_equal'
  | 'greater'
  | 'greater_or_equal'
  | 'between'
  | 'before'
  | 'after'
  | 'any_of'
  | 'none_of'
  | 'all_of'
  | 'is_empty'
  | 'is_not_empty';

export interface SelectOption {
  key: string;
  label: string;
  color: string;
  archived: boolean;
}

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
}

export interface Permissions {
  create: boolean;
  read: boolean;
  update: boolean;
  delete: boolean;
  export: boolean;
}

export interface InverseLink {
  key: string;
  label: string;
  object: string;
  field: string;
}

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

export interface KindInfo {
  key: string;
  operators: Operator[];
  sortable: boolean;
  can_be_unique: boolean;
}

export interface SessionUser {
  id: string;
  email: string;
  name: string;
  role: { id: string; key: string; name: string };
  team: string | null;
  locale: string | null;
  is_admin: boolean;
}

export interface Session {
  user: SessionUser;
  expires_at: string;
}

export interface Actor {
  kind: string;
  id: string | null;
  name: string | null;
}

export interface HistoryItem {
  seq: number;
  version: number;
  at: string;
  actor: Actor;
  cause?: string | null;
  kind: 'created' | 'updated' | 'deleted' | 'restored';
  changes: { field: string; before: unknown; after: unknown }[];
}

export interface TimelineItem {
  kind: 'note' | 'task' | 'file' | 'change';
  at: string;
  actor: Actor;
  record?: KithRecord;
  entry?: HistoryItem;
}

export interface Paged<T> {
  items: T[];
  next_cursor: string | null;
  included?: Record<string, Included>;
}

export interface MoneySum {
  amount: string;
  currency: string;
}

export interface Group {
  value: string | null;
  title: string;
  count: number;
  sum?: MoneySum[] | number | string | null;
}

export interface SearchHit {
  id: string;
  object: string;
  title: string;
  subtitle?: string | null;
  score: number;
  snippet?: string | null;
}

export type BatchOperation =
  | { op: 'create'; values: Values }
  | { op: 'update'; id: string; version?: number; values: Values }
  | { op: 'delete'; id: string }
  | { op: 'restore'; id: string };

export interface ActionResult {
  record?: KithRecord;
  records?: KithRecord[];
  message?: string;
}

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

export interface ImportOptions {
  object?: string;
  mapping?: { column: string; field: string | null; label?: string | null }[];
  duplicates: 'skip' | 'update' | 'keep';
  match_by?: string;
  create_links: boolean;
  day_first?: boolean;
  decimal_comma?: boolean;
  country?: string;
  currency?: string;
  delimiter?: string;
  encoding?: string;
  dry_run: boolean;
}

export interface ImportJob {
  id: string;
  state: 'running' | 'done' | 'failed' | 'undone';
  rows: number;
  done: number;
  created: number;
  updated: number;
  skipped: number;
  refused: number;
  links_created: number;
  message?: string;
}

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
}
