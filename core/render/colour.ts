/** Colours of the terminal, and which word of state has which. @module */

const codes = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, blue: 34, cyan: 36, grey: 90 } as const;
export type Colour = keyof typeof codes;

/** The text in a colour, or as it is where there are none. */
export function paint(text: string, colour: Colour, context: { readonly colour: boolean }): string {
  return context.colour && text !== '' ? `\u001b[${codes[colour]}m${text}\u001b[0m` : text;
}

const words: Readonly<Record<'green' | 'grey' | 'red' | 'yellow', readonly string[]>> = {
  green: [
    'running',
    'ready',
    'ok',
    'healthy',
    'succeeded',
    'online',
    'up',
    'active',
    'live',
    'primary',
    'enabled',
    'in',
    'loaded',
  ],
  grey: ['stopped', 'disabled', 'cancelled', 'inactive', 'off', 'none', 'secondary', 'absent', 'ended', 'shutoff'],
  red: ['failed', 'dead', 'error', 'crashed', 'lost', 'down', 'critical', 'fenced', 'offline', 'broken', 'corrupt'],
  yellow: [
    'pending',
    'warning',
    'starting',
    'stopping',
    'migrating',
    'restarting',
    'paused',
    'unknown',
    'suspended',
    'degraded',
    'waiting',
    'flush',
    'flushed',
    'unflush',
    'takeover',
    'relinquish',
    'blocked',
    'provisioning',
    'stale',
  ],
};
const colourOfWord = new Map<string, Colour>(
  Object.entries(words).flatMap(([colour, list]) => list.map((word): [string, Colour] => [word, colour as Colour])),
);

/** A state in its colour, judged by its first word (`running (2 conditions)` is green). */
export function paintState(state: string, context: { readonly colour: boolean }): string {
  const colour = colourOfWord.get(state.split(/[ (:,]/, 1)[0]?.toLowerCase() ?? '');
  return colour === undefined ? state : paint(state, colour, context);
}

/** True for a word that `paintState` knows. */
export const isStateWord = (text: string): boolean => colourOfWord.has(text.toLowerCase());
