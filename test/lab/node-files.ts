/**
 * The files that an installer would have put on a node's disk: names, identity, one configuration file,
 * and the program itself. Pure.
 * @module
 */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { shellWord } from './shell-word.ts';
import { addressOf, type NodePlan, networkNames, type Topology } from './topology.ts';

export interface NodeFile {
  readonly path: string;
  readonly text: string;
  readonly mode: number;
}

export interface ProductPaths {
  readonly repository: string;
  readonly dev: boolean;
}

/** Everything that a new node finds on its disk. */
export function nodeFiles(topology: Topology, node: NodePlan, product: ProductPaths): NodeFile[] {
  return [
    file('/etc/hostname', `${node.name}\n`),
    file('/etc/hosts', hosts(topology)),
    // Empty: no name server is reachable, and one that does not answer costs 40 s at each look-up.
    file('/etc/resolv.conf', ''),
    file(
      '/etc/machine-id',
      `${createHash('md5').update(`${topology.name}/${node.name}/${Date.now()}`).digest('hex')}\n`,
      0o444,
    ),
    file('/etc/pvc/pvc.yaml', configuration(node)),
    file('/usr/bin/pvc', launcher(product), 0o755),
  ];
}

/** Every node by its plain name on the cluster network, and by name.network on each. */
function hosts(topology: Topology): string {
  const lines = topology.nodes.flatMap((node) =>
    networkNames.map((network) => {
      const names = network === 'cluster' ? [`${node.name}.cluster`, node.name] : [`${node.name}.${network}`];
      return `${addressOf(node, network)} ${names.join(' ')}`;
    }),
  );
  return ['127.0.0.1 localhost', '::1 localhost ip6-localhost', ...lines, ''].join('\n');
}

/** The one configuration file. The qemu lines are for a node without cgroups and security drivers of its own. */
function configuration(node: NodePlan): string {
  return `node: { name: ${node.name} }
api: { listen: "0.0.0.0", port: 7370 }
plugins:
  libvirt:
    sharedPaths: [/var/lib/pvc-guest]
    qemu:
      security_driver: none
      user: root
      group: root
      cgroup_controllers: []
      namespaces: []
      remember_owner: 0
      stdio_handler: file
  ceph:
    osdMemoryMiB: 896
    # The machine's own disk may be fuller than Ceph likes it.
    settings: { mon data avail warn: 1 }
`;
}

/** The executable, or with `--dev` the sources by the pinned Node. */
function launcher({ repository, dev }: ProductPaths): string {
  const command = dev
    ? [join(repository, 'node_modules/.bin/node'), join(repository, 'core/main.ts')]
    : [join(repository, 'dist/pvc')];
  return `#!/bin/sh\nexec ${command.map(shellWord).join(' ')} "$@"\n`;
}

const file = (path: string, text: string, mode = 0o644): NodeFile => ({ path, text, mode });
