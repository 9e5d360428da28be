/**
 * Domain XML as a tree: reading, printing, building and looking around in it.
 * @module
 */
export {
  child,
  childrenNamed,
  clone,
  descend,
  domainProblem,
  el,
  elements,
  isBare,
  isElement,
  removeChildren,
  replaceOrAppend,
  textOf,
  type XmlElement,
  type XmlNode,
} from './element.ts';
export { parseFragment, parseXml } from './xml-parse.ts';
export { printNodes, printXml } from './xml-print.ts';
