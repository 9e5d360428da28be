/** Galera's own note of how far the data of a stopped server go: `grastate.dat`. Pure. @module */
import type { Position } from './backend-kind.ts';

const uuid = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const nothing = '00000000-0000-0000-0000-000000000000';

const positionOf = (history: string | undefined, seqno: string | undefined): Position | undefined =>
  history === undefined || history === nothing || Number(seqno) < 0 ? undefined : { history, seqno: Number(seqno) };

/** Undefined: it says none, as after a crash or while the server runs. */
export const positionIn = (grastate: string): Position | undefined =>
  positionOf(
    new RegExp(`^uuid:\\s+(${uuid})$`, 'm').exec(grastate)?.[1],
    /^seqno:\s+(-?\d+)$/m.exec(grastate)?.[1] ?? '-1',
  );

/** What `mariadbd --wsrep-recover` found in the data themselves; undefined: nothing. */
export function recoveredIn(output: string): Position | undefined {
  const [, history, seqno] = new RegExp(`WSREP: Recovered position: (${uuid}):(-?\\d+)`).exec(output) ?? [];
  return positionOf(history, seqno);
}

/** @param begins whether Galera may begin a group with these data */
export const grastate = ({ history, seqno }: Position, begins: boolean): string =>
  [
    '# GALERA saved state',
    'version: 2.1',
    `uuid:    ${history}`,
    `seqno:   ${seqno}`,
    `safe_to_bootstrap: ${Number(begins)}`,
    '',
  ].join('\n');
