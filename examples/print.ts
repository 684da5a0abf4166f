// What all examples share and no example is about: headings, rows, a clock, and a check that throws.
import type { Ciphertext } from '@glovebox/he'

export function title(text: string): void {
  console.log(`\n${text}\n${'='.repeat(text.length)}`)
}

export function section(text: string): void {
  console.log(`\n--- ${text}`)
}

/** One aligned row. */
export function show(label: string, value: string | number): void {
  console.log(`  ${label.padEnd(44)} ${value}`)
}

export function bits(value: number): string {
  return `2^${Math.log2(value).toFixed(2)}`
}

export function bytes(count: number): string {
  if (count < 10_000) return `${count} bytes`
  return count < 1e7 ? `${(count / 1e3).toFixed(0)} KB` : `${(count / 1e6).toFixed(1)} MB`
}

export function numbers(values: ArrayLike<number>, count = 6, digits = 4): string {
  const shown = Array.from({ length: Math.min(count, values.length) }, (_, i) => values[i]!.toFixed(digits))
  return `[${shown.join(', ')}${values.length > count ? ', …' : ''}]`
}

/** Level, scale and parts: what to keep an eye on while computing. */
export function showCiphertext(label: string, ct: Ciphertext): void {
  show(label, `level ${ct.level}, scale ${bits(ct.scale)}, ${ct.parts} parts`)
}

/** Runs the work once and prints how long it took. The first call of anything includes the engine's warming up. */
export function timed<T>(label: string, work: () => T): T {
  const start = performance.now()
  const result = work()
  show(label, `${(performance.now() - start).toFixed(2)} ms`)
  return result
}

/** As `timed`, for work that waits. */
export async function took<T>(label: string, work: () => Promise<T>): Promise<T> {
  const start = performance.now()
  const result = await work()
  show(label, `${(performance.now() - start).toFixed(0)} ms`)
  return result
}

/** Throws where one of the values is another than plain set operations say. */
export function same(label: string, got: readonly unknown[], expected: readonly unknown[]): void {
  const wrong = expected.findIndex((value, i) => JSON.stringify(value) !== JSON.stringify(got[i]))
  if (wrong >= 0 || got.length !== expected.length)
    throw new Error(`${label}: ${got.length} of ${expected.length}, the first that differs is ${wrong}`)
  show(label, `${got.length} of ${expected.length} as in the clear`)
}

/** Compares with plain arithmetic, prints the worst error in bits below 1, and throws where it is over the tolerance. */
export function check(label: string, got: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  let worst = 0
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(got[i]! - expected[i]!)
    // Written so that NaN fails too.
    if (!(error <= tolerance)) throw new Error(`${label}: [${i}] is ${got[i]}, plain arithmetic says ${expected[i]}`)
    worst = Math.max(worst, error)
  }
  show(
    label,
    worst === 0 ? 'exact' : `correct to ${(-Math.log2(worst)).toFixed(1)} bits, worst error ${worst.toExponential(1)}`,
  )
}

/** The error that the work must throw: its code where it has one, and its message. */
export function refused(label: string, work: () => unknown): void {
  try {
    work()
  } catch (error) {
    showRefusal(label, error)
    return
  }
  throw new Error(`${label}: expected an error, got none`)
}

/** As `refused`, for work that waits. */
export async function refusedLater(label: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    showRefusal(label, error)
    return
  }
  throw new Error(`${label}: expected an error, got none`)
}

function showRefusal(label: string, error: unknown): void {
  if (!(error instanceof Error)) throw error
  const code = 'code' in error ? `${error.code}: ` : `${error.name}: `
  console.log(`  ${label}\n    → ${code}${error.message}`)
}
