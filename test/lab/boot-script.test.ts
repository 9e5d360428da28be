import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';
import { bootScript } from './boot-script.ts';

const script = bootScript({
  hostname: 'hv1',
  data: "/srv/it's/hv1",
  visible: ['/home/me/a checkout'],
  guest: '/home/me/a checkout/.cache/guest/1',
});

describe('bootScript', () => {
  it('is a script that a POSIX shell accepts, whatever the paths hold', () => {
    const { status, stderr } = spawnSync('dash', ['-n'], { input: script, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    assert.ok(script.includes(`'/srv/it'\\''s/hv1/boot.sh'`.replace('/boot.sh', '/seed')), script);
  });

  it('takes hold of what is shared before it covers anything, and gives it back before the node counts as booted', () => {
    const order = [
      '--make-rprivate',
      'mount --rbind',
      'mount -t overlay',
      'mount -t tmpfs',
      'mount --move',
      '/run/lab/booted',
      'exec tini',
    ];
    const places = order.map((words) => script.indexOf(words));
    assert.deepEqual(
      places,
      places.toSorted((a, b) => a - b),
    );
    assert.ok(places.every((place) => place >= 0));
  });
});
