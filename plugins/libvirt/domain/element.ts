/**
 * The tree that domain XML is read into, changed as, and printed from; order, comments and text are kept.
 * @module
 */

export interface XmlText {
  readonly text: string;
}
export interface XmlComment {
  readonly comment: string;
}
export interface XmlCdata {
  readonly cdata: string;
}
/** An element; drafts are changed in place, so nothing here is readonly. */
export interface XmlElement {
  /** With its prefix, as written: `qemu:commandline`. */
  name: string;
  /** In the order of the document; `xmlns` declarations are among them. */
  attributes: Record<string, string>;
  children: XmlNode[];
}
export type XmlNode = XmlElement | XmlText | XmlComment | XmlCdata;

export const isElement = (node: XmlNode): node is XmlElement => 'name' in node;

/**
 * Builds an element: `el('disk', { type: 'file' }, el('target', { dev: 'vda' }))`. Undefined
 * attributes and children are left out, a string becomes text.
 */
export function el(
  name: string,
  attributes: Readonly<Record<string, string | number | undefined>> = {},
  ...children: readonly (XmlNode | string | undefined)[]
): XmlElement {
  const kept: Record<string, string> = {};
  for (const [key, value] of Object.entries(attributes)) if (value !== undefined) kept[key] = String(value);
  const nodes: XmlNode[] = [];
  for (const child of children) {
    if (child === undefined || child === '') continue;
    nodes.push(typeof child === 'string' ? { text: child } : child);
  }
  return { name, attributes: kept, children: nodes };
}

/** A deep copy; the copy may be changed without a trace in the original. */
export function clone(element: XmlElement): XmlElement {
  return {
    name: element.name,
    attributes: { ...element.attributes },
    children: element.children.map((node) => (isElement(node) ? clone(node) : { ...node })),
  };
}

export const elements = (parent: XmlElement): XmlElement[] => parent.children.filter(isElement);

/** The first child element of that name. */
export const child = (parent: XmlElement | undefined, name: string): XmlElement | undefined =>
  parent?.children.find((node): node is XmlElement => isElement(node) && node.name === name);

export const childrenNamed = (parent: XmlElement | undefined, name: string): XmlElement[] =>
  parent === undefined ? [] : elements(parent).filter((element) => element.name === name);

/** The first element down a path of names: `descend(domain, 'os', 'type')`. */
export function descend(parent: XmlElement | undefined, ...path: readonly string[]): XmlElement | undefined {
  let at = parent;
  for (const name of path) at = child(at, name);
  return at;
}

/** All text and CDATA directly in the element, comments left out. */
export function textOf(element: XmlElement | undefined): string {
  let text = '';
  for (const node of element?.children ?? []) {
    if ('text' in node) text += node.text;
    else if ('cdata' in node) text += node.cdata;
  }
  return text;
}

/** Nothing at all in it, so that leaving it out says the same. */
export const isBare = (element: XmlElement): boolean =>
  Object.keys(element.attributes).length === 0 && element.children.length === 0;

/** Takes nodes out of the parent where `drop` says so. */
export function removeChildren(parent: XmlElement, drop: (element: XmlElement) => boolean): void {
  parent.children = parent.children.filter((node) => !(isElement(node) && drop(node)));
}

/** Puts `element` where the first child of the same name stands, or at the end. */
export function replaceOrAppend(parent: XmlElement, element: XmlElement): void {
  const at = parent.children.findIndex((node) => isElement(node) && node.name === element.name);
  if (at === -1) parent.children.push(element);
  else parent.children[at] = element;
}

const isTree = (node: unknown): boolean => {
  if (typeof node !== 'object' || node === null) return false;
  const { name, attributes, children, text, comment, cdata } = node as Readonly<Record<string, unknown>>;
  if (name === undefined) return [text, comment, cdata].filter((one) => typeof one === 'string').length === 1;
  const named = typeof name === 'string' && typeof attributes === 'object' && attributes !== null;
  return (
    named &&
    Object.values(attributes).every((one) => typeof one === 'string') &&
    Array.isArray(children) &&
    children.every(isTree)
  );
};

/** Why a value is no tree of a domain, in a few words; undefined when it is one. */
export function domainProblem(value: unknown): string | undefined {
  if (!isTree(value)) return 'no tree of { name, attributes, children } with text in its attributes';
  return (value as XmlElement).name === 'domain' ? undefined : `<${(value as XmlElement).name}>, not <domain>`;
}
