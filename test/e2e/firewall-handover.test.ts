/** Connections through the gateways of networks, when another node becomes the gateway. */
import assert from 'node:assert/strict';
import { before, describe, it } from 'node:test';
import { PluggedEnd } from './plugged-end.ts';
import { suiteLab } from './test-lab.ts';

const outside = '10.10.2.1';
const gateway = '10.20.0.1';
const addressOf = (node: string): string => `10.10.2.1${node.slice(2)}`;

describe('connections of guests', { concurrency: false }, () => {
  const lab = suiteLab({ nodes: 3 });
  let end: PluggedEnd;
  const primary = () => lab().waitFor('a primary', () => lab().primary('hv3'));
  /** What a router outside would hear by BGP. */
  const routeBy = (node: string) =>
    lab().exec('outside', ['ip', 'route', 'replace', '10.20.0.0/24', 'via', addressOf(node)]);
  const lines = async (path: string) => Number((await lab().exec('hv3', ['wc', '-l', path])).stdout.split(' ')[0]);
  const rules = async (node: string) =>
    (await lab().exec(node, ['nft', '--stateless', 'list', 'table', 'inet', 'pvc_networks'], { accept: 'any' })).stdout;

  before(async () => {
    (
      await lab().pvc('hv1', ['network', 'add', 'office', '--ipv4', '10.20.0.0/24', '--gateway4', 'first', '--yes'])
    ).ok();
    const { bridge } = await lab().ask('hv1', 'network.info', { network: 'office' });
    for (const node of lab().nodes)
      await lab().waitFor(`the network on ${node}`, async () => (await rules(node)).includes(bridge));
    end = await PluggedEnd.plug(lab(), 'hv3', 'office', bridge, [{ own: '10.20.0.5/24', gateway }]);
    await routeBy(await primary());
    await lab().waitFor('the world to be reached', async () => (await end.pings(outside)) > 0);
  });

  it('go on, also those in which only the world outside speaks', async () => {
    // The guest says nothing after the first moment; the other side says a word again and again.
    const server = 'busybox nc -ll -p 9000 -e sh -c "while sleep 0.2; do echo word; done"';
    await lab().exec('outside', ['sh', '-c', `${server} </dev/null >/dev/null 2>&1 &`]);
    await end.exec('sh', '-c', `busybox nc ${outside} 9000 </dev/null >/tmp/heard 2>/dev/null &`);
    await lab().waitFor('words', async () => (await lines('/tmp/heard')) > 5);
    const first = await primary();
    (await lab().pvc(first, ['node', 'secondary', first, '--yes'])).ok();
    const second = await lab().waitFor('another primary', async () => {
      const now = await lab().primary('hv3');
      return now !== first && now;
    });
    await routeBy(second);
    const heard = await lines('/tmp/heard');
    await lab().waitFor('more words', async () => (await lines('/tmp/heard')) > heard + 20, { timeoutMs: 120_000 });
    // And for good: the door for connections that were under way is shut after a minute.
    await lab().waitFor('the door to be shut', async () => !(await rules(second)).includes('ct state new tcp flags'), {
      timeoutMs: 120_000,
    });
    const then = await lines('/tmp/heard');
    await lab().waitFor('still more words', async () => (await lines('/tmp/heard')) > then + 5);
  });

  it('are counted on the node that is primary, whoever is asked', async () => {
    (await lab().pvc('hv3', ['network', 'acl', 'add', 'office', 'out', 'icmp type echo-request accept', '--yes'])).ok();
    await lab().waitFor('pings to be counted', async () => {
      await end.pings(outside, 1);
      return (await lab().ask('hv3', 'network.acl-list', {})).every(({ packets }) => (packets ?? 0) > 0);
    });
    assert.equal(await end.pings(gateway, 1), 1);
    await end.unplug();
  });
});
