import { generatorPower, unitRoot } from '../embed-tables.ts'
import type { Ptr } from '../table.ts'

/** Up to this degree the embedding is computed from its definition, in O(n^2); beyond, by a recursive transform. */
const definitionLimit = 512

/** {@link Kernels.embedForward}. The table is not used. */
export function embedForward(memory: WebAssembly.Memory, re: Ptr, im: Ptr, n: number, _table: Ptr): void {
  const h = n / 2
  const real = new Float64Array(memory.buffer, re, h)
  const imaginary = new Float64Array(memory.buffer, im, h)
  if (n > definitionLimit) {
    const z = evaluate(Array.from(real, (x, k) => [x, imaginary[k]!]))
    for (const [j, [x, y]] of z.entries()) {
      real[j] = x
      imaginary[j] = j % 2 === 0 ? y : -y
    }
    return
  }
  const m = [...real, ...imaginary]
  for (let j = 0, power = 1; j < h; j++, power = (power * 3) % (2 * n)) {
    let x = 0
    let y = 0
    for (let k = 0; k < n; k++) {
      const [c, s] = unitRoot((k * power) % (2 * n), 2 * n)
      x += m[k]! * c
      y += m[k]! * s
    }
    real[j] = x
    imaginary[j] = y
  }
}

/** {@link Kernels.embedInverse}. The table is not used. */
export function embedInverse(memory: WebAssembly.Memory, re: Ptr, im: Ptr, n: number, _table: Ptr): void {
  const h = n / 2
  const real = new Float64Array(memory.buffer, re, h)
  const imaginary = new Float64Array(memory.buffer, im, h)
  if (n > definitionLimit) {
    const c = interpolate(Array.from(real, (x, j) => [x, j % 2 === 0 ? imaginary[j]! : -imaginary[j]!]))
    for (const [k, [x, y]] of c.entries()) {
      real[k] = x
      imaginary[k] = y
    }
    return
  }
  // The embedding is sqrt(n) times a unitary map onto the n conjugate values, so its inverse is its adjoint over n.
  const m = new Float64Array(n)
  for (let k = 0; k < n; k++) {
    for (let j = 0, power = 1; j < h; j++, power = (power * 3) % (2 * n)) {
      const [c, s] = unitRoot((k * power) % (2 * n), 2 * n)
      m[k]! += (2 / n) * (real[j]! * c + imaginary[j]! * s)
    }
  }
  real.set(m.subarray(0, h))
  imaginary.set(m.subarray(h))
}

type Complex = readonly [re: number, im: number]

/** Values of the complex polynomial c of h coefficients at exp(2*pi*i * (-3)^j / 4h), j < h (see embed-tables.ts). */
function evaluate(c: Complex[]): Complex[] {
  const h = c.length
  if (h === 1) return c
  const even = evaluate(c.filter((_, k) => k % 2 === 0))
  const odd = evaluate(c.filter((_, k) => k % 2 === 1))
  const z: Complex[] = new Array(h)
  for (let j = 0; j < h / 2; j++) {
    const [wr, wi] = unitRoot(generatorPower(j, 4 * h), 4 * h)
    const [er, ei] = even[j]!
    const [or, oi] = odd[j]!
    const tr = or * wr - oi * wi
    const ti = or * wi + oi * wr
    z[j] = [er + tr, ei + ti]
    z[j + h / 2] = [er - tr, ei - ti]
  }
  return z
}

/** The inverse of {@link evaluate}. */
function interpolate(z: Complex[]): Complex[] {
  const h = z.length
  if (h === 1) return z
  const even: Complex[] = []
  const odd: Complex[] = []
  for (let j = 0; j < h / 2; j++) {
    const [wr, wi] = unitRoot(generatorPower(j, 4 * h), 4 * h)
    const [ar, ai] = z[j]!
    const [br, bi] = z[j + h / 2]!
    const dr = (ar - br) / 2
    const di = (ai - bi) / 2
    even.push([(ar + br) / 2, (ai + bi) / 2])
    odd.push([dr * wr + di * wi, di * wr - dr * wi])
  }
  const evenPart = interpolate(even)
  const oddPart = interpolate(odd)
  return Array.from({ length: h }, (_, k) => (k % 2 === 0 ? evenPart : oddPart)[k >> 1]!)
}

/** {@link Kernels.scaleRound}. */
export function scaleRound(memory: WebAssembly.Memory, dst: Ptr, src: Ptr, n: number, scale: number): number {
  const source = new Float64Array(memory.buffer, src, n)
  const out = new Float64Array(memory.buffer, dst, n)
  let largest = 0
  for (let i = 0; i < n; i++) {
    out[i] = roundHalfEven(source[i]! * scale)
    // Math.max gives NaN as soon as one argument is.
    largest = Math.max(largest, Math.abs(out[i]!))
  }
  return largest
}

/** The nearest integer, ties to even, as IEEE 754 roundToIntegralTiesToEven and f64.nearest. */
function roundHalfEven(x: number): number {
  const below = Math.floor(x)
  const rest = x - below
  if (rest < 0.5) return below
  if (rest > 0.5) return below + 1
  return below % 2 === 0 ? below : below + 1
}

/** {@link Kernels.combine}. */
export function combine(memory: WebAssembly.Memory, dst: Ptr, a: Ptr, s: number, b: Ptr, t: number, n: number): void {
  const first = new Float64Array(memory.buffer, a, n)
  const second = new Float64Array(memory.buffer, b, n)
  const out = new Float64Array(memory.buffer, dst, n)
  for (let i = 0; i < n; i++) out[i] = first[i]! * s + second[i]! * t
}
