/** What a coordinator has to do so that its MariaDB is one of the group: pure, from what it sees. @module */
import { isDeepStrictEqual } from 'node:util';
import type { ReconcilePlan, Step } from '../../../core/plugin/api.ts';
import type { GroupSpec, MemberSpec, Position } from './backend-kind.ts';
import type { GaleraConfSeen } from './galera-conf.ts';
import type { ServerAnswer } from './server-answer.ts';

export interface MemberStep extends Step {
  readonly do: 'tell' | 'stop' | 'wipe' | 'begin' | 'join' | 'adopt' | 'conf' | 'tables' | 'formed' | 'end';
  /** Of `tell`. */
  readonly told?: MemberSpec;
}

export interface MemberView {
  readonly node: string;
  /** Whether this node is to have a MariaDB: a coordinator of a cluster that chose it. */
  readonly wanted: boolean;
  /** Whether this node's PowerDNS has its zones in it. */
  readonly inUse: boolean;
  readonly group: GroupSpec | undefined;
  /** Whether another living coordinator told that it is in this group and takes writes. */
  readonly othersPrimary: boolean;
  /** The configuration that was written; undefined: none of PVC. */
  readonly seen: GaleraConfSeen | undefined;
  /** Whether that is what a member that joins needs. */
  readonly confRight: boolean;
  /** Whether this daemon keeps it running. */
  readonly serving: boolean;
  /** Undefined: nobody answers at its socket. */
  readonly server: ServerAnswer | undefined;
  /** Whether there is a directory with data. */
  readonly data: boolean;
  /** How far they go; undefined: there are none, or it runs, or it has crashed. */
  readonly position: Position | undefined;
  /** For how long it has been running, and has taken no writes. */
  readonly quietMs: number;
  readonly told: MemberSpec | undefined;
}

const lookMs = 5_000;
const busyMs = 1_000;
/** Somebody who has others to join has found them by then. */
const aloneMs = 8_000;
/** With data that it can use it is up by then; a copy of all of them takes some seconds. */
const brokenMs = 90_000;

const step = (what: MemberStep['do'], text: string, timeoutMs: number): MemberStep => ({ do: what, text, timeoutMs });
const stop = step('stop', 'end MariaDB and see how far its data go', 120_000);
const wipe = step('wipe', 'throw away the data with which MariaDB does not come up', 120_000);
const begin = step('begin', 'begin the group of MariaDB servers', 150_000);
const join = step('join', 'have MariaDB join the others', 120_000);

/** What this member is, for the others; undefined: that is to be found out first. */
export function reportOf({ seen, server, serving, data, position }: MemberView): MemberSpec | undefined {
  const epoch = seen?.epoch ?? 0;
  if (server !== undefined)
    return server.primary
      ? { epoch, state: 'primary', position: null }
      : { epoch, state: 'waiting', position: server.position ?? null };
  if (serving) return { epoch, state: 'starting', position: null };
  return data && position === undefined ? undefined : { epoch, state: 'stopped', position: position ?? null };
}

function beginSteps({ seen, server, serving, quietMs }: MemberView, current: boolean): MemberStep[] {
  if (current && server?.primary === true)
    return [
      ...(server.tables ? [] : [step('tables', 'make PowerDNS’s tables in MariaDB', 90_000)]),
      step('formed', 'let the other coordinators join', 20_000),
    ];
  if (!current || seen?.begins !== true || !serving) return [begin];
  return quietMs < brokenMs ? [] : [wipe, begin];
}

function joinSteps({ server, serving, confRight, quietMs }: MemberView, current: boolean): MemberStep[] {
  if (!current) return [join];
  if (server?.primary === true)
    return [
      ...(confRight ? [] : [step('conf', 'write the configuration of MariaDB', 10_000)]),
      ...(serving ? [] : [step('adopt', 'keep MariaDB running', 10_000)]),
    ];
  if (!serving) return [join];
  return quietMs < brokenMs ? [] : [wipe, join];
}

function acts(view: MemberView): MemberStep[] {
  const { node, group, seen, server, serving, othersPrimary, quietMs } = view;
  const current = group !== undefined && seen?.epoch === group.epoch;
  if (group !== undefined && !group.formed && group.first === node) return beginSteps(view, current);
  if (group?.formed === true && (othersPrimary || (current && server?.primary === true)))
    return joinSteps(view, current);
  // There is nobody to join. Who answers goes on telling names until somebody begins.
  if (server !== undefined) return [];
  if (serving) return quietMs < aloneMs ? [] : [stop];
  return reportOf(view) === undefined ? [stop] : [];
}

export function planMember(view: MemberView): ReconcilePlan<MemberStep> {
  const { wanted, serving, seen, told, inUse, server } = view;
  if (!wanted) {
    const left = serving || seen !== undefined || told !== undefined;
    // PowerDNS goes first.
    const steps = left && !inUse ? [step('end', 'end MariaDB and take its data away', 120_000)] : [];
    return { steps, againInMs: left ? busyMs : lookMs };
  }
  const report = reportOf(view);
  const tell: MemberStep[] =
    report === undefined || isDeepStrictEqual(report, told)
      ? []
      : [{ ...step('tell', 'tell the others how MariaDB is here', 10_000), told: report }];
  const steps = [...tell, ...acts(view)];
  return { steps, againInMs: steps.length === 0 && server?.primary === true ? lookMs : busyMs };
}
