/** Many networks with gateways, DHCP and names, and ten leases in each, on three coordinators. @module */
import type { ClusterLab } from './cluster-lab.ts';
import { type Figure, median, numberText } from './figure.ts';
import { processUse } from './process-use.ts';

const leasesEach = 10;
const runs = 5;
const idleMs = 10_000;
const firstVni = 1_000;

export const areaOf = (networks: number): string =>
  `networks (${networks} with DHCP and names, ${networks * leasesEach} leases, three coordinators)`;

const prefixOf = (index: number): string => `10.20.${index}`;
const vniOf = (index: number): string => String(firstVni + index);
const nameOf = (index: number): string => `net${index}`;
const domainOf = (index: number): string => `${nameOf(index)}.bench.test`;

/** A name that a guest has by its lease, and its address. */
export const namedGuest = { name: `guest3.${domainOf(7)}`, address: `${prefixOf(7)}.103` };

const timed = async (act: () => Promise<unknown>): Promise<number> => {
  const fromMs = performance.now();
  await act();
  return performance.now() - fromMs;
};

export async function primaryOf(lab: ClusterLab, asked: string): Promise<string> {
  const { primary } = await (await lab.client(asked)).call('cluster.status', {});
  if (primary === null) throw new Error('nobody is primary');
  return primary;
}

/** How many gateways a node has. */
export async function gateways(lab: ClusterLab, node: string): Promise<number> {
  const shown = await lab.exec(node, ['ip', '-4', '-o', 'address', 'show', 'to', '10.20.0.0/16']);
  return shown.split('\n').filter((line) => line !== '').length;
}

/** Process ids of the DHCP servers of a node that serve: each writes its own once it does. That of names is none of them. */
export async function servers(lab: ClusterLab, node: string): Promise<string[]> {
  const found = await lab.exec(node, ['sh', '-c', 'cat /run/pvc/dnsmasq/[0-9]*/pid 2>/dev/null || true']);
  return found.split('\n').filter((line) => line !== '');
}

/**
 * Makes them up to that many, and waits until the primary serves all: on a machine under load another one may become primary
 * meanwhile.
 * @param from how many there are already
 */
export async function fillFigures(lab: ClusterLab, from: number, networks: number): Promise<Figure[]> {
  const area = areaOf(networks);
  const client = await lab.client('hv1');
  const primary = () => primaryOf(lab, 'hv1');
  const beganMs = performance.now();
  for (let index = from; index < networks; index += 1) {
    const [network, ipv4] = [nameOf(index), `${prefixOf(index)}.0/24`];
    const vni = firstVni + index;
    await client.call('network.add', { network, vni, ipv4, gateway4: 'first', domain: domainOf(index) });
    // Leases are in it; the gateways of `changeFigures` are not.
    const range = `${prefixOf(index)}.100-${prefixOf(index)}.199`;
    await client.call('network.dhcp-enable', { network, range: [range] });
  }
  const madeMs = performance.now() - beganMs;
  await lab.until('all gateways', async () => (await gateways(lab, await primary())) === networks, 300_000);
  const ledMs = performance.now() - beganMs;
  await lab.until('all DHCP servers', async () => (await servers(lab, await primary())).length === networks, 300_000);
  const servedMs = performance.now() - beganMs;
  const leases = (networks - from) * leasesEach;
  const notedMs = await timed(async () => {
    await lab.exec(await primary(), ['sh', '-c', leaseWords(from, networks)]);
    await lab.until(
      'all leases to be noted',
      async () => {
        const rows = await client.call('network.dhcp-list', {});
        return rows.filter(({ type }) => type === 'lease').length === networks * leasesEach;
      },
      300_000,
    );
  });
  const made = `${networks - from} more, one command after the other`;
  return [
    { area, what: 'to make them', value: madeMs / 1000, unit: 's', note: made },
    { area, what: 'the same, until all gateways are there', value: ledMs / 1000, unit: 's' },
    { area, what: 'the same, until all DHCP servers serve', value: servedMs / 1000, unit: 's' },
    {
      area,
      what: 'leases, by dnsmasq’s script until the store has them',
      value: leases / (notedMs / 1000),
      unit: 'in a second',
      goal: '≥ 50 in a second',
      note: `one after the other, ${numberText(notedMs / 1000)} s for ${leases}`,
    },
    ...(await idleFigures(lab, area)),
  ];
}

/** What daemons use of a core while nothing happens, with the commands that they start. */
async function idleFigures(lab: ClusterLab, area: string): Promise<Figure[]> {
  const primary = await primaryOf(lab, 'hv1');
  const other = primary === 'hv3' ? 'hv2' : 'hv3';
  const measuredOf = async (node: string, who: string): Promise<Figure> => {
    const [before, fromMs] = [await lab.daemonUse(node), performance.now()];
    await new Promise((resolve) => setTimeout(resolve, idleMs));
    const [after, tookMs] = [await lab.daemonUse(node), performance.now() - fromMs];
    const ofCore = (what: 'cpuMs' | 'startedCpuMs') => ((after[what] - before[what]) / tookMs) * 100;
    const [own, started] = [ofCore('cpuMs'), ofCore('startedCpuMs')];
    const note = `over ${idleMs / 1000} s; ${numberText(started)} % of it the commands that it starts`;
    return { area, what: `of a core: ${who} at rest`, value: own + started, unit: '%', note };
  };
  return Promise.all([measuredOf(primary, 'the primary’s daemon'), measuredOf(other, 'another daemon')]);
}

