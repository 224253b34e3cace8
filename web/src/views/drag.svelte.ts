/** Moving a card between columns with mouse, pen or finger. Says what was dropped where; changes no record itself. */

/** A finger must rest this long before it lifts a card: shorter is scrolling. */
const HOLD_MS = 280;
/** A mouse must move this far before a press becomes a drag: shorter is a click. */
const THRESHOLD_PX = 6;
/** Near this close to an edge, the board scrolls. */
const EDGE_PX = 60;

export class Drag {
  /** Id of the card that follows the pointer. */
  card = $state<string | null>(null);
  /** `data-column` under the pointer. */
  over = $state<string | null>(null);
  /** Lifted with the keyboard, and the index of the column it would drop into. */
  held = $state<string | null>(null);
  heldAt = $state(0);
  #drop: (id: string, column: string) => void;

  constructor(drop: (id: string, column: string) => void) {
    this.#drop = drop;
  }

  start(event: PointerEvent, id: string) {
    if (event.button !== 0 || (event.target as Element).closest('button, input')) return;
    const card = event.currentTarget as HTMLElement;
    const board = card.closest<HTMLElement>('.board');
    const touch = event.pointerType !== 'mouse';
    const from = { x: event.clientX, y: event.clientY };
    let ghost: HTMLElement | null = null;
    let last = from;
    let scroll = 0;

    const lift = () => {
      const box = card.getBoundingClientRect();
      ghost = card.cloneNode(true) as HTMLElement;
      ghost.removeAttribute('id');
      Object.assign(ghost.style, {
        position: 'fixed',
        zIndex: '70',
        left: `${box.left}px`,
        top: `${box.top}px`,
        width: `${box.width}px`,
        margin: '0',
        pointerEvents: 'none',
        rotate: '1.5deg',
        boxShadow: 'var(--shadow-3)',
        listStyle: 'none',
      });
      card.parentElement?.append(ghost);
      this.card = id;
      if (touch) navigator.vibrate?.(12);
      step();
    };
    const step = () => {
      if (!ghost) return;
      if (board) {
        const box = board.getBoundingClientRect();
        const speed = last.x > box.right - EDGE_PX ? 12 : last.x < box.left + EDGE_PX ? -12 : 0;
        if (speed) board.scrollLeft += speed;
      }
      scroll = requestAnimationFrame(step);
    };
    const timer = touch ? setTimeout(lift, HOLD_MS) : undefined;

    const move = (e: PointerEvent) => {
      last = { x: e.clientX, y: e.clientY };
      const far = Math.hypot(e.clientX - from.x, e.clientY - from.y) > THRESHOLD_PX;
      if (!ghost) {
        if (touch && far) end();
        else if (!touch && far) lift();
        if (!ghost) return;
      }
      (ghost as HTMLElement).style.translate = `${e.clientX - from.x}px ${e.clientY - from.y}px`;
      const under = document.elementFromPoint(e.clientX, e.clientY)?.closest<HTMLElement>('[data-column]');
      this.over = under?.dataset.column ?? null;
    };
    const up = () => {
      const dropped = ghost !== null && this.over !== null ? this.over : null;
      const wasDragging = ghost !== null;
      end();
      if (wasDragging) {
        // The click that follows a drag must not open the record.
        const swallow = (e: Event) => {
          e.preventDefault();
          e.stopPropagation();
        };
        addEventListener('click', swallow, { capture: true, once: true });
        setTimeout(() => removeEventListener('click', swallow, { capture: true }), 50);
      }
      if (dropped !== null) this.#drop(id, dropped);
    };
    const escape = (e: KeyboardEvent) => e.key === 'Escape' && end();
    // While a finger carries a card, the page must not scroll with it.
    const still = (e: TouchEvent) => ghost && e.preventDefault();
    const end = () => {
      clearTimeout(timer);
      cancelAnimationFrame(scroll);
      ghost?.remove();
      ghost = null;
      this.card = null;
      this.over = null;
      removeEventListener('pointermove', move);
      removeEventListener('pointerup', up);
      removeEventListener('pointercancel', end);
      removeEventListener('keydown', escape);
      document.removeEventListener('touchmove', still);
    };
    addEventListener('pointermove', move);
    addEventListener('pointerup', up);
    addEventListener('pointercancel', end);
    addEventListener('keydown', escape);
    document.addEventListener('touchmove', still, { passive: false });
  }
}
