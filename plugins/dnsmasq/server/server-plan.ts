/** What a node has to do for the dnsmasq of one network: pure, from what it sees. @module */
import type { ReconcilePlan, Step } from '../../../core/plugin/api.ts';

/** The files of one dnsmasq, as text. */
export interface ServerFiles {
  readonly conf: string;
  readonly hosts: string;
  readonly script: string;
}

export type ServerStep = Step &
  (
    | { readonly do: 'files' | 'serve' | 'restart' | 'reload'; readonly files: ServerFiles }
    /** Its files go, too. */
    | { readonly do: 'end' }
  );

export interface ServerView {
  /** Whose it is to serve: this node’s, another one’s, or nobody knows yet. */
  readonly duty: 'ours' | 'others' | 'open';
  /** Undefined: there is no DHCP in the network, or it is not this node that serves. */
  readonly wanted: ServerFiles | undefined;
  /** What the files on this node hold; undefined: there are none. */
  readonly written: ServerFiles | undefined;
  /** What dnsmasq has surely read. */
  readonly loaded: Pick<ServerFiles, 'conf' | 'hosts'> | undefined;
  /** Whether it is looked after. */
  readonly serving: boolean;
}

/** One that an earlier life of the daemon has left with other settings is ended first. */
const stepMs = 70_000;
/** Somebody becomes primary soon; until then what runs is left as it is. */
const openMs = 1_000;

const differs = (a: ServerFiles | undefined, b: ServerFiles): boolean =>
  a === undefined || a.conf !== b.conf || a.hosts !== b.hosts || a.script !== b.script;

export function planServer({ duty, wanted, written, loaded, serving }: ServerView): ReconcilePlan<ServerStep> {
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
  else if (loaded.hosts !== wanted.hosts) steps.push(step('reload', 'have dnsmasq read its reservations'));
  return { steps };
}