/** Calls the scripts as dnsmasq does when a guest is given an address. */
function leaseWords(from: number, networks: number): string {
  const expires = Math.floor(Date.now() / 1000) + 43_200;
  const many = networks - from;
  const calls = Array.from({ length: many * leasesEach }, (_, number) => {
    const [index, lease] = [from + (number % many), Math.floor(number / many)];
    const octets = [index, lease].map((octet) => octet.toString(16).padStart(2, '0')).join(':');
    const words = `52:54:00:00:${octets} ${prefixOf(index)}.${100 + lease} guest${lease}`;
    return `/run/pvc/dnsmasq/${vniOf(index)}/lease-script add ${words}`;
  });
  return [`export DNSMASQ_LEASE_EXPIRES=${expires}`, ...calls].join('\n');
}

/** One change until the node does as it says, seen by looking without a pause. */
export async function changeFigures(
  lab: ClusterLab,
  primary: string,
  stage: number,
  networks: number,
): Promise<Figure[]> {
  const area = areaOf(networks);
  const client = await lab.client(primary);
  const [gateway, entry, reservation]: [number[], number[], number[]] = [[], [], []];
  const network = nameOf(7);
  const file = `/run/pvc/dnsmasq/${vniOf(7)}/loaded.hosts`;
  for (let run = 0; run < runs; run += 1) {
    // Each is another one than at the stages before.
    const at = stage * runs + run;
    const [address, port] = [`${prefixOf(7)}.${220 + at}`, 2_000 + at];
    const mac = `52:54:00:00:ff:${at.toString(16).padStart(2, '0')}`;
    const shows = async (argv: readonly string[], text: string) => (await lab.exec(primary, argv)).includes(text);
    gateway.push(
      await timed(async () => {
        await client.call('network.modify', { network, gateway4: address });
        await lab.until(`the gateway ${address}`, () =>
          shows(['ip', '-o', 'address', 'show', 'to', address], `${address}/24`),
        );
      }),
    );
    entry.push(
      await timed(async () => {
        await client.call('network.acl-add', { network, direction: 'in', rule: `tcp dport ${port} accept` });
        await lab.until(`the entry for port ${port}`, () =>
          shows(['nft', 'list', 'chain', 'inet', 'pvc_networks', `in_${vniOf(7)}`], `dport ${port} `),
        );
      }),
    );
    reservation.push(
      await timed(async () => {
        await client.call('network.dhcp-add', { network, mac, address: `${prefixOf(7)}.${180 + at}` });
        await lab.until(`the reservation for ${mac}`, () => shows(['cat', file], mac));
      }),
    );
  }
  const figure = (what: string, samples: readonly number[]): Figure => ({
    area,
    what,
    value: median(samples),
    unit: 'ms',
    goal: '≤ 1,000 ms',
    note: `median of ${runs}, most ${numberText(Math.max(...samples))} ms; request and all`,
  });
  return [
    figure('another gateway of one network, until it is set', gateway),
    figure('an entry of its firewall, until it is in force', entry),
    figure('a reservation, until dnsmasq has read it', reservation),
  ];
}

export async function memoryFigures(lab: ClusterLab, primary: string, networks: number): Promise<Figure[]> {
  const area = areaOf(networks);
  const used = async (pid: string): Promise<number> =>
    processUse(await lab.exec(primary, ['cat', `/proc/${pid}/status`]), '').anonymousMiB;
  const pidsOf = async (name: string): Promise<string[]> =>
    (await lab.exec(primary, ['sh', '-c', `pgrep -x ${name} || true`])).split('\n').filter((line) => line !== '');
  const sum = (all: readonly number[]): number => all.reduce((total, one) => total + one, 0);
  // The first in each pair is the server, the other starts its script.
  const dnsmasq = await Promise.all((await pidsOf('dnsmasq')).map(used));
  const frr = (await Promise.all(['zebra', 'bgpd', 'bfdd', 'watchfrr'].map(pidsOf))).flat();
  const { anonymousMiB } = await lab.daemonUse(primary);
  const note = 'without files, which they share';
  return [
    { area, what: 'memory of the primary’s daemon', value: anonymousMiB, unit: 'MiB', note },
    {
      area,
      what: 'memory of all its dnsmasq',
      value: sum(dnsmasq),
      unit: 'MiB',
      note: `${dnsmasq.length} processes, ${numberText(median(dnsmasq))} MiB each; ${note}`,
    },
    { area, what: 'memory of FRR', value: sum(await Promise.all(frr.map(used))), unit: 'MiB', note },
    {
      area,
      what: 'memory of PowerDNS',
      value: sum(await Promise.all((await pidsOf('pdns_server')).map(used))),
      unit: 'MiB',
      note,
    },
  ];
}
