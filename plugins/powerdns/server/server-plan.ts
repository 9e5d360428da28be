/** What a coordinator has to do so that PowerDNS runs on it: pure, from what it sees. @module */
import type { ReconcilePlan, Step } from '../../../core/plugin/api.ts';
import type { DatabaseLook } from './launch-sqlite.ts';
import { keyIn } from './pdns-conf.ts';

export interface ServerStep extends Step {
  readonly do: 'conf' | 'database' | 'start' | 'end';
  /** Of `conf`: the text. */
  readonly conf?: string;
}

export interface ServerView {
  /** The text of its configuration; undefined: this node is none that answers for names, or there are no names. */
  readonly wanted: string | undefined;
  readonly conf: string | undefined;
  readonly database: DatabaseLook['state'];
  readonly serving: boolean;
  /** Whether what runs was started with these files. */
  readonly loaded: boolean;
}

/** A database that vanishes says nothing. */
const lookMs = 5_000;

const step = (what: ServerStep['do'], text: string, timeoutMs: number): ServerStep => ({ do: what, text, timeoutMs });

export function planServer({ wanted, conf, database, serving, loaded }: ServerView): ReconcilePlan<ServerStep> {
  if (wanted === undefined) {
    // A file that PVC did not write is not the file of a PowerDNS that it runs.
    const ours = serving || keyIn(conf) !== undefined;
    return { steps: ours ? [step('end', 'end PowerDNS, which has no names to tell', 90_000)] : [], againInMs: lookMs };
  }
  const steps: ServerStep[] = [];
  if (conf !== wanted) steps.push({ ...step('conf', 'write the configuration of PowerDNS', 20_000), conf: wanted });
  if (database !== 'sound')
    steps.push(
      step(
        'database',
        database === 'absent' ? 'make PowerDNS’s database' : 'replace PowerDNS’s damaged database',
        30_000,
      ),
    );
  if (steps.length > 0 || !serving || !loaded)
    steps.push(step('start', 'have PowerDNS running with its files', 90_000));
  return { steps, againInMs: lookMs };
}
