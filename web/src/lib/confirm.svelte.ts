/** One question at a time, answered by a dialog. For what cannot be undone; everything else offers Undo instead. */

interface Question {
  title: string;
  text: string;
  action: string;
  danger?: boolean;
}

class Asked {
  question = $state.raw<Question | null>(null);
  #done: ((yes: boolean) => void) | null = null;

  ask(question: Question): Promise<boolean> {
    this.#done?.(false);
    this.question = question;
    return new Promise((done) => (this.#done = done));
  }

  answer(yes: boolean) {
    this.question = null;
    this.#done?.(yes);
    this.#done = null;
  }
}

export const asked = new Asked();
