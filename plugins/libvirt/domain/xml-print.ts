/**
 * Prints an element tree as XML 1.0 text: stable, indented where that changes no text, escaped so
 * that reading it again gives the same tree.
 * @module
 */
import { isElement, type XmlElement, type XmlNode } from './element.ts';

export interface PrintOptions {
  /** Blanks a level. */
  readonly indent?: number;
}

/** Names of XML 1.0 without the exotic planes, with at most one prefix (Namespaces in XML 1.0, section 4). */
const nameForm = /^[\p{L}_][\p{L}\p{N}\p{M}._-]*(?::[\p{L}_][\p{L}\p{N}\p{M}._-]*)?$/u;
/** Production [2] Char of XML 1.0, inverted. */
const forbidden = /[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u;

function checked(text: string, where: string): string {
  const found = forbidden.exec(text);
  if (found === null) return text;
  throw new Error(
    `${where} holds U+${(found[0].codePointAt(0) ?? 0).toString(16).padStart(4, '0')}, which XML cannot carry`,
  );
}

const textEntities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '\r': '&#13;' };
const attributeEntities: Record<string, string> = { ...textEntities, "'": '&apos;', '\n': '&#10;', '\t': '&#9;' };

const escapeText = (text: string): string => text.replace(/[&<>\r]/g, (mark) => textEntities[mark] as string);
const escapeAttribute = (text: string): string =>
  text.replace(/[&<>'\n\r\t]/g, (mark) => attributeEntities[mark] as string);

function printLeaf(node: Exclude<XmlNode, XmlElement>): string {
  if ('text' in node) return escapeText(checked(node.text, 'text'));
  if ('comment' in node) {
    if (node.comment.includes('--') || node.comment.endsWith('-'))
      throw new Error('a comment may not hold "--" nor end with "-"');
    return `<!--${checked(node.comment, 'a comment')}-->`;
  }
  // "]]>" ends a section, so it is spread over two.
  return `<![CDATA[${checked(node.cdata, 'CDATA').replaceAll(']]>', ']]]]><![CDATA[>')}]]>`;
}

function printElement(element: XmlElement, indent: number, depth: number, inline: boolean): string {
  if (!nameForm.test(element.name)) throw new Error(`"${element.name}" is no XML name`);
  let open = `<${element.name}`;
  for (const [name, value] of Object.entries(element.attributes)) {
    if (!nameForm.test(name)) throw new Error(`"${name}" in <${element.name}> is no XML name`);
    open += ` ${name}='${escapeAttribute(checked(value, `${element.name}/@${name}`))}'`;
  }
  if (element.children.length === 0) return `${open}/>`;
  const inner = inline || element.children.some((node) => 'text' in node || 'cdata' in node);
  if (inner) {
    const text = element.children.map((node) =>
      isElement(node) ? printElement(node, indent, depth, true) : printLeaf(node),
    );
    return `${open}>${text.join('')}</${element.name}>`;
  }
  const pad = ' '.repeat(indent * (depth + 1));
  const lines = element.children.map(
    (node) => `${pad}${isElement(node) ? printElement(node, indent, depth + 1, false) : printLeaf(node)}`,
  );
  return `${open}>\n${lines.join('\n')}\n${' '.repeat(indent * depth)}</${element.name}>`;
}

/**
 * The element as text, without a newline at the end.
 * @throws Error when a name or a character cannot be XML (a fault of the caller, never of a file that was read).
 */
export const printXml = (element: XmlElement, options: PrintOptions = {}): string =>
  printElement(element, options.indent ?? 2, 0, false);

/** Several nodes side by side, one a line. */
export const printNodes = (nodes: readonly XmlNode[]): string =>
  nodes.map((node) => (isElement(node) ? printXml(node) : printLeaf(node))).join('\n');
