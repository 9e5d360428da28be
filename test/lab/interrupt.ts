/**
 * Ctrl-C and SIGTERM as an AbortSignal, so that what was begun is taken away in an orderly manner.
 * @module
 */

/** The person at the terminal, or whoever started us, wants us to end. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';

  constructor() {
    super('interrupted');
  }
}

export interface InterruptWatch extends Disposable {
  readonly signal: AbortSignal;
}

/**
 * Watches for SIGINT, SIGTERM and SIGHUP until disposed of. The first one aborts; later ones are ignored,
 * for the answer to impatience must not be a half-removed lab.
 */
export function watchInterrupt(): InterruptWatch {
  const controller = new AbortController();
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  const onSignal = () => controller.abort(new Interrupted());
  for (const name of names) process.on(name, onSignal);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      for (const name of names) process.off(name, onSignal);
    },
  };
}
