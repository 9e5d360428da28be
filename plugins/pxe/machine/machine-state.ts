/**
 * What becomes of a machine: one pure step for each thing that happens. The only way in which a status changes.
 * @module
 */
import { isDeepStrictEqual } from 'node:util';
import type { DiskOutcome } from './disk-wish.ts';
import type { BootRecord, Hardware, MachineSpec, MachineState, MachineStatus } from './machine-kind.ts';

/** From the boot script to a node that runs; a server takes minutes until its firmware is through, but that is before. */
export const bootTimeoutMs = 30 * 60_000;
/** Boots that fail in a row; after that somebody has to look. */
export const mostFailures = 3;

const mostBoots = 8;
/** Of one boot. */
const mostLines = 128;
const longestLine = 500;

export type MachineEvent =
  /** It has asked for its boot script. `before`: the boot that its node had until now. */
  | {
      readonly type: 'seen';
      readonly hardware: Hardware;
      readonly firmware: BootRecord['firmware'];
      readonly before: string | null;
      /** What speaks against it: it is told to do nothing. */
      readonly objection: string | null;
      /** Hash of the word that this boot will show; null: it is not to boot. */
      readonly word: string | null;
    }
  /** It was given a join token. */
  | { readonly type: 'given'; readonly token: string }
  /** What runs there says how far it is. */
  | { readonly type: 'told'; readonly text: string }
  /** What runs there has seen its disks and cards. */
  | {
      readonly type: 'reported';
      readonly memoryMiB: number | null;
      readonly disks: readonly string[];
      readonly nics: readonly string[];
    }
  /** What runs there gives up. */
  | { readonly type: 'failed'; readonly reason: string }
  /** What has become of the disks that were asked for. */
  | { readonly type: 'disks'; readonly outcomes: readonly DiskOutcome[] }
  /** How its node is; null: there is none of its name. */
  | { readonly type: 'node'; readonly node: NodeFacts | null };

export interface NodeFacts {
  readonly alive: boolean;
  readonly runs: boolean;
  readonly bootId: string | undefined;
  /** Per cent. */
  readonly health: number;
}

/** What a node must have, per cent, to count as ready. */
const readyHealth = 50;

type Held = { readonly spec: Pick<MachineSpec, 'attempt'>; readonly status: MachineStatus | undefined };

/** How the machine is: what was accepted since its status was written is accepted. */
export function stateOf({ spec, status }: Held): MachineState {
  if (spec.attempt > (status?.attempt ?? 0)) return 'accepted';
  return status?.state ?? 'discovered';
}

/** The status that counts from now on, with an attempt begun that nobody has noted yet. */
function begun({ spec, status }: Held, nowMs: number): MachineStatus {
  const state = stateOf({ spec, status });
  const old: MachineStatus = status ?? {
    ...{ state, sinceMs: nowMs, reason: '', attempt: spec.attempt },
    ...{ seenMs: null, hardware: null, word: null, token: null, failures: 0, boots: [] },
  };
  if (old.attempt === spec.attempt) return old;
  return { ...old, state, sinceMs: nowMs, reason: '', attempt: spec.attempt, failures: 0 };
}

const line = (text: string): string => {
  // One line for people: what a machine says may hold anything.
  const clean = text.replace(/[\u0000-\u001f\u007f]+/g, ' ').trim();
  return clean.length > longestLine ? `${clean.slice(0, longestLine - 1)}…` : clean;
};

const moved = (status: MachineStatus, state: MachineState, reason: string, nowMs: number): MachineStatus => ({
  ...status,
  state,
  reason: line(reason),
  sinceMs: status.state === state ? status.sinceMs : nowMs,
});

function logged(status: MachineStatus, text: string, atMs: number): MachineStatus {
  const last = status.boots.at(-1);
  if (last === undefined) return status;
  const lines = [...last.log, { atMs, text: line(text) }];
  // The beginning tells what it was, the end how it ended: what is dropped is the middle.
  const log = lines.length <= mostLines ? lines : [...lines.slice(0, mostLines / 2), ...lines.slice(mostLines / 2 + 1)];
  return { ...status, boots: [...status.boots.slice(0, -1), { ...last, log }] };
}

const failed = (status: MachineStatus, reason: string, nowMs: number): MachineStatus => ({
  ...moved(logged(status, reason, nowMs), 'failed', reason, nowMs),
  failures: status.failures + 1,
});

