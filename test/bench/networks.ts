/** Two hundred networks with gateways, DHCP and names, and two thousand leases in them, on three coordinators. @module */
import { ClusterLab } from './cluster-lab.ts';
import { type Figure, median, numberText } from './figure.ts';
import { processUse } from './process-use.ts';

const area = 'networks (200 with DHCP and names, 2,000 leases, three coordinators)';
const networks = 200;
const leasesEach = 10;
const runs = 5;
const firstVni = 1_000;

const prefixOf = (index: number): string => `10.20.${index}`;
const vniOf = (index: number): string => String(firstVni + index);
const nameOf = (index: number): string => `net${index}`;

const timed = async (act: () => Promise<unknown>): Promise<number> => {
  const fromMs = performance.now();
  await act();
  return performance.now() - fromMs;
};

export async function networkFigures(signal: AbortSignal): Promise<Figure[]> {
  return ClusterLab.use(`bench-net-${process.pid}`, 3, signal, async (lab) => {
    const primary = await primaryOf(lab);
    const madeMs = await timed(() => fill(lab));
    await lab.until('all gateways', async () => (await gateways(lab, primary)) === networks, 120_000);
    await lab.until('all DHCP servers', async () => (await servers(lab, primary)).length === networks, 300_000);
    return [
      { area, what: 'to make all of them, one command after the other', value: madeMs / 1000, unit: 's' },
      ...(await changeFigures(lab, primary)),
      ...(await memoryFigures(lab, primary)),
      ...(await takeoverFigures(lab, primary)),
    ];
  });
}

async function primaryOf(lab: ClusterLab): Promise<string> {
  const { primary } = await (await lab.client('hv1')).call('cluster.status', {});
  if (primary === null) throw new Error('nobody is primary');
  return primary;
}

async function fill(lab: ClusterLab): Promise<void> {
  const client = await lab.client('hv1');
  const expires = Math.floor(Date.now() / 1000) + 43_200;
  for (let index = 0; index < networks; index += 1) {
    const [network, ipv4] = [nameOf(index), `${prefixOf(index)}.0/24`];
    await client.call('network.add', {
      network,
      vni: firstVni + index,
      ipv4,
      gateway4: 'first',
      domain: `${network}.bench.test`,
    });
    await client.call('network.dhcp-enable', { network });
    await Promise.all(
      Array.from({ length: leasesEach }, (_, lease) => {
        const octets = [index, lease].map((number) => number.toString(16).padStart(2, '0'));
        return client.call('dnsmasq.lease-event', {
          network: vniOf(index),
          action: 'add',
          client: `52:54:00:00:${octets.join(':')}`,
          address: `${prefixOf(index)}.${100 + lease}`,
          name: `guest${lease}`,
          expires,
        });
      }),
    );
  }
}

/** How many gateways a node has. */
async function gateways(lab: ClusterLab, node: string): Promise<number> {
  const shown = await lab.exec(node, ['ip', '-4', '-o', 'address', 'show', 'to', '10.20.0.0/16']);
  return shown.split('\n').filter((line) => line !== '').length;
}

/** Process ids of the DHCP servers of a node that serve. */
async function servers(lab: ClusterLab, node: string): Promise<string[]> {
  const found = await lab.exec(node, ['sh', '-c', 'cat /run/pvc/dnsmasq/*/pid 2>/dev/null || true']);
  return found.split('\n').filter((line) => line !== '');
}

/** One change until the node does as it says, seen by looking without a pause. */
async function changeFigures(lab: ClusterLab, primary: string): Promise<Figure[]> {
  const client = await lab.client('hv1');
  const [gateway, entry]: [number[], number[]] = [[], []];
  for (let run = 0; run < runs; run += 1) {
    const address = `${prefixOf(7)}.${240 + run}`;
    gateway.push(
      await timed(async () => {
        await client.call('network.modify', { network: nameOf(7), gateway4: address });
        await lab.until(
          `the gateway ${address}`,
          async () => (await lab.exec(primary, ['ip', '-o', 'address', 'show', 'to', address])) !== '',
        );
      }),
    );
    const port = 2_000 + run;
    entry.push(
      await timed(async () => {
        await client.call('network.acl-add', { network: nameOf(7), direction: 'in', rule: `tcp dport ${port} accept` });
        await lab.until(`the entry for port ${port}`, async () =>
          (await lab.exec(primary, ['nft', 'list', 'chain', 'inet', 'pvc_networks', `in_${vniOf(7)}`])).includes(
            `dport ${port} `,
          ),
        );
      }),
    );
  }
  const note = (samples: readonly number[]): string =>
    `median of ${runs}, most ${numberText(Math.max(...samples))} ms; request and all`;
  return [
    {
      area,
      what: 'another gateway of one network, until it is set',
      value: median(gateway),
      unit: 'ms',
      note: note(gateway),
    },
    {
      area,
      what: 'an entry of its firewall, until it is in force',
      value: median(entry),
      unit: 'ms',
      note: note(entry),
    },
  ];
}

async function memoryFigures(lab: ClusterLab, primary: string): Promise<Figure[]> {
  const used = async (pid: string): Promise<number> =>
    processUse(await lab.exec(primary, ['cat', `/proc/${pid}/status`]), '').rssMiB;
  const dnsmasq = await Promise.all((await servers(lab, primary)).map(used));
  const { rssMiB } = await lab.daemonUse(primary);
  return [
    { area, what: 'memory of the primary’s daemon', value: rssMiB, unit: 'MiB' },
    {
      area,
      what: 'memory of all its dnsmasq',
      value: dnsmasq.reduce((sum, one) => sum + one, 0),
      unit: 'MiB',
      note: `${numberText(median(dnsmasq))} MiB each, pages that they share counted each time`,
    },
  ];
}

async function takeoverFigures(lab: ClusterLab, primary: string): Promise<Figure[]> {
  const next = primary === 'hv2' ? 'hv3' : 'hv2';
  const client = await lab.client('hv1');
  const fromMs = performance.now();
  await client.call('node.primary', { node: next });
  await lab.until('all gateways at the next one', async () => (await gateways(lab, next)) === networks, 120_000);
  const gatewaysMs = performance.now() - fromMs;
  await lab.until(
    'all DHCP servers at the next one',
    async () => (await servers(lab, next)).length === networks,
    600_000,
  );
  const serversMs = performance.now() - fromMs;
  return [
    { area, what: 'handed over, until the next has all gateways', value: gatewaysMs, unit: 'ms', goal: '≤ 3,000 ms' },
    { area, what: 'and until all its dnsmasq serve', value: serversMs / 1000, unit: 's' },
  ];
}
