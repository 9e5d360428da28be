/**
 * The whole domain XML of a guest as people see and edit it: typed fields and definition together,
 * nothing of a node in it. `fromXml` of it gives the same guest again.
 * @module
 */
import { compose } from './compose.ts';
import type { VmFields } from './define.ts';
import { printXml, type XmlElement } from './xml.ts';

/** `type='kvm'` stands for "KVM where there is one"; a guest that insists on it carries PVC's mark in its metadata. */
export function vmDocument(uuid: string, fields: VmFields): XmlElement {
  const { accelerator } = fields;
  const mark = accelerator === 'kvm' ? { accelerator, type: 'kvm' } : undefined;
  return compose({ uuid, fields, type: accelerator === 'tcg' ? 'qemu' : 'kvm', foreign: true, mark });
}

/** The same as text, ending with a line break. */
export const vmDocumentText = (uuid: string, fields: VmFields): string => `${printXml(vmDocument(uuid, fields))}\n`;
