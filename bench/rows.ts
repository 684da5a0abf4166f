/** One measured operation. Times are medians in microseconds; `ratio` = peerUs / us, above 1 where Glovebox is faster. */
export interface Row {
  readonly op: string
  /** Name of the parameter set. */
  readonly set: string
  readonly threads: number
  readonly us: number
  readonly peer: string | null
  readonly peerUs: number | null
  readonly ratio: number | null
}

export interface Peer {
  readonly name: string
  readonly run: () => void
}

/** How long both sides of one operation are measured together, in ms, and the fewest samples that make a median. */
const budget = 900
const fewest = 9
/** A sample is a batch that takes about this long, so that the clock's grain does not matter. In ms. */
const sampleTime = 4

export function median(samples: readonly number[]): number {
  const sorted = [...samples].sort((a, b) => a - b)
  const half = sorted.length >> 1
  return sorted.length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2
}

function time(run: () => void, count: number): number {
  const start = performance.now()
  for (let i = 0; i < count; i++) run()
  return (performance.now() - start) / count
}

/** Runs per sample, found while the engine warms up. */
function calibrate(run: () => void): number {
  let count = 1
  for (const start = performance.now(); performance.now() - start < budget / 6; ) {
    count = Math.max(1, Math.min(10_000, Math.round(sampleTime / time(run, count))))
  }
  return count
}

/** Median time of a run in microseconds, ours and the peer's sampled in turn, so that both see the same machine. */
export function compare(run: () => void, peer?: () => void): { us: number; peerUs: number | null } {
  const sides = [run, ...(peer ? [peer] : [])].map((side) => ({
    side,
    count: calibrate(side),
    samples: [] as number[],
  }))
  const start = performance.now()
  while (performance.now() - start < budget || sides[0]!.samples.length < fewest) {
    for (const { side, count, samples } of sides) samples.push(time(side, count))
  }
  const [us, peerUs] = sides.map(({ samples }) => 1000 * median(samples))
  return { us: us!, peerUs: peerUs ?? null }
}

/** Measures one operation. `units` divides both times: how often the operation happens in a run. */
export function measure(op: string, set: string, run: () => void, peer?: Peer, units = 1): Row {
  const { us, peerUs } = compare(run, peer?.run)
  const round = (x: number): number => Number((x / units).toPrecision(4))
  return {
    op,
    set,
    threads: 1,
    us: round(us),
    peer: peer?.name ?? null,
    peerUs: peerUs === null ? null : round(peerUs),
    ratio: peerUs === null ? null : Number((peerUs / us).toFixed(2)),
  }
}
