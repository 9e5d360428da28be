/** Keeps this coordinator's MariaDB one of the group, where the cluster chose it. @module */
import {
  type AnyController,
  defineController,
  node as nodeKind,
  type Runtime,
  View,
} from '../../../core/plugin/api.ts';
import type { Pdns } from '../server/pdns.ts';
import { backendId, dnsBackend, dnsGroup, dnsMember, type GroupSpec, type MemberSpec } from './backend-kind.ts';
import { galeraConf, seenInConf } from './galera-conf.ts';
import type { Mariadb } from './mariadb.ts';
import { type MemberStep, type MemberView, planMember } from './member-plan.ts';
import type { ServerAnswer } from './server-answer.ts';

export interface MemberFigures {
  /** Undefined: it does not answer. */
  readonly server: ServerAnswer | undefined;
  /** How many coordinators there are. */
  readonly wanted: number;
}

export interface MemberWork {
  readonly controller: AnyController;
  /** As of the last look; undefined: this node has no MariaDB to run. */
  figures(): MemberFigures | undefined;
}

export function memberWork(runtime: Runtime, mariadb: Mariadb, pdns: Pdns): MemberWork {
  const { documents, host, node } = runtime;
  let figures: MemberFigures | undefined;
  /** Since when it has been running without taking writes. */
  let quietSinceMs: number | undefined;

  const coordinators = async () => (await documents.list(nodeKind)).filter(({ spec }) => spec.role === 'coordinator');

  const group = async (): Promise<GroupSpec | undefined> => (await documents.get(dnsGroup, backendId))?.spec;

  /** @param begins whether it begins the group alone */
  async function confText(epoch: number, begins: boolean): Promise<string> {
    const nodes = await coordinators();
    const address = nodes.find(({ id }) => id === node)?.spec.address;
    if (address === undefined) throw new Error(`${node} has no address on the cluster network`);
    const members = begins ? [] : nodes.flatMap(({ spec }) => spec.address ?? []).toSorted();
    return galeraConf({ epoch, node, address, members });
  }

  async function othersPrimary(now: GroupSpec | undefined, peers: ReadonlySet<string>): Promise<boolean> {
    const [members, alive] = await Promise.all([documents.list(dnsMember), new View(documents).alive()]);
    return members.some(
      ({ id, spec }) =>
        id !== node && peers.has(id) && alive.has(id) && spec.state === 'primary' && spec.epoch === now?.epoch,
    );
  }

  function quiet(server: ServerAnswer | undefined): number {
    const nowMs = host.clock.monotonicMs();
    if (server?.primary === true || !mariadb.serving) quietSinceMs = undefined;
    else quietSinceMs ??= nowMs;
    return quietSinceMs === undefined ? 0 : nowMs - quietSinceMs;
  }

  async function observe(): Promise<MemberView> {
    const [choice, nodes, now, told] = await Promise.all([
      documents.get(dnsBackend, backendId),
      coordinators(),
      group(),
      documents.get(dnsMember, node),
    ]);
    const peers = new Set(nodes.map(({ id }) => id));
    const wanted = choice?.spec.backend === 'galera' && peers.has(node);
    const conf = await mariadb.conf();
    if (wanted) await mariadb.needInstalled();
    const server = wanted ? await mariadb.answer() : undefined;
    const { there, position } = await mariadb.data();
    figures = wanted ? { server, wanted: peers.size } : undefined;
    return {
      ...{ node, wanted, server, position, data: there, serving: mariadb.serving, quietMs: quiet(server) },
      ...{ group: now, told: told?.spec, seen: seenInConf(conf) },
      inUse: (await pdns.backend()) === 'galera',
      othersPrimary: wanted && (await othersPrimary(now, peers)),
      confRight: wanted && now !== undefined && conf === (await confText(now.epoch, false)),
    };
  }

  /** @throws Error when the group changed meanwhile: it is looked at again */
  async function needGroup(): Promise<GroupSpec> {
    const now = await group();
    if (now === undefined) throw new Error('there is no group any more');
    return now;
  }

  async function start(begins: boolean): Promise<void> {
    const { epoch, first, formed } = await needGroup();
    if (begins !== (first === node && !formed)) throw new Error('another coordinator was chosen to begin');
    await mariadb.stop();
    if (begins) await mariadb.prepareToBegin();
    await mariadb.writeConf(await confText(epoch, begins));
    quietSinceMs = undefined;
    await mariadb.serve();
  }

  async function tell(told: MemberSpec | undefined): Promise<void> {
    const before = await documents.get(dnsMember, node);
    if (told === undefined) {
      if (before !== undefined) await runtime.write([{ do: 'remove', kind: dnsMember, before }]);
    } else if (before === undefined) await runtime.write([{ do: 'create', kind: dnsMember, id: node, spec: told }]);
    else await runtime.write([{ do: 'spec', kind: dnsMember, before, spec: told }]);
  }

  /** The file first: from then on it can only join, so others may form a majority without it. */
  async function formed(): Promise<void> {
    const before = await documents.need(dnsGroup, backendId);
    if (before.spec.first !== node) throw new Error('another coordinator was chosen to begin');
    await mariadb.writeConf(await confText(before.spec.epoch, false));
    await runtime.write([{ do: 'spec', kind: dnsGroup, before, spec: { ...before.spec, formed: true } }]);
  }

  const acts: Readonly<Record<MemberStep['do'], (step: MemberStep) => Promise<void>>> = {
    tell: ({ told }) => tell(told),
    stop: () => mariadb.stop(),
    wipe: async () => {
      await mariadb.stop();
      await mariadb.wipe();
    },
    begin: () => start(true),
    join: () => start(false),
    adopt: () => mariadb.serve(),
    conf: async () => mariadb.writeConf(await confText((await needGroup()).epoch, false)),
    tables: () => mariadb.makeTables(),
    formed,
    end: async () => {
      await mariadb.remove();
      await tell(undefined);
    },
  };

  const controller = defineController({
    name: 'dns-member',
    summary: 'keeps MariaDB of a coordinator one of the group that PowerDNS has its zones in',
    kind: dnsBackend,
    scope: 'node',
    observe,
    plan: (_doc, view) => planMember(view),
    apply: (step: MemberStep) => acts[step.do](step),
  });
  return { controller, figures: () => figures };
}
