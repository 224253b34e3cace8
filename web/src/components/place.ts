/** Puts a list below what it belongs to, or above where there is more room, and keeps it there. Sizes in pixels. */

const GAP = 4;
const EDGE = 8;
const HEIGHT_MAX = 340;
const WIDTH_MIN = 220;

export interface Box {
  left: number;
  top: number;
  bottom: number;
  width: number;
}

/** Where the list goes; pure, so that it can be tested. */
export function spot(anchor: Box, height: number, view: { width: number; height: number }) {
  const below = view.height - anchor.bottom - GAP - EDGE;
  const above = anchor.top - GAP - EDGE;
  const wanted = Math.min(height, HEIGHT_MAX);
  const up = below < wanted && above > below;
  const room = Math.max(80, Math.min(HEIGHT_MAX, up ? above : below));
  const width = Math.min(Math.max(anchor.width, WIDTH_MIN), view.width - 2 * EDGE);
  return {
    left: Math.max(EDGE, Math.min(anchor.left, view.width - width - EDGE)),
    top: up ? Math.max(EDGE, anchor.top - GAP - Math.min(wanted, room)) : anchor.bottom + GAP,
    width,
    heightMax: room,
  };
}

/** Answers how to stop. */
export function place(list: HTMLElement, anchor: HTMLElement): () => void {
  const put = () => {
    const found = spot(anchor.getBoundingClientRect(), list.scrollHeight + 2, {
      width: innerWidth,
      height: innerHeight,
    });
    Object.assign(list.style, {
      left: `${found.left}px`,
      top: `${found.top}px`,
      width: `${found.width}px`,
      maxHeight: `${found.heightMax}px`,
    });
  };
  put();
  const moved = (event: Event) => event.target !== list && put();
  const grown = new MutationObserver(put);
  grown.observe(list, { childList: true, subtree: true });
  addEventListener('scroll', moved, true);
  addEventListener('resize', put);
  return () => {
    grown.disconnect();
    removeEventListener('scroll', moved, true);
    removeEventListener('resize', put);
  };
}
