/** Requests by what they are for. */
export type TrafficStage = 'describe' | 'oprf' | 'keys' | 'query'

/** What went to and fro for one purpose. */
export interface StageTraffic {
  /** Attempts, those that failed too. */
  readonly requests: number
  /** Of bodies that were sent. */
  readonly uploadBytes: number
  /** Of bodies of answers. */
  readonly downloadBytes: number
}

/** Bytes of bodies that left and came, since the set was connected to. */
export interface Traffic {
  /** Of all stages. */
  readonly uploadBytes: number
  /** Of all stages. */
  readonly downloadBytes: number
  /** By what they were for. */
  readonly stages: Readonly<Record<TrafficStage, StageTraffic>>
}

/**
 * Where time goes: `harden` the slow hash; `blind`, `finalize` the receiver's side of the OPRF, `oprf` its requests; `keygen` keys, `keys` their upload;
 * `encrypt`, `query` (requests), `decrypt`. `evaluate` is the part of `oprf`, `server` that of `query` in which the sender computed, as it says.
 */
export type TimingStage =
  | 'describe'
  | 'harden'
  | 'blind'
  | 'oprf'
  | 'evaluate'
  | 'finalize'
  | 'keygen'
  | 'keys'
  | 'encrypt'
  | 'query'
  | 'server'
  | 'decrypt'

/** Milliseconds by stage, since the set was connected to; requests of two queries may overlap. */
export type Timings = Readonly<Record<TimingStage, number>>

/** Counts bytes and milliseconds. */
export interface Meter {
  sent(stage: TrafficStage, bytes: number): void
  received(stage: TrafficStage, bytes: number): void
  took(stage: TimingStage, ms: number): void
  time<T>(stage: TimingStage, work: () => T): T
  traffic(): Traffic
  timings(): Timings
}

export function createMeter(): Meter {
  const stages = {
    describe: { requests: 0, uploadBytes: 0, downloadBytes: 0 },
    oprf: { requests: 0, uploadBytes: 0, downloadBytes: 0 },
    keys: { requests: 0, uploadBytes: 0, downloadBytes: 0 },
    query: { requests: 0, uploadBytes: 0, downloadBytes: 0 },
  }
  const ms: Record<TimingStage, number> = {
    describe: 0,
    harden: 0,
    blind: 0,
    oprf: 0,
    evaluate: 0,
    finalize: 0,
    keygen: 0,
    keys: 0,
    encrypt: 0,
    query: 0,
    server: 0,
    decrypt: 0,
  }
  const sum = (field: 'uploadBytes' | 'downloadBytes'): number =>
    Object.values(stages).reduce((total, stage) => total + stage[field], 0)
  return {
    sent(stage, bytes) {
      stages[stage].requests++
      stages[stage].uploadBytes += bytes
    },
    received(stage, bytes) {
      stages[stage].downloadBytes += bytes
    },
    took(stage, more) {
      ms[stage] += more
    },
    time(stage, work) {
      const began = performance.now()
      try {
        return work()
      } finally {
        ms[stage] += performance.now() - began
      }
    },
    traffic: () => ({
      uploadBytes: sum('uploadBytes'),
      downloadBytes: sum('downloadBytes'),
      stages: {
        describe: { ...stages.describe },
        oprf: { ...stages.oprf },
        keys: { ...stages.keys },
        query: { ...stages.query },
      },
    }),
    timings: () => ({ ...ms }),
  }
}
