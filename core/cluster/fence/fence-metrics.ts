/**
 * Metrics of fences: which are open, and how long the last one of each node took. Only the primary tells them, so that sums
 * over all nodes are right.
 * @module
 */
import type { MetricDefinition, MetricSample } from '../../metric/metric.ts';
import {
  type Evidence,
  type FenceSpec,
  type FenceStatus,
  fence,
  fenceEnded,
  freshFence,
} from '../../model/fence-kind.ts';
import type { Doc } from '../../model/kind.ts';
import type { Runtime } from '../../plugin/runtime.ts';

type FenceDoc = Doc<FenceSpec, FenceStatus>;

interface Figure {
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** Of one fence. */
  readonly read: (doc: FenceDoc, status: FenceStatus) => readonly MetricSample[];
}

/** A plugin by its name; a person is not named. */
const proofOf = ({ kind, by }: Evidence): string => (kind === undefined || kind === 'plugin' ? by : kind);

const seconds = ({ spec }: FenceDoc, atMs: number): number => Math.max(0, (atMs - spec.openedMs) / 1000);

/** Later proofs of the same sort say nothing new. */
const firstOfEach = (evidence: readonly Evidence[]): Evidence[] => [
  ...new Map([...evidence].reverse().map((one) => [proofOf(one), one])).values(),
];

const open: readonly Figure[] = [
  {
    name: 'pvc_fence_open',
    help: 'Fences of dead nodes that are open, each 1.',
    labels: ['fenced'],
    read: ({ spec }) => [{ value: 1, labels: { fenced: spec.node } }],
  },
  {
    name: 'pvc_fence_waiting',
    help: 'Guests of a dead node that wait: for a proof, for room, or for their node.',
    labels: ['fenced'],
    read: ({ spec }, { waiting }) => [{ value: waiting.length, labels: { fenced: spec.node } }],
  },
];

const last: readonly Figure[] = [
  {
    name: 'pvc_fence_proof_seconds',
    help: 'From the opening of the last fence of a node to a proof, by what proved it: power, word, self-fence, or the plugin.',
    labels: ['fenced', 'proof'],
    read: (doc, { evidence }) =>
      firstOfEach(evidence).map((one) => ({
        value: seconds(doc, one.atMs),
        labels: { fenced: doc.spec.node, proof: proofOf(one) },
      })),
  },
  {
    name: 'pvc_fence_recovery_seconds',
    help: 'From the opening of the last fence of a node until nothing lacked a proof, and what had room was placed elsewhere; result: all, or some where guests wait.',
    labels: ['fenced', 'result'],
    read: (doc, { settledMs, waiting }) =>
      settledMs === undefined
        ? []
        : [
            {
              value: seconds(doc, settledMs),
              labels: { fenced: doc.spec.node, result: waiting.length === 0 ? 'all' : 'some' },
            },
          ],
  },
];

export function fenceMetrics({
  documents,
  isPrimary,
}: Pick<Runtime, 'documents' | 'isPrimary'>): readonly MetricDefinition[] {
  const metric = ({ read, ...figure }: Figure, chosen: (fences: readonly FenceDoc[]) => readonly FenceDoc[]) => ({
    ...figure,
    type: 'gauge' as const,
    collect: async (): Promise<readonly MetricSample[]> =>
      isPrimary() ? chosen(await documents.list(fence)).flatMap((doc) => read(doc, doc.status ?? freshFence)) : [],
  });
  const areOpen = (fences: readonly FenceDoc[]): FenceDoc[] => fences.filter(({ status }) => !fenceEnded(status));
  /** Ids sort by time. */
  const areLast = (fences: readonly FenceDoc[]): FenceDoc[] => [
    ...new Map([...fences].sort((a, b) => (a.id < b.id ? -1 : 1)).map((doc) => [doc.spec.node, doc])).values(),
  ];
  return [...open.map((one) => metric(one, areOpen)), ...last.map((one) => metric(one, areLast))];
}
