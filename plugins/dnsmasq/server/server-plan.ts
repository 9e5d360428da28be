/** What a node has to do for one dnsmasq: pure, from what it sees. @module */
import type { ReconcilePlan, Step } from '../../../core/plugin/api.ts';
import type { Dnsmasq, DnsmasqFiles } from './dnsmasq.ts';

export type ServerStep = Step &
  (
    | { readonly do: 'files' | 'serve' | 'restart' | 'reload'; readonly files: DnsmasqFiles }
    /** Its files go, too. */
    | { readonly do: 'end' }
  );

/** Whose it is to serve: this node’s, another one’s, or nobody knows yet. */
export type Whose = 'ours' | 'others' | 'open';

export interface ServerView {
  readonly duty: Whose;
  /** Undefined: there is nothing to serve, or it is not this node that serves. */
  readonly wanted: DnsmasqFiles | undefined;
  /** What the files on this node hold; undefined: there are none. */
  readonly written: DnsmasqFiles | undefined;
  /** What dnsmasq has surely read. */
  readonly loaded: Pick<DnsmasqFiles, 'conf' | 'reread'> | undefined;
  /** Whether it is looked after. */
  readonly serving: boolean;
  /** What it reads again without being started anew. */
  readonly rereads: string;
  /**
   * It holds leases: it tells of all of them when it reads again, also of those that were ended since their guest is gone. One
   * that starts anew has what the store has.
   */
  readonly holdsLeases?: boolean;
}

/** One that an earlier life of the daemon has left with other settings is ended first. */
const stepMs = 70_000;
/** Somebody becomes primary soon; until then what runs is left as it is. */
const openMs = 1_000;

const differs = (a: DnsmasqFiles | undefined, b: DnsmasqFiles): boolean =>
  a === undefined || a.conf !== b.conf || a.reread !== b.reread || a.script !== b.script;

/** A line of the one is in the other no more. */
function loses(before: string, now: string): boolean {
  const left = new Set(now.split('\n'));
  return before.split('\n').some((line) => !left.has(line));
}

export function planServer(view: ServerView): ReconcilePlan<ServerStep> {
  const { duty, wanted, written, loaded, serving, rereads, holdsLeases = false } = view;
  const there = written !== undefined || serving;
  if (duty === 'open') return there ? { steps: [], againInMs: openMs } : { steps: [] };
  if (wanted === undefined) return { steps: there ? [{ do: 'end', text: 'end dnsmasq', timeoutMs: stepMs }] : [] };
  const step = (what: 'files' | 'serve' | 'restart' | 'reload', text: string): ServerStep => ({
    do: what,
    text,
    timeoutMs: stepMs,
    files: wanted,
  });
  const steps: ServerStep[] = [];
  if (differs(written, wanted)) steps.push(step('files', 'write the files of dnsmasq'));
  if (!serving) steps.push(step('serve', 'keep dnsmasq running'));
  else if (loaded?.conf !== wanted.conf) steps.push(step('restart', 'start dnsmasq again, with its settings'));
  else if (holdsLeases && loses(loaded.reread, wanted.reread))
    steps.push(step('restart', 'start dnsmasq again, without whom it shall forget'));
  else if (loaded.reread !== wanted.reread) steps.push(step('reload', `have dnsmasq read its ${rereads}`));
  return { steps };
}

/** Does what was planned with one dnsmasq. @throws PvcError DNSMASQ_MISSING */
export function applyServerStep(step: ServerStep, server: Dnsmasq): Promise<void> {
  switch (step.do) {
    case 'files':
      return server.write(step.files);
    case 'serve':
      return server.serve(step.files);
    case 'restart':
      return server.restart(step.files);
    case 'reload':
      return server.reload(step.files);
    case 'end':
      return server.end();
  }
}
