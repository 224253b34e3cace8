/** A role's grants as the engine reads them, and the small steps of their editor. What it does not show, it keeps. */

export type Reach = 'none' | 'own' | 'team' | 'all' | { rule: string };
export type FieldAccess = 'hidden' | 'read' | 'write';

export interface ObjectGrant {
  create?: boolean;
  read?: Reach;
  update?: Reach;
  delete?: Reach;
  export?: Reach;
  fields?: Record<string, FieldAccess>;
}

export interface Grants {
  default?: ObjectGrant;
  objects?: Record<string, ObjectGrant>;
}

export const OPS = ['read', 'update', 'delete', 'export'] as const;
export type ReachOp = (typeof OPS)[number];

export function readGrants(value: unknown): Grants {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Grants) : {};
}

export function grantOf(grants: Grants, object: string | null): ObjectGrant {
  return (object === null ? grants.default : grants.objects?.[object]) ?? {};
}

/** Null as object: the grant for objects not named. Null as grant: the object follows the default again. */
export function setGrant(grants: Grants, object: string | null, grant: ObjectGrant | null): Grants {
  if (object === null) return { ...grants, default: grant ?? {} };
  const objects = { ...grants.objects };
  if (grant) objects[object] = grant;
  else delete objects[object];
  return { ...grants, objects };
}

export function setField(grant: ObjectGrant, field: string, access: FieldAccess): ObjectGrant {
  const fields = { ...grant.fields };
  // Write is what an unnamed field has anyway.
  if (access === 'write') delete fields[field];
  else fields[field] = access;
  return { ...grant, fields };
}

export const reachName = (reach: Reach | undefined) =>
  reach === undefined ? 'none' : typeof reach === 'string' ? reach : 'rule';
export const ruleOf = (reach: Reach | undefined) => (typeof reach === 'object' ? reach.rule : '');
