/**
 * The lab's cables and switches: network namespaces, a bridge per network in the fabric, a veth pair per
 * node and network. No interface of a lab is ever in the machine's own network.
 * @module
 */
import { run } from './run.ts';
import {
  addressOf,
  bmcGateway,
  bmcName,
  type CableName,
  cableNames,
  macOf,
  type NodePlan,
  namespaceName,
  networkNames,
  outsideAddress,
  portName,
  type Topology,
  upstreamBridge,
} from './topology.ts';

/** Makes the switches and the namespace of the router outside. @throws CommandFailed */
export async function createFabric({ name: lab }: Topology, signal?: AbortSignal): Promise<void> {
  const fabric = namespaceName(lab, 'fabric');
  const outside = namespaceName(lab, 'outside');
  await run(['ip', 'netns', 'add', fabric], { signal });
  await run(['ip', 'netns', 'add', outside], { signal });
  await batch(
    [],
    [
      `link add outside netns ${fabric} type veth peer name upstream netns ${outside}`,
      `link add outside-bmc netns ${fabric} type veth peer name bmc netns ${outside}`,
    ],
    signal,
  );
  await batch(
    ['-n', fabric],
    [
      'link set lo up',
      ...cableNames.flatMap((network) => [`link add ${network} type bridge`, `link set ${network} up`]),
      'link set outside master upstream',
      'link set outside up',
      'link set outside-bmc master bmc',
      'link set outside-bmc up',
    ],
    signal,
  );
  await batch(
    ['-n', outside],
    [
      'link set lo up',
      `addr add ${outsideAddress}/24 dev upstream`,
      'link set upstream up',
      `addr add ${bmcGateway}/24 dev bmc`,
      'link set bmc up',
    ],
    signal,
  );
}

/**
 * Makes the namespace of a node's network and plugs it into every switch; addresses are as an
 * installer would have left them in /etc/network/interfaces. @throws CommandFailed
 */
export async function connectNode({ name: lab }: Topology, node: NodePlan, signal?: AbortSignal): Promise<void> {
  const fabric = namespaceName(lab, 'fabric');
  const own = namespaceName(lab, node.name);
  await run(['ip', 'netns', 'add', own], { signal });
  await batch(
    [],
    networkNames.map(
      (network) =>
        `link add ${portName(node, network)} netns ${fabric} type veth peer name ${network} address ${macOf(node, network)} netns ${own}`,
    ),
    signal,
  );
  await batch(
    ['-n', fabric],
    networkNames.flatMap((network) => [
      `link set ${portName(node, network)} master ${network}`,
      `link set ${portName(node, network)} up`,
    ]),
    signal,
  );
  await batch(
    ['-n', own],
    [
      'link set lo up',
      `link add ${upstreamBridge} address ${macOf(node, 'upstream')} type bridge`,
      `link set upstream master ${upstreamBridge}`,
      `addr add ${addressOf(node, 'cluster')}/24 dev cluster`,
      `addr add ${addressOf(node, 'storage')}/24 dev storage`,
      `addr add ${addressOf(node, 'upstream')}/24 dev ${upstreamBridge}`,
      ...networkNames.map((network) => `link set ${network} up`),
      `link set ${upstreamBridge} up`,
      `route add default via ${outsideAddress}`,
    ],
    signal,
  );
}

/** Makes the namespace of a node's BMC and plugs it in. @throws CommandFailed */
export async function connectBmc({ name: lab }: Topology, node: NodePlan, signal?: AbortSignal): Promise<void> {
  const fabric = namespaceName(lab, 'fabric');
  const own = namespaceName(lab, bmcName(node));
  const port = portName(node, 'bmc');
  await run(['ip', 'netns', 'add', own], { signal });
  await batch([], [`link add ${port} netns ${fabric} type veth peer name bmc netns ${own}`], signal);
  await batch(['-n', fabric], [`link set ${port} master bmc`, `link set ${port} up`], signal);
  await batch(
    ['-n', own],
    [
      'link set lo up',
      `addr add ${addressOf(node, 'bmc')}/24 dev bmc`,
      'link set bmc up',
      `route add default via ${bmcGateway}`,
    ],
    signal,
  );
}

/** Pulls a node's cable out of the switch, or plugs it in again: the node's link goes down, or comes up. @throws CommandFailed */
export async function setCable(lab: string, node: NodePlan, network: CableName, state: 'up' | 'down'): Promise<void> {
  await run(['ip', '-n', namespaceName(lab, 'fabric'), 'link', 'set', portName(node, network), state]);
}

/** Which ports of the switches are switched off. @throws CommandFailed */
export async function pulledPorts(lab: string): Promise<Set<string>> {
  const { stdout } = await run(['ip', '-n', namespaceName(lab, 'fabric'), '-j', 'link', 'show']);
  const links = JSON.parse(stdout) as { ifname: string; flags: string[] }[];
  return new Set(links.filter(({ flags }) => !flags.includes('UP')).map(({ ifname }) => ifname));
}

/** The lab's network namespaces that exist now. */
export async function namespacesOf(lab: string): Promise<string[]> {
  const { stdout } = await run(['ip', '-j', 'netns', 'list']);
  const all = stdout.trim() === '' ? [] : (JSON.parse(stdout) as { name: string }[]);
  return all.map((each) => each.name).filter((name) => name.startsWith(namespaceName(lab, '')));
}

/**
 * Takes a node's cables and the namespace of its network away; absent is fine. The cables first and
 * at once: the kernel empties a namespace some time after its name is gone, and answers pings until then.
 * @throws CommandFailed
 */
export async function disconnectNode(lab: string, node: NodePlan): Promise<void> {
  const fabric = namespaceName(lab, 'fabric');
  const { stdout } = await run(['ip', '-n', fabric, '-j', 'link', 'show']);
  const plugged = new Set((JSON.parse(stdout) as { ifname: string }[]).map((each) => each.ifname));
  const ports = networkNames.map((network) => portName(node, network)).filter((port) => plugged.has(port));
  await batch(
    ['-n', fabric],
    ports.map((port) => `link del ${port}`),
    undefined,
  );
  const own = namespaceName(lab, node.name);
  if ((await namespacesOf(lab)).includes(own)) await run(['ip', 'netns', 'del', own]);
}

/** Several `ip` commands in one process. */
async function batch(
  options: readonly string[],
  lines: readonly string[],
  signal: AbortSignal | undefined,
): Promise<void> {
  await run(['ip', ...options, '-batch', '-'], { input: `${lines.join('\n')}\n`, signal });
}
