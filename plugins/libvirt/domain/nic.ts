/**
 * A network card between its typed form and libvirt's `<interface>`.
 * @module
 */
import { names } from '../../../core/plugin/api.ts';
import { type Nic, word } from '../schema.ts';
import { mergeExtra, takeExtra } from './extra.ts';
import { guardElements, takeGuard } from './nic-guard.ts';
import { child, el, type XmlElement } from './xml.ts';

/** A card whose MAC address may still have to be chosen. */
export type NicDraft = Omit<Nic, 'mac'> & { mac: string | undefined };

/** The element becomes a typed device, stays in the definition for a reason, or has faults. */
export type DeviceReading<T> =
  | { readonly device: T }
  | { readonly leave: string }
  | { readonly problems: readonly string[] };

const managed = { mac: ['address'], source: ['bridge', 'network'], model: ['type'] } as const;
const types = ['bridge', 'user', 'network'];

/** libvirt's default when `<model>` is missing (qemuDomainDefaultNetModel) on x86. */
const defaultModel = 'rtl8139';

/** Six octets of one or two digits, as libvirt reads them; the usual form or undefined. */
export function normalizeMac(text: string): string | undefined {
  const octets = text.trim().toLowerCase().split(':');
  if (octets.length !== 6) return undefined;
  const parsed = names.macAddress.safeParse(octets.map((octet) => octet.padStart(2, '0')).join(':'));
  return parsed.success ? parsed.data : undefined;
}

function readSource(device: XmlElement, problems: string[]): Nic['source'] | undefined {
  const type = device.attributes['type'];
  if (type === 'user') return { type };
  const key = type === 'bridge' ? 'bridge' : 'network';
  const value = child(device, 'source')?.attributes[key];
  if (value === undefined) {
    problems.push(`has no <source ${key}='…'>; say what it is plugged into`);
    return undefined;
  }
  const form = (key === 'bridge' ? names.linkName : names.objectName).safeParse(value);
  if (!form.success) {
    problems.push(`source/@${key} "${value}": ${form.error.issues[0]?.message ?? 'not a name'}`);
    return undefined;
  }
  return key === 'bridge' ? { type: 'bridge', bridge: form.data } : { type: 'network', network: form.data };
}

/** Reads an `<interface>` that `stripRuntime` has been over. */
export function readNic(device: XmlElement): DeviceReading<NicDraft> {
  const type = device.attributes['type'];
  if (type === undefined) return { problems: ["has no type; write type='bridge' or type='network'"] };
  if (!types.includes(type)) return { leave: `type '${type}' is left to libvirt as it is` };
  const foreign = Object.keys(device.attributes).filter((name) => name !== 'type');
  if (foreign.length > 0)
    return { leave: `the attribute ${foreign[0]} is none that PVC manages, so the element stays as it is` };
  const { guard, rest } = type === 'network' ? takeGuard(device) : { guard: {}, rest: device };
  const extra = takeExtra(rest, managed);
  if (extra === undefined) return { leave: 'an element occurs twice in it, so it stays as it is' };

  const problems: string[] = [];
  const source = readSource(device, problems);
  const written = child(device, 'mac')?.attributes['address'];
  const mac = written === undefined ? undefined : normalizeMac(written);
  if (written !== undefined && mac === undefined)
    problems.push(
      `mac/@address "${written}" is no unicast MAC address; write six octets like 52:54:00:12:34:56, or leave <mac> out`,
    );
  const model = word.safeParse(child(device, 'model')?.attributes['type'] ?? defaultModel);
  if (!model.success) problems.push(`model/@type: ${model.error.issues[0]?.message ?? 'not a word'}`);
  if (extra.length > 16_384) problems.push('has more than 16384 characters of unmanaged elements; remove some');
  if (problems.length > 0 || source === undefined || !model.success) return { problems };
  return { device: { mac, source, model: model.data, ...guard, extra } };
}

/** Where a card is plugged in, as libvirt shall see it: what a plugin says for a network of its own. */
export interface NicPlug {
  /** libvirt's interface type: bridge, ethernet, direct, hostdev … */
  readonly type: string;
  /** Further attributes of the `<interface>`, such as `managed`. */
  readonly attributes?: Readonly<Record<string, string>>;
  /** Attributes of `<source>`. */
  readonly source?: Readonly<Record<string, string>>;
  /** What stands in `<source>`, such as the `<address>` of a device. */
  readonly sourceChildren?: readonly XmlElement[];
  /** Further children, such as `<mtu>` or `<target dev>`. */
  readonly children?: readonly XmlElement[];
}

const plugOf = (source: Nic['source']): NicPlug => {
  if (source.type === 'user') return { type: 'user' };
  return source.type === 'bridge'
    ? { type: 'bridge', source: { bridge: source.bridge } }
    : { type: 'network', source: { network: source.network } };
};

/** The `<interface>` of a card; `foreign` replaces what the card itself says about its source. */
export function nicElement(nic: NicDraft | Nic, foreign?: NicPlug): XmlElement {
  const plug = foreign ?? plugOf(nic.source);
  const device = el(
    'interface',
    { type: plug.type, ...plug.attributes },
    nic.mac === undefined ? undefined : el('mac', { address: nic.mac }),
    plug.source === undefined ? undefined : el('source', plug.source, ...(plug.sourceChildren ?? [])),
    // A device of the node is what it is: QEMU makes none up for it.
    plug.type === 'hostdev' ? undefined : el('model', { type: nic.model }),
  );
  // What stood beside another kind of source (a port group, a start-up policy) is no part of this one.
  mergeExtra(device, nic.extra, managed, foreign === undefined ? [] : ['source']);
  // A plugin that plugs the card in keeps it to its limits as well: libvirt is not told of them.
  const more = foreign === undefined ? guardElements(nic) : (foreign.children ?? []);
  for (const element of more) device.children.push(element);
  return device;
}
