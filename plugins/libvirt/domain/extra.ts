/**
 * What a device's element says beyond the typed fields. It is kept as XML text: attributes of
 * children that PVC manages become partial elements (`<driver cache='none'/>`) that are merged again
 * when the device is rendered, every other child stays whole. Nothing is lost either way.
 * @module
 */
import { TextMemo } from '../../../core/plugin/api.ts';
import {
  childrenNamed,
  clone,
  isBare,
  isElement,
  parseFragment,
  printNodes,
  type XmlElement,
  type XmlNode,
} from './xml.ts';

/** Child elements that typed fields speak for, with the attributes that they own, in the order they are rendered. */
export type Managed = Readonly<Record<string, readonly string[]>>;

/**
 * The text of all that `managed` does not own, in normal form: partial elements first, in the order
 * of `managed`, then the other children as they stood. Undefined when a managed child occurs twice,
 * so that the typed fields cannot speak for it.
 */
export function takeExtra(device: XmlElement, managed: Managed): string | undefined {
  const partials: XmlNode[] = [];
  for (const [name, owned] of Object.entries(managed)) {
    const [first, second] = childrenNamed(device, name);
    if (second !== undefined) return undefined;
    if (first === undefined) continue;
    const attributes = Object.fromEntries(Object.entries(first.attributes).filter(([key]) => !owned.includes(key)));
    const partial: XmlElement = { name, attributes, children: first.children };
    if (!isBare(partial)) partials.push(partial);
  }
  const others = device.children.filter((node) => !(isElement(node) && node.name in managed));
  return printNodes([...partials, ...others]);
}

/** Most guests say one of few things; what was read is copied for each. */
const fragments = new TextMemo<readonly XmlNode[]>(2 ** 18);

/**
 * Puts the text back into a device that was built from typed fields; a typed attribute wins over a
 * partial one. Partial elements named in `skip` are left out.
 */
export function mergeExtra(device: XmlElement, extra: string, managed: Managed, skip: readonly string[] = []): void {
  for (const known of fragments.get(extra, parseFragment)) {
    if (isElement(known) && skip.includes(known.name)) continue;
    const node = isElement(known) ? clone(known) : { ...known };
    const target = isElement(node) && node.name in managed ? childrenNamed(device, node.name)[0] : undefined;
    if (!isElement(node) || target === undefined) {
      device.children.push(node);
      continue;
    }
    target.attributes = {
      ...target.attributes,
      ...Object.fromEntries(Object.entries(node.attributes).filter(([key]) => !(key in target.attributes))),
    };
    target.children.push(...node.children);
  }
}
