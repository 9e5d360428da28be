import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Nic, nic } from '../schema.ts';
import { nicElement, readNic } from './nic.ts';
import { isRate, rateInKBps, rateText } from './nic-guard.ts';
import { parseXml, printXml } from './xml.ts';

const mac = '52:54:00:12:34:56';
const read = (inner: string, type = 'network') => {
  const plug = type === 'network' ? "<source network='office'/>" : "<source bridge='br0'/>";
  const reading = readNic(parseXml(`<interface type='${type}'><mac address='${mac}'/>${plug}${inner}</interface>`));
  return 'device' in reading ? (reading.device as Nic) : assert.fail(JSON.stringify(reading));
};

describe('what a card is kept to', () => {
  it('is read from libvirt’s own form, and written in it again', () => {
    for (const [inner, guard] of [
      ["<bandwidth><inbound average='125'/></bandwidth>", { limits: { inKBps: 125 } }],
      ["<bandwidth><inbound average='1'/><outbound average='2'/></bandwidth>", { limits: { inKBps: 1, outKBps: 2 } }],
      ["<filterref filter='clean-traffic'/>", { antiSpoof: { addresses: [] } }],
      [
        "<filterref filter='clean-traffic'><parameter name='IP' value='10.0.0.5'/><parameter name='IP' value='FD00:0::5'/></filterref>",
        { antiSpoof: { addresses: ['10.0.0.5', 'fd00::5'] } },
      ],
    ] as const) {
      const card = read(inner);
      const { limits, antiSpoof } = card;
      assert.deepEqual(JSON.parse(JSON.stringify({ limits, antiSpoof })), guard, inner);
      assert.equal(card.extra, '');
      assert.deepEqual(nic.parse(card), card);
      const again = readNic(parseXml(printXml(nicElement(card))));
      assert.deepEqual(again, { device: card });
    }
  });

  it('is left to libvirt where it says more than PVC does', () => {
    for (const inner of [
      "<bandwidth><inbound average='125' peak='200'/></bandwidth>",
      "<bandwidth><inbound average='125'/><inbound average='1'/></bandwidth>",
      "<bandwidth><inbound average='0'/></bandwidth>",
      '<bandwidth/>',
      "<filterref filter='no-mac-spoofing'/>",
      "<filterref filter='clean-traffic'><parameter name='DHCPSERVER' value='10.0.0.1'/></filterref>",
      "<filterref filter='clean-traffic'><parameter name='IP' value='somewhere'/></filterref>",
    ]) {
      const { limits, antiSpoof, extra } = read(inner);
      assert.deepEqual([limits, antiSpoof], [undefined, undefined], inner);
      assert.notEqual(extra, '');
    }
  });

  it('is left to libvirt on cards that are on no network of the cluster', () => {
    const { limits, extra } = read("<bandwidth><inbound average='125'/></bandwidth>", 'bridge');
    assert.equal(limits, undefined);
    assert.match(extra, /bandwidth/);
  });

  it('is not told to libvirt where the plugin of the network plugs the card in', () => {
    const card = read("<bandwidth><inbound average='125'/></bandwidth><filterref filter='clean-traffic'/>");
    const text = printXml(nicElement(card, { type: 'bridge', source: { bridge: 'pvcn100' } }));
    assert.doesNotMatch(text, /bandwidth|filterref/);
  });
});

describe('a rate', () => {
  it('is written as in tc', () => {
    for (const [text, kBps] of [
      ['8kbit', 1],
      ['100mbit', 12_500],
      ['1gbit', 125_000],
      ['512kbit', 64],
      ['100gbit', 12_500_000],
    ] as const) {
      assert.equal(rateInKBps(text), kBps);
      assert.equal(rateText(kBps), text);
    }
    assert.equal(rateText(undefined), 'none');
  });

  it('is refused when it is none', () => {
    for (const text of ['', '100', '0mbit', '4kbit', '12kbit', '101gbit', '1.5mbit', '-1mbit', '100mbit;', '10 mbit'])
      assert.equal(isRate(text), false, text);
  });
});
