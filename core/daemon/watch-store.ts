/** Who is told of which change in the store. @module */
import type { Silence } from '../cluster/fence/silence.ts';
import type { BmcChecks } from '../cluster/power/bmc-checks.ts';
import { errorText } from '../error/error.ts';
import type { Events } from '../event/open-events.ts';
import { cluster, clusterId } from '../model/cluster-kind.ts';
import { aliveKey, node as nodeKind } from '../model/node-kind.ts';
import { specKey } from '../store/documents.ts';
import type { TaskRunner } from '../task/task-runner.ts';
import type { Assembly } from './assembly.ts';
import type { ClusterSettings } from './cluster-settings.ts';

export interface Watchers {
  readonly silence: Pick<Silence, 'changed'>;
  readonly settings: ClusterSettings;
  readonly bmcChecks: Pick<BmcChecks, 'changed'>;
  readonly tasks: Pick<TaskRunner, 'changed'>;
  /** Undefined on a hypervisor. */
  readonly events: Pick<Events, 'observe'> | undefined;
  /** Others take this node for dead, though it lives. */
  readonly takenForDead: () => void;
}

/** Keys whose change may concern who is primary. */
const matterForPrimary = (key: string): boolean => /^\/(?:primary|alive|cluster)\//.test(key);
/** Keys whose change may concern whose machines are listened to, or what all nodes understand. */
const matterForAllNodes = (key: string): boolean => /^\/(?:primary|cluster|node)\//.test(key);
/** Keys whose change may describe another BMC. */
const tellsOfNode = (key: string): boolean => /^\/node\/[^/]+\/spec$/.test(key);

/** Runs until the signal aborts. @throws Error when the store ends the watch */
export async function watchStore(
  { host, documents, node, coordinator, engine, primary }: Assembly,
  { silence, settings, bmcChecks, tasks, events, takenForDead }: Watchers,
  signal: AbortSignal,
): Promise<void> {
  const { store } = documents;
  const log = host.log.child('daemon');
  const failed = (what: string) => (error: unknown) => log.warn(what, { reason: errorText(error) });
  const lookForOwnKey = async (): Promise<void> => {
    if ((await store.read(aliveKey(node))) === undefined) takenForDead();
  };
  // Only coordinators look at every change; a hypervisor is woken by what concerns it.
  for await (const dirty of store.watch(coordinator ? ['all', `node:${node}`] : [`node:${node}`], signal)) {
    engine.changed(dirty);
    const mayConcern = (matters: (key: string) => boolean): boolean => dirty.resync || [...dirty.keys].some(matters);
    if (mayConcern(matterForPrimary)) primary.poke();
    if (mayConcern(matterForAllNodes)) {
      silence.changed();
      settings.shapesMayRise();
    }
    for (const key of dirty.keys)
      if (key.startsWith(aliveKey(''))) engine.touch(nodeKind.name, key.slice(aliveKey('').length));
    if (dirty.keys.has(aliveKey(node)))
      await lookForOwnKey().catch(failed('whether others see this node could not be read'));
    if (mayConcern(tellsOfNode)) bmcChecks.changed();
    events?.observe(documents, dirty);
    if (dirty.keys.has(specKey(cluster, clusterId)))
      await settings.follow().catch(failed('the settings of the cluster could not be read'));
    await tasks.changed(dirty).catch(failed('tasks could not be looked at'));
  }
}
