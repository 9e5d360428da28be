import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { PvcError } from '../../../core/plugin/api.ts';
import {
  child,
  childrenNamed,
  descend,
  el,
  isElement,
  parseFragment,
  parseXml,
  printNodes,
  printXml,
  textOf,
  type XmlElement,
  type XmlNode,
} from './xml.ts';

const refusal = (text: string): PvcError => {
  try {
    parseXml(text);
  } catch (error) {
    assert.ok(error instanceof PvcError, String(error));
    assert.equal(error.code, 'VM_XML_MALFORMED');
    return error;
  }
  return assert.fail(`accepted: ${text}`);
};

// Members of Object.prototype are refused by the reader on purpose.
const word = fc.stringMatching(/^[a-z][a-z0-9_.-]{0,8}$/).filter((name) => !(name in {}) && !name.includes('proto'));
const someText = fc.string({
  unit: fc.oneof(
    fc.constantFrom(' ', '\n', '\t', '\r', '&', '<', '>', '"', "'", ']]>', '--', '&amp;', 'é', '語', '😀', ']'),
    fc.constantFrom('a', 'b', '0'),
  ),
  maxLength: 12,
});
const meaningful = someText.filter((text) => /[^ \t\r\n]/.test(text));
const leaf: fc.Arbitrary<XmlNode> = fc.oneof(
  meaningful.map((text) => ({ text })),
  someText
    .map((text) => ({ cdata: text.replaceAll('\r', '') }))
    // The end of a section cannot be in one; what is left when it is taken out can be one again.
    .filter(({ cdata }) => cdata !== '' && !cdata.includes(']]>')),
  someText.map((text) => ({ comment: ` ${text.replaceAll('-', '').replaceAll('\r', '')} ` })),
);
const joinTexts = (nodes: readonly XmlNode[]): XmlNode[] =>
  nodes.filter((node, at) => !('text' in node && at > 0 && 'text' in (nodes[at - 1] as XmlNode)));
const { tree } = fc.letrec<{ tree: XmlElement; node: XmlNode }>((tie) => ({
  node: fc.oneof({ maxDepth: 4, depthSize: 'small' }, leaf, tie('tree')),
  tree: fc.record(
    {
      name: word,
      attributes: fc.dictionary(word, someText, { maxKeys: 4, noNullPrototype: true }),
      children: fc.array(tie('node'), { maxLength: 5 }).map(joinTexts),
    },
    { noNullPrototype: true },
  ),
}));

