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
  type XmlCdata,
  type XmlComment,
  type XmlElement,
  type XmlNode,
  type XmlText,
} from './element.ts';
export { parseFragment, parseXml } from './xml-parse.ts';
export { type PrintOptions, printNodes, printXml } from './xml-print.ts';
