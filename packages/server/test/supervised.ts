import { pause } from './clients.ts'

/** What can be killed and started again. */
export interface Mortal {
  /** Resolves when it can be used; rejects when it ends before. */
  start(): Promise<void>
  kill(): Promise<void>
}

/** A process that is started again whenever it was killed, as whoever runs it would do. */
export interface Supervised {
  readonly up: boolean
  /** Resolves when it is up, or was given up. */
  whenUp(): Promise<void>
  /** Resolves when there is a process: up, or on its way. */
  whenThere(): Promise<void>
  /** At once; it comes back after `awayMs`, or where it was just starting, soon. */
  kill(awayMs: number): Promise<void>
  /** It comes back no more. */
  giveUp(): Promise<void>
}

/** `mortal` runs already. */
export function supervise(mortal: Mortal): Supervised {
  let [up, over] = [true, false]
  let [away, back] = [Promise.resolve(), Promise.resolve()]
  const comeBack = async (): Promise<void> => {
    await away
    while (!over)
      try {
        await mortal.start()
        up = true
        return
      } catch {
        // It was killed again, or what it needs is away.
        away = pause(100)
        await away
      }
  }
  return {
    get up() {
      return up
    },
    whenUp: () => back,
    whenThere: () => away,
    async kill(awayMs) {
      const was = up
      up = false
      await mortal.kill()
      if (!was) return
      away = pause(awayMs)
      back = comeBack()
    },
    giveUp() {
      over = true
      return back
    },
  }
}
