/**
 * Links that look fine and carry nothing: packets of a cable are dropped in the fabric's switch, in both directions or in
 * one. In the switch and not in the node, since a node that is cut off must not see why, nor lose it with its power.
 * @module
 */
import { run } from './run.ts';
import { type CableName, type NodePlan, namespaceName, portName } from './topology.ts';

/** Seen from the node. */
export type Direction = 'in' | 'out';

const table = 'bridge lab';
/** Packets from a node come in at its port of the switch, those to it go out there. */
const setOf: Readonly<Record<Direction, string>> = { out: 'from', in: 'to' };

/** The rules, which drop nothing yet; goes through nft(8) on standard input. @throws CommandFailed */
export async function prepareSilentCuts(lab: string, signal?: AbortSignal): Promise<void> {
  await nft(
    lab,
    `table ${table} {
  set from { type ifname; }
  set to { type ifname; }
  chain forward {
    type filter hook forward priority 0;
    iifname @from drop
    oifname @to drop
  }
}`,
    signal,
  );
}

/** Begins to drop; doing so already is fine. @throws CommandFailed */
export async function cutSilently(
  lab: string,
  node: NodePlan,
  cable: CableName,
  directions: readonly Direction[],
): Promise<void> {
  const port = portName(node, cable);
  await nft(lab, directions.map((each) => `add element ${table} ${setOf[each]} { "${port}" }`).join('\n'));
}

/** Drops nothing of that cable any more. @throws CommandFailed */
export async function endSilentCut(lab: string, node: NodePlan, cable: CableName): Promise<void> {
  const port = portName(node, cable);
  // Only what is there can be deleted; adding it is always allowed, and both are one transaction.
  await nft(
    lab,
    Object.values(setOf)
      .flatMap((set) => ['add', 'delete'].map((verb) => `${verb} element ${table} ${set} { "${port}" }`))
      .join('\n'),
  );
}

/** Which directions of a cable are dropped now. @throws CommandFailed */
export async function silentCuts(lab: string): Promise<(port: string) => Direction[]> {
  const { stdout } = await run([...inFabric(lab), 'nft', '-j', 'list', 'table', ...table.split(' ')]);
  const { nftables } = JSON.parse(stdout) as { nftables: { set?: { name: string; elem?: string[] } }[] };
  const dropped = new Map(nftables.flatMap(({ set }) => (set === undefined ? [] : [[set.name, set.elem ?? []]])));
  return (port) => (['in', 'out'] as const).filter((each) => dropped.get(setOf[each])?.includes(port) === true);
}

const inFabric = (lab: string): string[] => ['ip', 'netns', 'exec', namespaceName(lab, 'fabric')];

async function nft(lab: string, text: string, signal?: AbortSignal): Promise<void> {
  await run([...inFabric(lab), 'nft', '-f', '-'], { input: `${text}\n`, signal });
}
