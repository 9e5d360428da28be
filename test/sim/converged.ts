/** What is still missing until all is as it should be, one sentence each; nothing when it is. @module */
import { taskEnded } from '../../core/task/task-kind.ts';
import { type GuestIntent, transferOf } from './cluster-state.ts';
import type { World } from './world.ts';

export function missing(world: World): string[] {
  return [
    ...nodesMissing(world),
    ...primaryMissing(world),
    ...fencesMissing(world),
    ...tasksMissing(world),
    ...guestsMissing(world),
  ];
}

function* nodesMissing({ nodes, state, cluster }: World): Generator<string> {
  for (const node of nodes.values()) {
    if (node.api === undefined) yield `the daemon of ${node.name} does not run`;
    if (cluster.tree.get(`/alive/${node.name}`) === undefined) yield `${node.name} is not seen alive`;
  }
  for (const [node, domainState] of state.nodes) {
    // A node that could not be emptied takes no guests until somebody decides otherwise.
    const [last] = [...state.tasks.values()]
      .filter(({ spec }) => spec.target.kind === 'node' && spec.target.id === node)
      .slice(-1);
    const gaveUp = domainState === 'flush' && last?.status?.state === 'failed';
    if (domainState !== 'ready' && domainState !== 'flushed' && !gaveUp) yield `${node} is still to be ${domainState}`;
  }
  // That a guest ended often is told for some minutes more, and that it was given up until somebody starts it.
  for (const [id, { message }] of state.faults)
    if (!/^vm\.(?:ends|failed):/.test(id)) yield `a fault is open: ${message}`;
}

function* fencesMissing({ state, storage }: World): Generator<string> {
  for (const { node } of state.fences.values()) yield `the fence of ${node} has not ended`;
  for (const node of storage.shutOut.keys()) yield `the storage lets ${node} in no more`;
}

function* primaryMissing({ state, onDuty, holders, description }: World): Generator<string> {
  const { primary } = state;
  if (primary === undefined) yield 'nobody is primary';
  else {
    if (onDuty.size !== 1 || !onDuty.has(primary))
      yield `${primary} is primary, and on duty are: ${[...onDuty].join(', ') || 'none'}`;
    if (description.floating !== undefined && (holders.size !== 1 || !holders.has(primary)))
      yield `${primary} is primary, and the floating address is held by: ${[...holders].join(', ') || 'nobody'}`;
  }
}

function* tasksMissing({ state }: World): Generator<string> {
  for (const { spec, status } of state.tasks.values())
    if (!taskEnded(status))
      yield `the task ${spec.action} of ${spec.target.label} has not ended (${status?.state ?? 'no status'}${status?.phase ? `, "${status.phase}"` : ''})`;
}

function* guestsMissing(world: World): Generator<string> {
  const { state, guests, nodes } = world;
  for (const intent of state.guests.values()) yield* guestMissing(world, intent);
  for (const guest of guests.all()) {
    if (!state.guests.has(guest.uuid) && guest.running.size > 0)
      yield `${guest.name} is forgotten and runs on ${[...guest.running.keys()].join(', ')}`;
    for (const node of guest.lost) yield `${guest.name} runs on ${node}, and has lost its volumes`;
  }
  for (const node of nodes.values())
    for (const domain of node.hypervisor.domains.values())
      if (state.guests.get(domain.uuid)?.spec.node !== node.name)
        yield `${domain.name} is there on ${node.name}, where it does not belong`;
}

function* guestMissing({ nodes }: World, { uuid, spec, status }: GuestIntent): Generator<string> {
  if (transferOf(spec) !== undefined) yield `${spec.name} is still on its way to ${transferOf(spec)?.to}`;
  const domain = nodes.get(spec.node)?.hypervisor.domains.get(uuid);
  if (spec.run === 'running' && spec.crashes?.failed !== undefined) {
    if (domain !== undefined) yield `${spec.name} has failed, and is ${domain.state} on ${spec.node}`;
  } else if (spec.run === 'running') {
    if (domain === undefined || domain.pending) yield `${spec.name} does not run on ${spec.node}`;
    // Paused by its user it stays paused.
    else if (domain.state !== 'running' && domain.reason !== 'user')
      yield `${spec.name} is ${domain.state} on ${spec.node} (${domain.reason})`;
    else if (status?.state !== domain.state || status.node !== spec.node)
      yield `${spec.name} is ${domain.state} on ${spec.node}, and its status says ${status?.state} on ${status?.node}`;
  } else if (domain !== undefined) yield `${spec.name} shall be ${spec.run}, and is ${domain.state} on ${spec.node}`;
  else if (status !== undefined && status.state !== 'stopped')
    yield `${spec.name} is off, and its status says ${status.state}`;
}
