/** Which part of a board to open: boards of deals show one pipeline at a time. Pure. */

export interface Parent {
  id: string;
  title: string;
  count: number;
}

/** What the person chose last, while it is still there; else where most of the records are; else the first. */
export function usualParent(parents: Parent[], chosen: string | null): string | null {
  if (parents.some((p) => p.id === chosen)) return chosen;
  let most = parents[0];
  for (const parent of parents) if (most && parent.count > most.count) most = parent;
  return most?.id ?? null;
}
