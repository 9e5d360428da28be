/** What a node has to do for the storage of its cluster: pure, from what it sees. @module */
import type { ReconcilePlan, Step } from '../../../core/plugin/api.ts';
import type { CephConfig } from '../config.ts';
import type { CephSpec, Monitor } from './ceph-kind.ts';
import { cephConf } from './conf.ts';

export type NodeStepKind = 'conf' | 'mon-first' | 'mon-join' | 'serve-mon' | 'settle' | 'mgr-key' | 'serve-mgr';

export interface NodeStep extends Step {
  readonly do: NodeStepKind;
  /** Of `conf`: the text of ceph.conf. */
  readonly conf?: string;
}

/** The directory of a daemon: absent, cut off while it was made, or whole. */
export type Made = 'none' | 'half' | 'whole';

export interface NodeView {
  readonly node: string;
  readonly coordinator: boolean;
  /** Its address on the storage network; undefined while it has none. */
  readonly address: string | undefined;
  /** That of the node with the first monitor, as its daemon tells it; undefined until it has. */
  readonly firstAddress: string | undefined;
  readonly config: CephConfig;
  readonly conf: string | undefined;
  readonly keyrings: boolean;
  readonly mon: Made;
  readonly mgrKey: boolean;
  readonly serving: ReadonlySet<'mon' | 'mgr'>;
}

/** The monitors change seldom; this is for nodes that no change of the store wakes. */
const lookMs = 10_000;
/** While something is to come from another node. */
const waitMs = 1_000;

/** @param monitors those of Ceph's own map, as far as they are known */
export function planNode(spec: CephSpec, monitors: readonly Monitor[], view: NodeView): ReconcilePlan<NodeStep> {
  const { node, coordinator, address } = view;
  if (address === undefined) throw new Error(`${node} has no address in the storage network ${spec.network}`);
  const first = coordinator && node === spec.first && monitors.length === 0;
  const known = monitors.length > 0 ? monitors : firstMonitor(spec, first ? address : view.firstAddress);
  if (known.length === 0) return { steps: [], againInMs: waitMs };

  const steps: NodeStep[] = [];
  const conf = cephConf({ spec, monitors: known, node, address, ...view.config });
  if (conf !== view.conf || !view.keyrings)
    steps.push({ do: 'conf', text: 'write ceph.conf and the keys', timeoutMs: 10_000, conf });
  // With that file the primary, whichever node it is, reaches the first monitor and tells everybody of it.
  if (monitors.length === 0 && !first) return { steps, againInMs: waitMs };
  if (!coordinator) return { steps, againInMs: lookMs };

  if (view.mon !== 'whole')
    steps.push(
      first
        ? { do: 'mon-first', text: `make the first monitor on ${node}`, timeoutMs: 60_000 }
        : { do: 'mon-join', text: `make a monitor on ${node}`, timeoutMs: 60_000 },
    );
  if (!view.serving.has('mon')) steps.push({ do: 'serve-mon', text: `keep the monitor running`, timeoutMs: 5_000 });
  // Everything else is asked of monitors that agree.
  if (monitors.length === 0 && (view.mon !== 'whole' || !view.serving.has('mon'))) return { steps, againInMs: waitMs };
  if (!view.mgrKey) {
    if (node === spec.first) steps.push({ do: 'settle', text: 'give Ceph its settings', timeoutMs: 60_000 });
    steps.push({ do: 'mgr-key', text: `make a manager on ${node}`, timeoutMs: 60_000 });
  }
  if (!view.serving.has('mgr')) steps.push({ do: 'serve-mgr', text: 'keep the manager running', timeoutMs: 5_000 });
  return { steps, againInMs: steps.length > 0 ? waitMs : lookMs };
}

/** The one monitor that there will be, until Ceph itself tells which there are. */
const firstMonitor = (spec: CephSpec, address: string | undefined): Monitor[] =>
  address === undefined ? [] : [{ name: spec.first, address }];
