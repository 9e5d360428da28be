/**
 * Reads XML text into an element tree. The only file that knows the parser: fast-xml-parser in its
 * order-keeping mode, with every conversion of values and entities switched off.
 * @module
 */
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { TextMemo } from '../../../core/plugin/api.ts';
import { clone, isElement, type XmlElement, type XmlNode } from './element.ts';
import { decodeReferences, malformed, scan } from './xml-scan.ts';

const attributesKey = ':@';
const textKey = '#text';
const cdataKey = '#cdata';
const commentKey = '#comment';

/** The parser renames members of Object.prototype; renaming would lose what was written, so they are refused. */
class RefusedName extends Error {}

/** "<" in the value of an attribute: the parser lets it pass, XML 1.0 (production 10) and libvirt do not. */
class OpenAngle extends Error {
  readonly value: string;
  constructor(value: string) {
    super('write "&lt;" for "<" in the value of an attribute');
    this.value = value;
  }
}

const parser = new XMLParser({
  preserveOrder: true,
  ignoreAttributes: false,
  attributeNamePrefix: '',
  parseTagValue: false,
  parseAttributeValue: false,
  trimValues: false,
  processEntities: false,
  cdataPropName: cdataKey,
  commentPropName: commentKey,
  ignoreDeclaration: true,
  ignorePiTags: true,
  onDangerousProperty: (name: string): string => {
    throw new RefusedName(`the name "${name}" is reserved`);
  },
});

type Raw = Readonly<Record<string, unknown>>;

const rawText = (content: unknown): string => {
  const parts = content as readonly Raw[];
  return parts.map((part) => String(part[textKey] ?? '')).join('');
};

function convertNode(raw: Raw): XmlNode {
  if (textKey in raw) return { text: decodeReferences(String(raw[textKey])) };
  if (commentKey in raw) return { comment: rawText(raw[commentKey]) };
  if (cdataKey in raw) return { cdata: rawText(raw[cdataKey]) };
  const name = Object.keys(raw).find((key) => key !== attributesKey) as string;
  const attributes: Record<string, string> = {};
  for (const [key, value] of Object.entries((raw[attributesKey] ?? {}) as Raw)) {
    const written = String(value);
    if (written.includes('<')) throw new OpenAngle(written);
    // XML 1.0 section 3.3.3: a line break or tab as such is a blank, as a reference it stays.
    attributes[key] = decodeReferences(written.replace(/[\n\t]/g, ' '));
  }
  return { name, attributes, children: tidy((raw[name] as readonly Raw[]).map(convertNode)) };
}

/**
 * Joins neighbouring text, and drops blanks that only lay the document out: between elements, and a
 * lone line break in an element without any.
 */
function tidy(nodes: readonly XmlNode[]): XmlNode[] {
  const joined: XmlNode[] = [];
  for (const node of nodes) {
    const last = joined.at(-1);
    if ('text' in node && last !== undefined && 'text' in last)
      joined[joined.length - 1] = { text: last.text + node.text };
    else if (!('text' in node && node.text === '')) joined.push(node);
  }
  const meaningful = joined.some((node) => 'cdata' in node || ('text' in node && /[^ \t\r\n]/.test(node.text)));
  if (meaningful) return joined;
  const structured = joined.some((node) => isElement(node) || 'comment' in node);
  return joined.filter((node) => !('text' in node) || (!structured && !node.text.includes('\n')));
}

/** The validator lists several open elements as JSON; people want their names. */
function verdictText(message: string): string {
  if (!message.startsWith("Invalid '[")) return message;
  const open = [...message.matchAll(/"([^"]+)"/g)].map(([, name]) => `<${name as string}>`);
  return `the text ends before ${open.slice(-3).join(', ')} ${open.length === 1 ? 'is' : 'are'} closed`;
}

function parseNodes(text: string): XmlNode[] {
  scan(text);
  const verdict = XMLValidator.validate(text);
  if (verdict !== true) {
    const lines = text.split('\n');
    const before = lines.slice(0, verdict.err.line - 1).reduce((sum, line) => sum + line.length + 1, 0);
    throw malformed(text, before + Math.max(0, (verdict.err.col ?? 1) - 1), verdictText(verdict.err.msg));
  }
  try {
    return (parser.parse(text) as readonly Raw[]).map(convertNode);
  } catch (error) {
    const at = error instanceof OpenAngle ? text.indexOf(error.value) + error.value.indexOf('<') : 0;
    throw malformed(text, at, error instanceof Error ? error.message : String(error));
  }
}

/** Every prefix must be declared on the way up (Namespaces in XML 1.0, section 5); libvirt's own parser insists on it. */
function checkPrefixes(text: string, element: XmlElement, declared: ReadonlySet<string>): void {
  const known = new Set(declared);
  for (const name of Object.keys(element.attributes))
    if (name.startsWith('xmlns:')) known.add(name.slice('xmlns:'.length));
  for (const name of [element.name, ...Object.keys(element.attributes)]) {
    const colon = name.indexOf(':');
    const prefix = colon === -1 ? undefined : name.slice(0, colon);
    if (prefix !== undefined && prefix !== 'xmlns' && !known.has(prefix)) {
      throw malformed(
        text,
        text.indexOf(name),
        `the prefix "${prefix}" of "${name}" is not declared; add xmlns:${prefix}='…' to the root element`,
      );
    }
  }
  for (const node of element.children) if (isElement(node)) checkPrefixes(text, node, known);
}

/** Line ends as XML 1.0 section 2.11 wants them, without a byte order mark. */
const normalize = (text: string): string => text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n');

/** In characters: what some hundred guests are defined as, were started from and run with. */
const remembered = new TextMemo<XmlElement>(2 ** 21);

/**
 * Reads one document. Comments outside the root element and processing instructions are dropped. The tree belongs to the
 * caller, who may change it.
 * @throws PvcError VM_XML_MALFORMED with line and column
 */
export function parseXml(source: string): XmlElement {
  return clone(remembered.get(source, parseDocument));
}

function parseDocument(source: string): XmlElement {
  const text = normalize(source);
  const roots = parseNodes(text).filter(isElement);
  const [root, second] = roots;
  if (root === undefined) throw malformed(text, 0, 'there is no element in it');
  if (second !== undefined)
    throw malformed(text, text.lastIndexOf(`<${second.name}`), `a second root element <${second.name}>`);
  checkPrefixes(text, root, new Set(['xml']));
  return root;
}

/**
 * Reads nodes that stand side by side, as `extra` of a device keeps them.
 * @throws PvcError VM_XML_MALFORMED
 */
export function parseFragment(source: string): XmlNode[] {
  if (source === '') return [];
  const [wrapper] = parseNodes(`<extra>${normalize(source)}</extra>`).filter(isElement);
  return wrapper?.children ?? [];
}
