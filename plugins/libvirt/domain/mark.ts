/**
 * PVC's own element in a domain's `<metadata>`: which version of the guest's document it was made
 * from, and what was asked where the rendered domain type does not tell.
 * @module
 */
import type { VmSpec } from '../schema.ts';
import { child, el, elements, isBare, removeChildren, type XmlElement } from './xml.ts';

/** Names the element for good: a libvirt metadata element needs a namespace of its own. */
export const markNamespace = 'urn:pvc:domain:1';

export type Accelerator = VmSpec['accelerator'];

export interface Mark {
  /** Version of the guest's document in the store; undefined in a text for people. */
  readonly version?: number | undefined;
  /** What was asked … */
  readonly accelerator: Accelerator;
  /** … and the domain type it became. If the type beside it was changed since, the type counts. */
  readonly type: string;
}

const isMark = (element: XmlElement): boolean => {
  const prefix = element.name.split(':')[0] as string;
  return element.name.endsWith(':guest') && element.attributes[`xmlns:${prefix}`] === markNamespace;
};

export function readMark(root: XmlElement): Mark | undefined {
  const metadata = child(root, 'metadata');
  const mark = metadata === undefined ? undefined : elements(metadata).find(isMark);
  const { accelerator, type, version } = mark?.attributes ?? {};
  if (type === undefined || (accelerator !== 'auto' && accelerator !== 'kvm' && accelerator !== 'tcg'))
    return undefined;
  return { accelerator, type, version: version === undefined ? undefined : Number(version) };
}

/** Takes the mark out, and `<metadata>` with it when nothing else is in there. */
export function removeMark(root: XmlElement): void {
  const metadata = child(root, 'metadata');
  if (metadata === undefined) return;
  removeChildren(metadata, isMark);
  if (isBare(metadata)) removeChildren(root, (element) => element === metadata);
}

/** `<pvc:guest>`, to be put into `<metadata>`. */
export const markElement = (mark: Mark): XmlElement =>
  el('pvc:guest', {
    'xmlns:pvc': markNamespace,
    version: mark.version,
    accelerator: mark.accelerator,
    type: mark.type,
  });
