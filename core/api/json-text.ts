/** JSON from outside: says where it is wrong, and refuses what is nested absurdly deep. @module */
import { apiError } from './api-errors.ts';

/** Deeper than any input of an operation; far below what recursive code survives. */
const maxDepth = 64;

const token =
  /[\t\n\r ]+|"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[{}[\],:]/y;

/** @throws PvcError JSON_MALFORMED with the place of the mistake */
export function parseJson(text: string): unknown {
  const wrong = findMistake(text);
  if (wrong === undefined) return JSON.parse(text) as unknown;
  const before = text.slice(0, wrong.index);
  const line = before.split('\n').length;
  const column = wrong.index - before.lastIndexOf('\n');
  throw apiError('JSON_MALFORMED', { problem: wrong.problem, line, column, offset: Buffer.byteLength(before) });
}

interface Mistake {
  readonly index: number;
  readonly problem: string;
}

type Expect = 'value' | 'value or ]' | 'name' | 'name or }' | ':' | ', or ]' | ', or }' | 'the end';

/** The grammar of RFC 8259, without recursion. Undefined when the text is JSON. */
function findMistake(text: string): Mistake | undefined {
  const open: ('[' | '{')[] = [];
  let expect: Expect = 'value';
  const afterValue = (): Expect => (open.length === 0 ? 'the end' : open.at(-1) === '[' ? ', or ]' : ', or }');
  let index = 0;
  while (index < text.length) {
    token.lastIndex = index;
    const found = token.exec(text)?.[0];
    const bad = (): Mistake => ({ index, problem: `expected ${expect}` });
    if (found === undefined) return bad();
    const first = found.charAt(0);
    if (first === ' ' || first === '\n' || first === '\t' || first === '\r') {
      index += found.length;
      continue;
    }
    if (first === '{' || first === '[') {
      if (!expect.startsWith('value')) return bad();
      if (open.length === maxDepth) return { index, problem: `more than ${maxDepth} levels` };
      open.push(first);
      expect = first === '{' ? 'name or }' : 'value or ]';
    } else if (first === '}' || first === ']') {
      if (!expect.endsWith(first)) return bad();
      open.pop();
      expect = afterValue();
    } else if (first === ',') {
      if (!expect.startsWith(',')) return bad();
      expect = open.at(-1) === '[' ? 'value' : 'name';
    } else if (first === ':') {
      if (expect !== ':') return bad();
      expect = 'value';
    } else if (expect.startsWith('name')) {
      if (first !== '"') return bad();
      expect = ':';
    } else {
      if (!expect.startsWith('value')) return bad();
      expect = afterValue();
    }
    index += found.length;
  }
  return expect === 'the end' ? undefined : { index, problem: `it ends where ${expect} is expected` };
}
