import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { runScenario } from '../../scenarios/scenario.ts';
import { firstWords, Player, readCluster, ScriptError } from './play.ts';

const context = { width: Number.POSITIVE_INFINITY, colour: false, nowMs: 0 };
const cluster = readCluster(
  'nodes: { hv1: , hv2: , hv3: }\nguests: { web: { node: hv2 }, old: { node: hv1, run: stopped } }\n',
);
const begin = (): Promise<Player> => Player.begin(cluster, context);

function temporary(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'pvc-play-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

describe('a play', () => {
  it('begins with a cluster that has come up, and time that stands still', async () => {
    const player = await begin();
    assert.match(player.news(), /web +runs on hv2 \(booted\)/);
    const before = await player.say('status');
    assert.match(before, /Time: +5\.0 s/);
    assert.match(before, /web +running +hv2 +- +hv2 +running on hv2/);
    assert.match(before, /old +stopped +hv1 +- +- +stopped on hv1/);
    assert.equal(await player.say('status'), before);
    assert.equal(await player.say('missing'), 'Nothing: all is as it should be.');
  });

  it('does what is said and shows what comes of it once time passes', async () => {
    const player = await begin();
    player.news();
    assert.match(await player.say('kill hv2'), /hv2 +its daemon is killed/);
    assert.match(await player.say('  until "hv2 its daemon starts"  '), /hv2 +its daemon starts$/);
    assert.match(await player.say('rest'), /All is as it should be\.$/);
    const { nowMs } = player.world;
    await player.say('');
    await player.say('advance 1.5s');
    await player.say('advance 1m');
    assert.equal(player.world.nowMs - nowMs, 62_500);
  });

  it('tells why: what the daemons said of a guest or a node', async () => {
    const player = await begin();
    assert.match(await player.say('why web'), /\| hv2 +vm: start web/);
    assert.match(await player.say('why hv2'), /hv2 +is switched on/);
    await assert.rejects(() => player.say('why nobody'), /no node or guest nobody; there are: hv1, hv2, hv3, web, old/);
  });

  it('shows what daemons log when asked to', async () => {
    const player = await begin();
    player.news();
    await player.say('ask hv1 vm.restart vm=web force=true');
    assert.doesNotMatch(await player.say('advance 5s'), / \| /);
    await player.say('daemons on');
    await player.say('ask hv1 vm.restart vm=web force=true');
    assert.match(await player.say('advance 5s'), / \| /);
  });

  it('says when something does not happen, and what is missing', async () => {
    const player = await begin();
    assert.match(await player.say('until web flies'), /Nothing like "web flies" happened within ten minutes/);
    await player.say('cut hv2 store');
    assert.match(await player.say('rest'), /Still missing:\n {2}(?:.*\n)*.*hv2 is not seen alive/);
  });

  it('refuses what it does not understand, and nothing has happened', async () => {
    const player = await begin();
    const before = await player.say('status');
    for (const [line, told] of [
      ['power off hv9', /no node hv9; there are: hv1, hv2, hv3/],
      ['power hv1', /it is: power off\|on NODE/],
      ['advance quickly', /it is: advance TIME/],
      ['advance 99999999s', /more than a day/],
      ['dance', /there are: kill NODE/],
      ['ask hv1 vm.list', /no operation vm\.list that changes something/],
      [`save ${import.meta.filename}/here`, /cannot be written/],
    ] as const)
      await assert.rejects(
        () => player.say(line),
        (error) => error instanceof ScriptError && told.test(error.message),
        line,
      );
    assert.equal(await player.say('status'), before);
  });

  it('is written down as a scenario that does the same again', async (t) => {
    const folder = temporary(t);
    const player = await begin();
    await player.say('advance 2.25s');
    await player.say('power off hv2');
    await player.say('advance 20s');
    await player.say('power on hv2');
    await player.say('advance 30s');
    await player.say(`save ${folder}`);
    const played = player.world.trace.lines.filter(({ kind }) => kind === 'world');
    assert.deepEqual(await runScenario(folder, { accept: true }), []);
    const again = await runScenario(folder);
    assert.deepEqual(again, []);
    assert.ok(played.some(({ text }) => text === 'loses its power'));
  });

  it('goes no further once a rule is broken', async () => {
    const player = await begin();
    assert.equal(player.broken, false);
    player.world.violated('two-copies', 'web runs twice');
    const { nowMs } = player.world;
    assert.match(await player.say('advance 10s'), /VIOLATION two-copies: web runs twice/);
    assert.equal(await player.say('rest'), '');
    assert.deepEqual([player.broken, player.world.nowMs], [true, nowMs]);
  });

  it('completes first words', () => {
    for (const word of ['power', 'advance', 'status', 'help', 'quit']) assert.ok(firstWords.includes(word), word);
  });
});
