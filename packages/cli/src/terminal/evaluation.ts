import type { Comparison } from '../evaluate/compare.ts'
import type { Measured, Quantiles } from '../evaluate/run.ts'
import { showBytes, showCount, showMs } from './format.ts'

/** What `glovebox test` has found. */
export interface Tested {
  readonly name: string
  readonly server: string
  /** Of the clear side. */
  readonly folder: string
  readonly comparison: Comparison
  readonly measured: Measured
}

/** For people. */
export function showTest({ name, server, folder, comparison, measured }: Tested): string {
  const { samples, kind, encrypted, clear, agree, largestDifference, largestOutput } = comparison
  const { totalMs, roundTripMs, computeMs, requests, keygenMs, firstMs, keyBytes } = measured
  const share = largestOutput === 0 ? 0 : largestDifference / largestOutput
  const score = (value: number | null): string =>
    value === null ? 'not known' : kind === 'classes' ? `${(100 * value).toFixed(2)} %` : String(short(value))
  const time = (what: string, { median, p95 }: Quantiles): string =>
    `  ${what.padEnd(14)}${showMs(median).padStart(10)}${showMs(p95).padStart(12)}`
  const lines = [
    `${name} at ${server}: ${showCount(samples)} ${samples === 1 ? 'sample' : 'samples'}`,
    `in the clear by ${folder}`,
    '',
    `  ${''.padEnd(14)}${'encrypted'.padStart(10)}${'clear'.padStart(12)}`,
    `  ${(kind === 'classes' ? 'accuracy' : 'RMSE').padEnd(14)}${score(encrypted).padStart(10)}${score(clear).padStart(12)}`,
    ...(encrypted === null ? ['  what is true is not known: --labels FILE or --target COLUMN tells it'] : []),
    ...(agree === null ? [] : [`  same class in ${showCount(agree)} of ${showCount(samples)}`]),
    `  outputs differ by at most ${short(largestDifference)}, ${(100 * share).toPrecision(2)} % of the largest`,
    '',
    `  ${showCount(requests)} ${requests === 1 ? 'request' : 'requests'}`.padEnd(16) +
      `${'median'.padStart(10)}${'95 %'.padStart(12)}`,
    time('all in all', totalMs),
    time('round trip', roundTripMs),
    time('computing', computeMs),
    '',
    `  ${showBytes(measured.uploadBytes)} up and ${showBytes(measured.replyBytes)} down for a request`,
    !measured.needsKeys
      ? '  no evaluation keys'
      : `  ${keyBytes === 0 ? 'evaluation keys were there' : `${showBytes(keyBytes)} of evaluation keys once`}${keygenMs === 0 ? '' : `, made in ${showMs(keygenMs)}`}; first request ${showMs(firstMs)}`,
  ]
  return `${lines.join('\n')}\n`
}

/** For programs. */
export function testFacts({ name, server, folder, comparison, measured }: Tested): object {
  const { outputs: _, answers: __, ...times } = measured
  return { name, server, clearFolder: folder, ...comparison, ...times }
}

function short(value: number): number {
  return Number(value.toPrecision(4))
}