describe('parseXml', () => {
  it('keeps order, comments, CDATA, text and unparsed numbers', () => {
    const root = parseXml(`\uFEFF<?xml version='1.0'?>
<!-- header -->
<a x="01" y='&lt;&#x41;"'>
  <b>08388608</b><!-- c --><b/>
  <c> x <![CDATA[<&>]]></c>
</a>`);
    assert.deepEqual(root, {
      name: 'a',
      attributes: { x: '01', y: '<A"' },
      children: [
        { name: 'b', attributes: {}, children: [{ text: '08388608' }] },
        { comment: ' c ' },
        { name: 'b', attributes: {}, children: [] },
        { name: 'c', attributes: {}, children: [{ text: ' x ' }, { cdata: '<&>' }] },
      ],
    });
    assert.equal(
      printXml(root),
      "<a x='01' y='&lt;A\"'>\n  <b>08388608</b>\n  <!-- c -->\n  <b/>\n  <c> x <![CDATA[<&>]]></c>\n</a>",
    );
  });

  it('reads what it prints, exactly', () => {
    fc.assert(
      fc.property(tree, (element) => assert.deepEqual(parseXml(printXml(element)), element)),
      { numRuns: 400 },
    );
  });

  it('prints the same again after reading its own print', () => {
    fc.assert(
      fc.property(tree, (element) => assert.equal(printXml(parseXml(printXml(element))), printXml(element))),
      { numRuns: 100 },
    );
  });

  it('keeps prefixes and their declarations', () => {
    const text =
      "<domain xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>\n  <qemu:commandline>\n    <qemu:arg value='-s'/>\n  </qemu:commandline>\n</domain>";
    assert.equal(printXml(parseXml(text)), text);
  });

  const bad: readonly (readonly [string, RegExp, number, number])[] = [
    ['', /Start tag/, 1, 1],
    ['hello', /not expected/, 1, 1],
    ['<a>\n  <b>\n</a>', /closing tag 'b'/, 3, 1],
    ['<a>\n <b x="1" x="2"/>\n</a>', /repeated/, 2, 11],
    ['<a>\n<b><c>', /the text ends before <a>, <b>, <c> are closed/, 1, 1],
    ['<a x=1/>', /without value/, 1, 4],
    ['<a/>\n<b/>', /second root/, 2, 1],
    ['<a></a>junk', /Extra text/, 1, 8],
    ['<!DOCTYPE a [<!ENTITY x "y">]>\n<a>&x;</a>', /document type/, 1, 1],
    ['<a>\n<!ENTITY x SYSTEM "file:///etc/passwd"></a>', /entity definition/, 2, 1],
    ['<a>\n  &nbsp;</a>', /no known entity/, 2, 3],
    ['<a x="a & b"/>', /&amp;/, 1, 9],
    ['<a>&#0;</a>', /forbids/, 1, 4],
    ['<a>&#xD800;</a>', /forbids/, 1, 4],
    ['<a>x\u0000</a>', /U\+0000/, 1, 5],
    ['<a><!-- a -- b --></a>', /comment/, 1, 4],
    ['<a><!-- open</a>', /does not end/, 1, 4],
    ['<a><![CDATA[ open</a>', /does not end/, 1, 4],
    ['<a>\n <b y="x<y"/></a>', /&lt;/, 2, 9],
    ['<a><q:b/></a>', /prefix "q"/, 1, 5],
    ['<a q:b="1"/>', /prefix "q"/, 1, 4],
  ];
  for (const [text, reason, line, column] of bad) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      const error = refusal(text);
      assert.match(error.message, reason);
      assert.match(error.message, new RegExp(`^Line ${line}, column ${column} `));
    });
  }

  it('refuses names of the prototype, deep nesting and huge texts instead of hanging', () => {
    for (const text of ['<__proto__/>', '<a constructor="1"/>', '<toString/>', '<a hasOwnProperty="1"/>'])
      assert.match(refusal(text).message, /reserved/);
    assert.match(refusal('<a>'.repeat(5000) + '</a>'.repeat(5000)).message, /nested/);
    assert.match(refusal(`<a>${'x'.repeat(1024 * 1024)}</a>`).message, /longer than/);
  });

  it('refuses hostile texts of a megabyte, with a message that people can read', () => {
    for (const piece of ['<!--', '<![CDATA[', '<?', '<a>', '<', '<a b="', '<!', '&', "<a b='<"]) {
      assert.ok(refusal(piece.repeat(Math.floor(1_000_000 / piece.length))).message.length < 400, piece);
    }
  });

  it('throws nothing but VM_XML_MALFORMED, whatever the text is', () => {
    const piece = fc.constantFrom(
      '<a',
      '>',
      '</a>',
      '/>',
      ' x="',
      '"',
      "'",
      '<!--',
      '-->',
      '<![CDATA[',
      ']]>',
      '<?',
      '?>',
      '&',
      'amp;',
      '#1',
      ':',
      '=',
      '<',
      ' ',
      '\n',
      'b',
      '<!',
      '__proto__',
      ';',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 14 }), (pieces) => {
        const text = pieces.join('');
        try {
          const root = parseXml(text);
          assert.deepEqual(parseXml(printXml(root)), root);
        } catch (error) {
          assert.ok(error instanceof PvcError && error.code === 'VM_XML_MALFORMED', `${text}: ${String(error)}`);
        }
      }),
      { numRuns: 1500 },
    );
  });
});

describe('printXml', () => {
  it('refuses what XML cannot carry', () => {
    assert.throws(() => printXml(el('a b')), /no XML name/);
    assert.throws(() => printXml(el('a', { 'x>': '1' })), /no XML name/);
    assert.throws(() => printXml(el('a', {}, '\u0001')), /U\+0001/);
    assert.throws(() => printXml({ name: 'a', attributes: {}, children: [{ comment: 'a--b' }] }), /--/);
  });
  it('honours the indent', () => assert.equal(printXml(el('a', {}, el('b')), { indent: 4 }), '<a>\n    <b/>\n</a>'));
});

describe('element helpers', () => {
  const disk = el(
    'disk',
    { type: 'file', none: undefined },
    el('target', { dev: 'vda' }),
    undefined,
    el('boot', { order: 1 }),
    el('boot', { order: 2 }),
  );
  it('build and find', () => {
    assert.deepEqual(disk.attributes, { type: 'file' });
    assert.equal(child(disk, 'target')?.attributes['dev'], 'vda');
    assert.equal(childrenNamed(disk, 'boot').length, 2);
    assert.equal(descend(el('a', {}, el('b', {}, el('c', {}, 'text'))), 'b', 'c')?.children.length, 1);
    assert.equal(textOf(parseXml('<a>x<!-- y --><![CDATA[z]]></a>')), 'xz');
  });
  it('fragments keep several nodes and their order', () => {
    const text = "<alias name='ua-x'/>\n<!-- why -->\n<boot order='1'/>";
    const nodes = parseFragment(text);
    assert.equal(nodes.filter(isElement).length, 2);
    assert.equal(printNodes(nodes), text);
    assert.deepEqual(parseFragment(''), []);
  });
});
