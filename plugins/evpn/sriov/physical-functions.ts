/**
 * Cards that can do SR-IOV, as the kernel tells of them: in sysfs how many functions there are and where on the PCI bus, by `ip`
 * which MAC address each has.
 * @module
 */
import type { Host } from '../../../core/plugin/api.ts';
import { readLinks } from '../links/reading.ts';
import type { SriovDevice } from './sriov-config.ts';
import { noMac, otherNoMac, readFunctionMacs } from './vf-reading.ts';

export interface VirtualFunction {
  /** Its number in the card, from 0. */
  readonly index: number;
  /** Where it is on the PCI bus: `0000:65:02.0`. */
  readonly pci: string;
  readonly mac: string;
  /** Who has it: a guest, by the kernel's driver vfio-pci; or the node, which has its link up. */
  readonly usedBy: 'guest' | 'node' | undefined;
}

export interface PhysicalFunction {
  readonly device: string;
  readonly mtu: number;
  /** How many virtual functions the card can give. */
  readonly most: number;
  readonly functions: readonly VirtualFunction[];
}

/** What is on a node under the name of a device. */
export type PhysicalView = PhysicalFunction | 'no link' | 'no SR-IOV';

/** What runs `ip` here. @throws Error with what it says */
interface Commands {
  run(command: readonly [string, ...string[]]): Promise<string>;
}

const links = '/sys/class/net';
const guestDriver = 'vfio-pci';
/** IFF_UP, linux/if.h. */
const upFlag = 1;

export const pathOfCount = (device: string): string => `${links}/${device}/device/sriov_numvfs`;

const baseName = (path: string | undefined): string | undefined => path?.slice(path.lastIndexOf('/') + 1);

export class PhysicalFunctions {
  readonly #files: Pick<Host['files'], 'readText' | 'list' | 'stat' | 'realPath' | 'append'>;
  readonly #commands: Commands;
  readonly devices: readonly SriovDevice[];

  constructor(
    files: Pick<Host['files'], 'readText' | 'list' | 'stat' | 'realPath' | 'append'>,
    commands: Commands,
    devices: readonly SriovDevice[],
  ) {
    this.#files = files;
    this.#commands = commands;
    this.devices = devices;
  }

  async look(device: string): Promise<PhysicalView> {
    if ((await this.#files.stat(`${links}/${device}`)) === undefined) return 'no link';
    const most = await this.#files.readText(`${links}/${device}/device/sriov_totalvfs`);
    const made = await this.#files.readText(pathOfCount(device));
    if (most === undefined || made === undefined) return 'no SR-IOV';
    const shown = await this.#commands.run(['ip', '-j', '-d', 'link', 'show', 'dev', device]);
    const macs = readFunctionMacs(shown);
    const functions: VirtualFunction[] = [];
    for (let index = 0; index < Number(made); index += 1) functions.push(await this.#function(device, index, macs));
    return { device, mtu: readLinks(shown)[0]?.mtu ?? 0, most: Number(most), functions };
  }

  async #function(device: string, index: number, macs: ReadonlyMap<number, string>): Promise<VirtualFunction> {
    const path = `${links}/${device}/device/virtfn${index}`;
    const pci = baseName(await this.#files.realPath(path));
    if (pci === undefined) throw new Error(`${path} leads nowhere: the kernel is making the functions of ${device}`);
    return { index, pci, mac: macs.get(index) ?? noMac, usedBy: await this.#userOf(path) };
  }

  async #userOf(path: string): Promise<VirtualFunction['usedBy']> {
    if (baseName(await this.#files.realPath(`${path}/driver`)) === guestDriver) return 'guest';
    for (const link of (await this.#files.list(`${path}/net`)) ?? [])
      if ((Number(await this.#files.readText(`${path}/net/${link}/flags`)) & upFlag) !== 0) return 'node';
    return undefined;
  }

  /** Sets how many functions a card has. The kernel changes it only from 0 and to 0 (Documentation/PCI/pci-iov-howto). */
  async makeFunctions(device: string, count: number): Promise<void> {
    await this.#files.append(pathOfCount(device), `${count}\n`);
  }

  /** Gives a function that nobody uses to the card of a guest. @throws Error with what `ip` says */
  async give(device: string, index: number, mac: string, vlan: number | undefined): Promise<void> {
    const { spoofCheck, trust } = this.devices.find((one) => one.device === device) ?? {};
    const onOff = (word: string, on: boolean | undefined): string[] =>
      on === undefined ? [] : [word, on ? 'on' : 'off'];
    await this.#commands.run([
      ...(['ip', 'link', 'set', 'dev', device, 'vf', String(index)] as const),
      ...['mac', mac, 'vlan', String(vlan ?? 0)],
      ...onOff('spoofchk', spoofCheck),
      ...onOff('trust', trust),
    ]);
  }

  /** A function that is nobody's any more. Its MAC address must go: the card itself would keep packets for it from the wire. */
  async takeBack(device: string, index: number): Promise<void> {
    const clear = (mac: string): Promise<string> =>
      this.#commands.run(['ip', 'link', 'set', 'dev', device, 'vf', String(index), 'mac', mac, 'vlan', '0']);
    await clear(noMac).catch(() => clear(otherNoMac));
  }
}
