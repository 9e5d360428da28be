import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readBootRequest } from './boot-request.ts';
import { bootScript, exitScript, firstScript, waitScript } from './boot-script.ts';

const base = 'http://10.9.0.1:7380';
const query =
  'mac=${netX/mac}&uuid=${uuid}&platform=${platform}&manufacturer=${manufacturer:uristring}&product=${product:uristring}&serial=${serial:uristring}&memory=${memsize}';
const asking = (asked: number) => `set lost:int32 0
:ask
chain --replace ${base}/machine.ipxe?${query}&asked=${asked} || goto wait
:wait
echo The primary does not answer; asking again
sleep 3
inc lost
iseq \${lost} 100 && exit 1 || goto ask
`;

describe('scripts for iPXE', () => {
  it('asks what to do', () => {
    assert.equal(firstScript(base), `#!ipxe\necho PVC: asking the cluster what to do\n${asking(0)}`);
  });

  it('waits, and lets the firmware go on after some minutes', () => {
    assert.equal(waitScript(base, ['It is new'], 4), `#!ipxe\necho It is new\nsleep 10\n${asking(5)}`);
    assert.equal(
      waitScript(base, ['It is new'], 30),
      '#!ipxe\necho It is new\necho PVC: nothing to boot; going on with the next boot device\nexit 1\n',
    );
  });

  it('boots the image', () => {
    assert.equal(
      bootScript(base, { mac: '52:54:00:00:00:0a', word: 'W0rd' }),
      `#!ipxe
echo PVC: booting 52:54:00:00:00:0a
set tries:int32 0
:fetch
imgfree
kernel ${base}/files/vmlinuz initrd=initrd.img boot=pvc pvc.from=${base} pvc.mac=52:54:00:00:00:0a pvc.word=W0rd BOOTIF=01-52-54-00-00-00-0a console=tty0 console=ttyS0,115200 || goto again
initrd --name initrd.img ${base}/files/initrd.img || goto again
boot || goto again
:again
inc tries
iseq \${tries} 20 && goto ask ||
echo Not all of it came; trying again
sleep 3
goto fetch
${asking(0)}`,
    );
  });

  it('is told nothing by what a firmware calls itself', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (text) => {
        const [start, said, end, ...rest] = exitScript([text]).split('\n');
        assert.deepEqual([start, end, rest], ['#!ipxe', 'exit 1', ['']]);
        assert.match(said ?? '', /^echo [A-Za-z0-9 .,:;/()_+-]*$/);
      }),
    );
  });
});

describe('what a boot loader says of its machine', () => {
  const rows: readonly [text: string, query: string, expected: unknown][] = [
    ['nothing', '', undefined],
    ['no MAC address', 'mac=eth0', undefined],
    [
      'all',
      'mac=52:54:00:00:00:0A&uuid=5C0E3F6E-2E1D-4F7A-9D39-0123456789AB&platform=efi&manufacturer=ACME%20+%20Inc.&product=R1&serial=S1&memory=4096&asked=3',
      ['efi', 3, '5c0e3f6e-2e1d-4f7a-9d39-0123456789ab', 'ACME + Inc.', 'R1', 'S1', 4096],
    ],
    [
      'what it does not know',
      'mac=52:54:00:00:00:0a&uuid=&platform=pcbios&manufacturer=&product=%0a%00&memory=lots&asked=-1',
      ['bios', 0, null, null, null, null, null],
    ],
    [
      'a UUID that is none',
      'mac=52:54:00:00:00:0a&uuid=00000000-0000-0000-0000-000000000000',
      ['bios', 0, null, null, null, null, null],
    ],
  ];
  for (const [text, said, expected] of rows)
    it(text, () => {
      const found = readBootRequest(said);
      const shown =
        found === undefined
          ? undefined
          : [
              ...[found.firmware, found.asked, found.hardware.uuid, found.hardware.manufacturer],
              ...[found.hardware.product, found.hardware.serial, found.hardware.memoryMiB],
            ];
      assert.deepEqual(shown, expected);
    });
});
