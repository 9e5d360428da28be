/** The primary's part: decides who begins the group of MariaDB servers, whenever there is none that takes writes. @module */
import {
  type AnyController,
  type Doc,
  defineController,
  node as nodeKind,
  type Runtime,
  type Step,
  View,
} from '../../../core/plugin/api.ts';
import { backendId, dnsBackend, dnsGroup, dnsMember, type GroupSpec } from './backend-kind.ts';
import { chooseFirst, isWhole, type MemberSeen } from './choose-first.ts';

const lookMs = 5_000;
const lostLookMs = 1_000;

interface GroupView {
  readonly group: Doc<GroupSpec, null> | undefined;
  readonly members: readonly MemberSeen[];
  readonly lostMs: number;
}

interface ChooseStep extends Step {
  readonly do: 'choose';
  readonly group: GroupSpec;
}

export function groupController(runtime: Runtime): AnyController {
  const { documents, host } = runtime;
  /** Since when there has been no member that takes writes, and of which group. */
  let lost: { readonly epoch: number; readonly sinceMs: number } | undefined;

  function lostFor(group: GroupSpec | undefined, members: readonly MemberSeen[]): number {
    const nowMs = host.clock.monotonicMs();
    if (isWhole(group, members)) lost = undefined;
    else if (lost?.epoch !== (group?.epoch ?? 0)) lost = { epoch: group?.epoch ?? 0, sinceMs: nowMs };
    return lost === undefined ? 0 : nowMs - lost.sinceMs;
  }

  return defineController({
    name: 'dns-group',
    summary: 'decides which coordinator begins the group of MariaDB servers',
    kind: dnsBackend,
    scope: 'primary',
    async observe(): Promise<GroupView> {
      const [group, nodes, told, alive] = await Promise.all([
        documents.get(dnsGroup, backendId),
        documents.list(nodeKind),
        documents.list(dnsMember),
        new View(documents).alive(),
      ]);
      const by = new Map(told.map(({ id, spec }) => [id, spec]));
      const members = nodes
        .filter(({ spec }) => spec.role === 'coordinator')
        .map(({ id }): MemberSeen => ({ node: id, alive: alive.has(id), told: by.get(id) }));
      return { group, members, lostMs: lostFor(group?.spec, members) };
    },
    plan(doc, { group, members, lostMs }) {
      if (doc?.spec.backend !== 'galera') return { steps: [] };
      const next = chooseFirst(group?.spec, members, lostMs);
      const steps: ChooseStep[] =
        next === undefined
          ? []
          : [
              {
                do: 'choose',
                text: `have ${next.first} begin the group of MariaDB servers`,
                timeoutMs: 10_000,
                group: next,
              },
            ];
      return { steps, againInMs: isWhole(group?.spec, members) ? lookMs : lostLookMs };
    },
    async apply({ group }) {
      const before = await documents.get(dnsGroup, backendId);
      if ((before?.spec.epoch ?? 0) >= group.epoch) return;
      await runtime.write(
        [
          before === undefined
            ? { do: 'create', kind: dnsGroup, id: backendId, spec: group }
            : { do: 'spec', kind: dnsGroup, before, spec: group },
        ],
        { asPrimary: true },
      );
      host.log.info('a group of MariaDB servers begins', { first: group.first, epoch: group.epoch });
    },
  });
}
