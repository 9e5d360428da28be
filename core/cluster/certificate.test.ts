import assert from 'node:assert/strict';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { describe, it } from 'node:test';
import { fingerprint, makeCa, makeNodeCertificate } from './certificate.ts';

const nowMs = Date.UTC(2030, 0, 1);
const yearMs = 365 * 86_400_000;

describe('certificates', () => {
  it('of a CA can sign and last ten years', async () => {
    const pair = await makeCa({ name: 'lab', nowMs });
    const ca = new X509Certificate(pair.cert);
    assert.equal(ca.ca, true);
    assert.equal(ca.subject, 'CN=PVC lab CA');
    assert.equal(ca.verify(ca.publicKey), true);
    assert.equal(ca.checkPrivateKey(createPrivateKey(pair.key)), true);
    assert.equal(ca.validToDate.getTime(), nowMs + 10 * yearMs);
    assert.ok(ca.validFromDate.getTime() < nowMs);
    assert.equal(ca.publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
  });

  it('of a node carry its names and addresses, last two years and chain to their CA only', async () => {
    const ca = await makeCa({ name: 'lab', nowMs });
    const other = await makeCa({ name: 'lab', nowMs });
    const pair = await makeNodeCertificate(ca, {
      name: 'hv1',
      addresses: ['10.0.0.1', 'fd00::1'],
      dnsNames: ['hv1.example', 'hv1'],
      nowMs,
    });
    const node = new X509Certificate(pair.cert);
    assert.equal(node.ca, false);
    assert.equal(node.checkIssued(new X509Certificate(ca.cert)), true);
    assert.equal(node.verify(new X509Certificate(ca.cert).publicKey), true);
    assert.equal(node.verify(new X509Certificate(other.cert).publicKey), false);
    assert.equal(node.checkPrivateKey(createPrivateKey(pair.key)), true);
    assert.equal(node.validToDate.getTime(), nowMs + 2 * yearMs);
    assert.equal(node.checkHost('hv1'), 'hv1');
    assert.equal(node.checkHost('hv1.example'), 'hv1.example');
    assert.equal(node.checkHost('hv2'), undefined);
    assert.equal(node.checkIP('10.0.0.1'), '10.0.0.1');
    assert.equal(node.checkIP('fd00::1'), 'fd00::1');
    assert.equal(node.checkIP('10.0.0.2'), undefined);
    assert.equal(fingerprint(pair.cert), node.fingerprint256.replaceAll(':', '').toLowerCase());
  });
});
