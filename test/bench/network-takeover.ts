/** How long guests of many networks are without gateway, addresses and names when the primary changes. @module */
import { switchPower } from '../lab/power.ts';
import type { ClusterLab } from './cluster-lab.ts';
import type { Figure } from './figure.ts';
import { areaOf, gateways, namedGuest, primaryOf, servers } from './networks.ts';

const coordinators = ['hv1', 'hv2', 'hv3'];
const floating = '10.10.0.10';
const longestMs = 300_000;
const goals = {
  planned: { gateways: '≤ 1,000 ms', rest: '≤ 3,000 ms' },
  lost: { gateways: '≤ 8,000 ms', rest: '≤ 8,000 ms' },
};

/** The role is handed over. */
export function handoverFigures(lab: ClusterLab, primary: string, networks: number): Promise<Figure[]> {
  const next = primary === 'hv2' ? 'hv3' : 'hv2';
  return measured(lab, 'planned', networks, [next], async () =>
    (await lab.client(next)).call('node.primary', { node: next }),
  );
}

/** Its holder loses power. */
export function lossFigures(lab: ClusterLab, primary: string, networks: number): Promise<Figure[]> {
  const others = coordinators.filter((node) => node !== primary);
  return measured(lab, 'lost', networks, others, () => switchPower(lab.record, primary, 'off'));
}

/** Each of them is looked for beside the others; what is measured is the first time that it is whole. */
async function measured(
  lab: ClusterLab,
  how: keyof typeof goals,
  networks: number,
  candidates: readonly string[],
  act: () => Promise<unknown>,
): Promise<Figure[]> {
  const [asked = ''] = candidates;
  const fromMs = performance.now();
  await act();
  const since = async (what: string, probe: () => Promise<boolean>): Promise<number> => {
    await lab.until(what, probe, longestMs);
    return performance.now() - fromMs;
  };
  const some = async (probe: (node: string) => Promise<boolean>): Promise<boolean> =>
    (await Promise.all(candidates.map(probe))).includes(true);
  const [gatewaysMs, firstMs, allMs, namesMs, apiMs] = await Promise.all([
    since('all gateways', () => some(async (node) => (await gateways(lab, node)) === networks)),
    since('a DHCP server', () => some(async (node) => (await servers(lab, node)).length > 0)),
    since('all DHCP servers', () => some(async (node) => (await servers(lab, node)).length === networks)),
    since('names', async () => (await dig(lab, asked)) === namedGuest.address),
    since('the API', async () => candidates.includes(await primaryOf(lab, asked))),
  ]);
  const begin = how === 'planned' ? 'handed over' : 'its holder lost power';
  const goal = goals[how];
  const figure = (what: string, value: number, most: string): Figure => ({
    area: areaOf(networks),
    what: `${begin}, until ${what}`,
    value,
    unit: 'ms',
    goal: most,
  });
  return [
    figure('there is a primary', apiMs, goal.rest),
    figure('all gateways are there', gatewaysMs, goal.gateways),
    figure('names are told', namesMs, goal.rest),
    figure('the first DHCP server serves', firstMs, goal.rest),
    figure('all DHCP servers serve', allMs, goal.rest),
  ];
}

async function dig(lab: ClusterLab, node: string): Promise<string> {
  const words = ['dig', '+short', '+tries=1', '+time=1', `@${floating}`, namedGuest.name];
  return (await lab.exec(node, words)).trim();
}
