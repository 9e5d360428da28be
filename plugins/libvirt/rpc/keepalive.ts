/**
 * Notices a libvirtd that is connected but does nothing (hung, stopped, or behind a dead link): when
 * nothing has arrived for a while it is pinged, and when several pings in a row bring nothing the
 * connection is given up.
 * @module
 */
import type { Clock } from '../../../core/plugin/api.ts';

export interface KeepaliveOptions {
  readonly clock: Clock;
  /** Silence after which the other side counts as hung; noticed at most a quarter later. */
  readonly silenceMs: number;
  readonly ping: () => void;
  readonly dead: () => void;
}

const ticksPerSilence = 4;
/** Pings that must stay unanswered. Counted, not timed: after a pause of our own process one tick fires, not several. */
const unansweredLimit = 3;

export class Keepalive {
  private readonly options: KeepaliveOptions;
  private cancelTick: () => void = () => undefined;
  private quiet = false;
  private unanswered = 0;
  private paused = false;

  constructor(options: KeepaliveOptions) {
    this.options = options;
    this.schedule();
  }

  /** Call whenever anything has arrived. */
  heard(): void {
    this.quiet = false;
    this.unanswered = 0;
  }

  /** While we do not read from the connection, silence says nothing about the other side. */
  pause(paused: boolean): void {
    this.paused = paused;
    this.heard();
  }

  stop(): void {
    this.cancelTick();
  }

  private schedule(): void {
    this.cancelTick = this.options.clock.after(this.options.silenceMs / ticksPerSilence, () => this.tick());
  }

  private tick(): void {
    if (this.unanswered >= unansweredLimit) {
      this.options.dead();
      return;
    }
    // Traffic since the last tick is as good as a pong, so a busy connection is never pinged.
    if (this.quiet && !this.paused) {
      this.unanswered++;
      this.options.ping();
    }
    this.quiet = true;
    this.schedule();
  }
}
