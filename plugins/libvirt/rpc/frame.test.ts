import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { encodeFrame, type Frame, FrameError, FrameReader, maxPayloadBytes, program } from './frame.ts';

const frame = (over: Partial<Frame> = {}): Frame => ({
  program: program.remote,
  version: 1,
  procedure: 10,
  type: 'call',
  serial: 7,
  status: 'ok',
  payload: Buffer.from('abcd'),
  ...over,
});

const readAll = (pieces: readonly Uint8Array[]): Frame[] => {
  const reader = new FrameReader();
  const frames: Frame[] = [];
  for (const piece of pieces) reader.push(piece, (found) => frames.push(found));
  assert.equal(reader.pendingBytes, 0);
  return frames.map((found) => ({ ...found, payload: Uint8Array.from(found.payload) }));
};
const plain = (value: Frame): Frame => ({ ...value, payload: Uint8Array.from(value.payload) });

const anyFrame: fc.Arbitrary<Frame> = fc.record({
  program: fc.integer({ min: 0, max: 0xffff_ffff }),
  version: fc.integer({ min: 0, max: 9 }),
  procedure: fc.integer({ min: 0, max: 500 }),
  type: fc.constantFrom('call', 'reply', 'message', 'stream'),
  serial: fc.integer({ min: 0, max: 0xffff_ffff }),
  status: fc.constantFrom('ok', 'error', 'continue'),
  payload: fc.uint8Array({ maxLength: 60 }),
});

describe('frames', () => {
  it('are a length that counts itself, six words and the payload', () => {
    assert.equal(
      Buffer.from(encodeFrame(frame({ status: 'continue', type: 'stream' }))).toString('hex'),
      '00000020 20008086 00000001 0000000a 00000003 00000007 00000002 61626364'.replaceAll(' ', ''),
    );
  });

  it('are found again when the bytes are cut at any one place', () => {
    const frames = [
      frame(),
      frame({ payload: new Uint8Array(0), serial: 8 }),
      frame({ payload: Buffer.alloc(100, 1), serial: 9 }),
    ];
    const whole = Buffer.concat(frames.map(encodeFrame));
    for (let cut = 0; cut <= whole.length; cut++) {
      assert.deepEqual(readAll([whole.subarray(0, cut), whole.subarray(cut)]), frames.map(plain), `cut at ${cut}`);
    }
  });

  it('are found again when the bytes come one by one', () => {
    const frames = [frame(), frame({ serial: 8, payload: new Uint8Array(0) })];
    const whole = Buffer.concat(frames.map(encodeFrame));
    assert.deepEqual(readAll(Array.from(whole, (_, at) => whole.subarray(at, at + 1))), frames.map(plain));
  });

  it('survive any cutting', () => {
    fc.assert(
      fc.property(
        fc.array(anyFrame, { maxLength: 8 }),
        fc.array(fc.nat({ max: 40 }), { maxLength: 60 }),
        (frames, sizes) => {
          const whole = Buffer.concat(frames.map(encodeFrame));
          const pieces: Uint8Array[] = [];
          let at = 0;
          for (const size of sizes) {
            pieces.push(whole.subarray(at, at + size));
            at += size;
          }
          pieces.push(whole.subarray(at));
          assert.deepEqual(readAll(pieces), frames.map(plain));
        },
      ),
    );
  });

  it('are not sent when they are larger than libvirt takes', () => {
    assert.throws(() => encodeFrame(frame({ payload: new Uint8Array(maxPayloadBytes + 1) })), FrameError);
    assert.equal(encodeFrame(frame({ payload: new Uint8Array(maxPayloadBytes) })).length, 33_554_436);
  });
});

describe('broken frames', () => {
  const bad = (change: (view: DataView) => void): Uint8Array => {
    const bytes = encodeFrame(frame());
    change(new DataView(bytes.buffer));
    return bytes;
  };
  const broken: readonly (readonly [string, Uint8Array, RegExp])[] = [
    ['length 0', bad((view) => view.setUint32(0, 0)), /shorter than its own header/],
    ['length 27', bad((view) => view.setUint32(0, 27)), /shorter than its own header/],
    ['length above the maximum', bad((view) => view.setUint32(0, 33_554_437)), /33554437 bytes was announced/],
    ['length of 4 GiB', bad((view) => view.setUint32(0, 0xffff_ffff)), /4294967295 bytes was announced/],
    ['unknown type', bad((view) => view.setInt32(16, 9)), /unknown message type 9/],
    ['negative type', bad((view) => view.setInt32(16, -1)), /unknown message type -1/],
    ['unknown status', bad((view) => view.setInt32(24, 3)), /unknown message status 3/],
  ];
  for (const [what, bytes, message] of broken) {
    it(`${what} is an error, after the good ones before it, and stays one`, () => {
      const reader = new FrameReader();
      const serials: number[] = [];
      const push = (data: Uint8Array): void => reader.push(data, (found) => serials.push(found.serial));
      assert.throws(() => push(Buffer.concat([encodeFrame(frame({ serial: 5 })), bytes])), message);
      assert.deepEqual(serials, [5]);
      assert.throws(() => push(encodeFrame(frame())), FrameError);
    });
  }

  it('a giant length allocates nothing while its bytes have not come', () => {
    const reader = new FrameReader();
    const head = Buffer.alloc(4);
    head.writeUInt32BE(33_554_436);
    reader.push(head, () => assert.fail('no message is complete'));
    reader.push(Buffer.alloc(1000), () => assert.fail('no message is complete'));
    assert.equal(reader.pendingBytes, 1004);
  });
});
