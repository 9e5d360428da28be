/** What a coordinator has to do so that PowerDNS runs on it: pure, from what it sees. @module */
import type { ReconcilePlan, Step } from '../../../core/plugin/api.ts';
import type { DatabaseLook } from './database.ts';
import { keyIn } from './pdns-conf.ts';

export interface ServerStep extends Step {
  readonly do: 'conf' | 'database' | 'start' | 'restart' | 'tidy' | 'end';
  /** Of `conf`: the text. */
  readonly conf?: string;
}

export interface ServerView {
  /** The text of its configuration; undefined: this node is none that answers for names, or there are no names. */
  readonly wanted: string | undefined;
  readonly conf: string | undefined;
  /** How the one is that it is to keep its zones in. */
  readonly database: DatabaseLook['state'];
  /** Whether that is one for all coordinators, which is not made here. */
  readonly shared: boolean;
  /** Whether one of its own is left besides. */
  readonly leftover: boolean;
  readonly serving: boolean;
  /** Whether it runs and tells nothing of its zones any more, for whatever reason. */
  readonly stuck: boolean;
  /** Whether what runs was started with these files. */
  readonly loaded: boolean;
}

/** A database that vanishes says nothing. */
const lookMs = 5_000;
/** A shared one comes by itself. */
const awayLookMs = 1_000;

const step = (what: ServerStep['do'], text: string, timeoutMs: number): ServerStep => ({ do: what, text, timeoutMs });

export function planServer(view: ServerView): ReconcilePlan<ServerStep> {
  const { wanted, conf, database, serving, stuck, loaded, shared, leftover } = view;
  if (wanted === undefined) {
    // A file that PVC did not write is not the file of a PowerDNS that it runs.
    const ours = serving || keyIn(conf) !== undefined;
    return { steps: ours ? [step('end', 'end PowerDNS, which has no names to tell', 90_000)] : [], againInMs: lookMs };
  }
  // Its keeper says what is wrong with it; PowerDNS comes back to it by itself, and could not start without it.
  if (database === 'away') return { steps: [], againInMs: awayLookMs };
  const steps: ServerStep[] = [];
  if (conf !== wanted) steps.push({ ...step('conf', 'write the configuration of PowerDNS', 20_000), conf: wanted });
  if (!shared && (database !== 'sound' || stuck))
    steps.push(
      step(
        'database',
        database === 'absent' ? 'make PowerDNS’s database' : 'replace PowerDNS’s damaged database',
        30_000,
      ),
    );
  if (steps.length > 0 || !serving || !loaded)
    steps.push(step('start', 'have PowerDNS running with its files', 90_000));
  else if (stuck) steps.push(step('restart', 'start PowerDNS again, which tells nothing of its zones', 20_000));
  else if (leftover) steps.push(step('tidy', 'take away the database that PowerDNS does not use any more', 10_000));
  return { steps, againInMs: lookMs };
}
