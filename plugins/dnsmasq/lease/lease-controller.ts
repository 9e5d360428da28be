/** Notes in the store what dnsmasq tells of leases, on the node where it does. @module */
import {
  type AnyController,
  cluster,
  clusterId,
  defineController,
  type Runtime,
  type Step,
  View,
} from '../../../core/plugin/api.ts';
import type { LeaseSpool } from './lease-spool.ts';

/** Somebody becomes primary soon; then it is known whether what was told is the last word. */
const openMs = 1_000;
const noteMs = 30_000;

export interface LeaseView {
  readonly waiting: number;
  /** Nobody is primary. */
  readonly open: boolean;
}

export const planLeases = ({ waiting, open }: LeaseView): { steps: Step[]; againInMs?: number } => {
  if (waiting === 0) return { steps: [] };
  if (open) return { steps: [], againInMs: openMs };
  return { steps: [{ do: 'note', text: `note ${waiting} leases that dnsmasq has told`, timeoutMs: noteMs }] };
};

export function leaseController(runtime: Runtime, spool: LeaseSpool): AnyController {
  return defineController({
    name: 'dhcp-leases',
    summary: 'notes the leases that dnsmasq has given, renewed or ended',
    kind: cluster,
    scope: 'node',
    async observe(): Promise<LeaseView> {
      const waiting = await spool.waiting();
      return { waiting, open: waiting > 0 && (await new View(runtime.documents).primary()) === undefined };
    },
    plan: (_doc, view) => planLeases(view),
    apply: () => spool.note(),
    watch: (touch, signal) => spool.watch(() => touch(clusterId), signal),
  });
}
