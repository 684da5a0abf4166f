import { Counter, Gauge, Histogram, type Registry } from 'prom-client'

/** A set that is served, as it is read when somebody asks. */
export interface SetReading {
  readonly waiting: number
  readonly keys: { readonly count: number; readonly bytes: number }
  readonly memory: number
}

/** What is told of sets; names are those that the operator gave, so there are few series. */
export interface SetMetrics {
  /** A query was answered, or not: `code` is that of a GloveboxError, or `internal`. */
  query(
    set: string,
    outcome: 'ok' | (string & {}),
    times?: { readonly waitMs: number; readonly computeMs: number },
  ): void
  /** So many elements went through the OPRF. */
  elements(set: string, count: number, ms: number): void
  read(sets: () => Iterable<readonly [name: string, reading: SetReading]>): void
}

const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

export function createSetSeries(registry: Registry): SetMetrics {
  const registers = [registry]
  const seconds = new Histogram({
    name: 'glovebox_set_seconds',
    help: 'Time of requests for sets in each stage: oprf (a batch), wait (for the thread), compute.',
    labelNames: ['set', 'stage'],
    buckets,
    registers,
  })
  const queries = new Counter({
    name: 'glovebox_set_queries_total',
    help: 'Queries of sets, by outcome: ok, or the code of an error.',
    labelNames: ['set', 'outcome'],
    registers,
  })
  const elements = new Counter({
    name: 'glovebox_set_elements_total',
    help: 'Elements that went through the OPRF.',
    labelNames: ['set'],
    registers,
  })
  let sets: () => Iterable<readonly [string, SetReading]> = () => []
  const gauge = (name: string, help: string, pick: (reading: SetReading) => number): void => {
    new Gauge({
      name: `glovebox_set_${name}`,
      help,
      labelNames: ['set'],
      registers,
      collect() {
        this.reset()
        for (const [set, reading] of sets()) this.set({ set }, pick(reading))
      },
    })
  }
  gauge('waiting', 'Queries that wait for the thread of a set.', ({ waiting }) => waiting)
  gauge('key_sets', "Receivers' keys in memory.", ({ keys }) => keys.count)
  gauge('key_bytes', "Bytes of receivers' keys in memory.", ({ keys }) => keys.bytes)
  gauge('memory_bytes', 'Memory of the kernels of a set in use.', ({ memory }) => memory)
  return {
    query(set, outcome, times) {
      queries.inc({ set, outcome })
      if (times === undefined) return
      seconds.observe({ set, stage: 'wait' }, times.waitMs / 1000)
      seconds.observe({ set, stage: 'compute' }, times.computeMs / 1000)
    },
    elements(set, count, ms) {
      elements.inc({ set }, count)
      seconds.observe({ set, stage: 'oprf' }, ms / 1000)
    },
    read: (source) => {
      sets = source
    },
  }
}
