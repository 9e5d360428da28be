/**
 * A machine with one card that can do SR-IOV, as its kernel shows it: constructed after Documentation/PCI/pci-iov-howto and the
 * print of iproute2 6.1, for no such card was there to record.
 * @module
 */
import assert from 'node:assert/strict';
import { PhysicalFunctions } from '../physical-functions.ts';
import type { SriovDevice } from '../sriov-config.ts';
import { noMac } from '../vf-reading.ts';

interface FakeFunction {
  mac: string;
  vlan: number;
  driver: string;
  /** Its link on the node is up. */
  up: boolean;
  readonly words: string[];
}

export class SriovMachine {
  functions: FakeFunction[] = [];
  /** What was written to sriov_numvfs. */
  readonly counts: number[] = [];
  readonly device: string;
  readonly most: number;
  /** The driver takes no MAC address of zeros. */
  refusesZeros = false;

  constructor(device = 'ens1f0', most = 8) {
    this.device = device;
    this.most = most;
  }

  get #root(): string {
    return `/sys/class/net/${this.device}`;
  }

  #text(path: string): string | undefined {
    if (path === `${this.#root}/device/sriov_totalvfs`) return `${this.most}\n`;
    if (path === `${this.#root}/device/sriov_numvfs`) return `${this.functions.length}\n`;
    const [, index, name] = /\/virtfn(\d+)\/net\/(\w+)\/flags$/.exec(path) ?? [];
    const one = this.functions[Number(index)];
    return name === undefined || one === undefined ? undefined : one.up ? '0x1003\n' : '0x1002\n';
  }

  readonly files = {
    stat: async (path: string) =>
      path === this.#root
        ? { size: 0, mode: 0o755, uid: 0, mtimeMs: 0, inode: 1, kind: 'directory' as const }
        : undefined,
    readText: async (path: string) => this.#text(path),
    list: async (path: string) => {
      const [, index] = /\/virtfn(\d+)\/net$/.exec(path) ?? [];
      const one = this.functions[Number(index)];
      return one === undefined || one.driver === 'vfio-pci' ? undefined : [`${this.device}v${index}`];
    },
    realPath: async (path: string) => {
      const [, index, driver] = /\/virtfn(\d+)(\/driver)?$/.exec(path) ?? [];
      const one = this.functions[Number(index)];
      if (one === undefined) return undefined;
      return driver === undefined
        ? `/sys/devices/pci0000:64/0000:64:02.0/0000:65:02.${index}`
        : `/sys/bus/pci/drivers/${one.driver}`;
    },
    append: async (path: string, text: string) => {
      assert.equal(path, `${this.#root}/device/sriov_numvfs`);
      const count = Number(text);
      // The kernel: EBUSY from one number to another, ERANGE above the most (drivers/pci/iov.c, sriov_numvfs_store).
      assert.ok(count === 0 || this.functions.length === 0, 'Device or resource busy');
      assert.ok(count <= this.most, 'Numerical result out of range');
      this.counts.push(count);
      this.functions = Array.from({ length: count }, () => ({
        ...{ mac: noMac, vlan: 0, driver: 'iavf', up: false, words: [] },
      }));
    },
  };

  async run(command: readonly string[]): Promise<string> {
    if (command.includes('show'))
      return JSON.stringify([
        {
          ...{ ifindex: 4, ifname: this.device, flags: ['BROADCAST', 'MULTICAST', 'UP'], mtu: 1500 },
          vfinfo_list: this.functions.map(({ mac, vlan }, vf) => ({
            ...{ vf, link_type: 'ether', address: mac, broadcast: 'ff:ff:ff:ff:ff:ff', vlan_list: [{ vlan }] },
            ...{
              rate: { max_tx: 0, min_tx: 0 },
              spoofchk: true,
              link_state: 'auto',
              trust: false,
              query_rss_en: false,
            },
          })),
        },
      ]);
    const [ip, link, set, dev, device, vf, index, word, mac = '', vlan, id, ...words] = command;
    assert.deepEqual(
      [ip, link, set, dev, device, vf, word, vlan],
      ['ip', 'link', 'set', 'dev', this.device, 'vf', 'mac', 'vlan'],
    );
    if (this.refusesZeros && mac === noMac) throw new Error('RTNETLINK answers: Invalid argument');
    const one = this.functions[Number(index)] ?? assert.fail('Cannot find device');
    Object.assign(one, { mac, vlan: Number(id), words });
    return '';
  }

  physical(more: Partial<SriovDevice> = {}): PhysicalFunctions {
    return new PhysicalFunctions(this.files, this, [{ device: this.device, vfs: 4, ...more }]);
  }
}
