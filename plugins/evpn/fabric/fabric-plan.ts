/** What a node has to do so that its networks reach over the cluster: pure, from what it sees. @module */
import type { ReconcilePlan, Step } from '../../../core/plugin/api.ts';
import { passwordLines, type Upstream } from '../upstream/upstream-conf.ts';
import { daemonsFor, type FabricInput, frrConf, neighboursOf } from './frr-conf.ts';

export interface FabricStep extends Step {
  readonly do: 'files' | 'serve' | 'reload';
  /** The text of frr.conf. */
  readonly conf: string;
  /** The nodes among the neighbours in it. */
  readonly named: readonly string[];
  /** Commands that set the passwords of routers. */
  readonly passwords: readonly string[];
  /** Those of FRR that it needs. */
  readonly daemons: readonly string[];
}

export interface FabricView {
  /** Undefined: there is nobody to reach, or nothing to reach them for. */
  readonly wanted: FabricInput | undefined;
  readonly conf: string | undefined;
  /** What FRR was last told. */
  readonly loaded: string | undefined;
  readonly serving: boolean;
  /** Whether BGP answers. */
  readonly answers: boolean;
}

/** Nodes come and go seldom; this is for those that no change of the store wakes. */
const lookMs = 10_000;
/** FRR is on its way up. */
const waitMs = 500;

export function planFabric({ wanted, conf, loaded, serving, answers }: FabricView): ReconcilePlan<FabricStep> {
  if (wanted === undefined) return { steps: [], againInMs: lookMs };
  const text = frrConf(wanted);
  const of = {
    conf: text,
    named: neighboursOf(wanted),
    passwords: passwordLines(wanted.asn, wanted.upstream),
    daemons: daemonsFor(wanted),
  };
  const steps: FabricStep[] = [];
  if (conf !== text) steps.push({ do: 'files', text: 'write the files of FRR', timeoutMs: 10_000, ...of });
  if (!serving) steps.push({ do: 'serve', text: 'keep FRR running', timeoutMs: 10_000, ...of });
  if (!serving || !answers) return { steps, againInMs: waitMs };
  if (conf !== text || loaded !== text)
    steps.push({ do: 'reload', text: 'have FRR read its files', timeoutMs: 90_000, ...of });
  return { steps, againInMs: lookMs };
}

/** Undefined as long as a node has nobody to reach, neither nodes nor routers, or there are no networks. */
export function fabricOf(input: {
  readonly asn: number;
  readonly bfd: boolean;
  readonly cidr: string | undefined;
  readonly self: string;
  readonly networks: number;
  readonly upstream: Upstream;
  readonly nodes: readonly {
    readonly name: string;
    readonly role: 'coordinator' | 'hypervisor';
    readonly address: string | undefined;
  }[];
}): FabricInput | undefined {
  const nodes = input.nodes.flatMap(({ name, role, address }) =>
    address === undefined ? [] : [{ name, role, address }],
  );
  const self = nodes.find(({ name }) => name === input.self);
  const { asn, bfd, cidr, upstream } = input;
  if (self === undefined || cidr === undefined || input.networks === 0) return undefined;
  if (nodes.length < 2 && upstream.routers.length === 0) return undefined;
  return { asn, bfd, cidr, self, nodes, upstream };
}