/** Whether something of the cluster's runs there that has not arrived. */
const underWay = (state: MachineState): boolean => state === 'booting' || state === 'joined';

/** Whether it gets the image when it asks; `accepted` once, and again as long as it does not fail over and over. */
export function mayBoot(held: Held): boolean {
  if (held.spec.attempt === 0) return false;
  return held.spec.attempt > (held.status?.attempt ?? 0) || (held.status?.failures ?? 0) < mostFailures;
}

function seen(status: MachineStatus, held: Held, event: MachineEvent & { type: 'seen' }, nowMs: number): MachineStatus {
  const known = status.hardware;
  // A boot loader sees neither disks nor cards, and often not the memory: what an image saw there before stays.
  const met = {
    ...status,
    seenMs: nowMs,
    hardware: {
      ...event.hardware,
      memoryMiB: event.hardware.memoryMiB ?? known?.memoryMiB ?? null,
      disks: known?.disks ?? [],
      nics: known?.nics ?? [],
    },
  };
  const { objection } = event;
  if (held.spec.attempt === 0) return moved(met, 'discovered', objection ?? '', nowMs);
  if (objection !== null) return moved(met, 'failed', objection, nowMs);
  if (!mayBoot(held)) return met;
  // One that begins anew without having arrived has failed, whatever the reason: else it would do so for ever.
  const failures = underWay(met.state) ? met.failures + 1 : met.failures;
  const boot: BootRecord = {
    startedMs: nowMs,
    firmware: event.firmware,
    before: event.before,
    log: [{ atMs: nowMs, text: 'it was given the boot script' }],
  };
  return moved(
    { ...met, failures, word: event.word, token: null, boots: [...met.boots, boot].slice(-mostBoots) },
    'booting',
    '',
    nowMs,
  );
}

function ofNode(status: MachineStatus, node: NodeFacts | null, nowMs: number): MachineStatus {
  const boot = status.boots.at(-1);
  if (node === null) {
    if (status.state !== 'ready') return status;
    return moved(status, 'accepted', 'its node was removed: it joins anew when it boots', nowMs);
  }
  if (boot === undefined || !underWay(status.state)) return status;
  const here = node.alive && node.bootId !== undefined && node.bootId !== boot.before;
  if (!here) return status;
  if (node.runs && node.health >= readyHealth)
    return { ...moved(logged(status, 'its node runs', nowMs), 'ready', '', nowMs), failures: 0 };
  const why = node.runs ? `the health of its node is ${node.health} %` : 'its daemon is starting';
  return moved(status.state === 'joined' ? status : logged(status, 'it has joined', nowMs), 'joined', why, nowMs);
}

/** What comes after the event; the same object when nothing changes. */
export function next(held: Held, event: MachineEvent, nowMs: number): MachineStatus {
  const status = begun(held, nowMs);
  switch (event.type) {
    case 'seen':
      return seen(status, held, event, nowMs);
    case 'given':
      return { ...logged(status, 'it was given a join token', nowMs), token: event.token };
    case 'told':
      return underWay(status.state) ? logged(status, event.text, nowMs) : status;
    case 'reported':
      return status.hardware === null
        ? status
        : {
            ...status,
            hardware: {
              ...status.hardware,
              memoryMiB: event.memoryMiB ?? status.hardware.memoryMiB,
              disks: event.disks.map((text) => line(text).slice(0, 128)).slice(0, 64),
              nics: event.nics.map((text) => line(text).slice(0, 128)).slice(0, 64),
            },
          };
    case 'failed':
      return underWay(status.state) ? failed(status, event.reason, nowMs) : status;
    case 'disks':
      return isDeepStrictEqual(status.disks, event.outcomes)
        ? status
        : { ...status, disks: event.outcomes.slice(0, 64) };
    case 'node':
      return ofNode(status, event.node, nowMs);
  }
}

/** When a boot that goes on has taken too long; undefined: none does. Milliseconds. */
export const lateAtMs = ({ spec, status }: Held): number | undefined => {
  const boot = status?.boots.at(-1);
  if (status === undefined || boot === undefined || !underWay(stateOf({ spec, status }))) return undefined;
  return boot.startedMs + bootTimeoutMs;
};
