import { applyLinear, encodeLinear } from '../circuits/linear.ts'
import { planLinear, planRotations } from '../circuits/plan.ts'
import type { ParamsLiteral } from '../params/params.ts'
import type { Ciphertext } from '../rlwe/ciphertext.ts'
import { decrypt } from '../rlwe/decrypt.ts'
import { encryptSymmetric } from '../rlwe/encrypt-symmetric.ts'
import { createGaloisKeys, createPublicKey, createRelinearisationKey } from '../rlwe/keygen.ts'
import type { EvaluationKeys, PublicKey } from '../rlwe/keys.ts'
import { createSecretKey, type SecretKey } from '../rlwe/secret-key.ts'
import { errorBounds } from '../schemes/ckks/bound.ts'
import { type Ckks, openCkks } from '../schemes/ckks/ckks.ts'
import type { Bound, ErrorBounds } from '../schemes/ckks/error-bounds.ts'
import { difference, distance, map, product, rotated, sum, type Values, values } from './machine.ts'
import { Draw } from './random.ts'

/** One value under three interpreters: a ciphertext, plain numbers, and bounds of both kinds. */
export interface Triple extends Values {
  readonly ct: Ciphertext
  readonly bounds: readonly Bound[]
}

export const kinds = ['expected', 'worst'] as const

/** Parameters of every shape that a small ring allows: chain, special primes, digits, sizes. */
export function randomLiteral(draw: Draw): ParamsLiteral {
  const ringDegree = [64, 64, 64, 128, 128, 256, 512, 1024][draw.integer(0, 7)]!
  const levels = draw.integer(1, 5)
  const base = draw.integer(32, 50)
  const size = draw.integer(20, Math.min(46, base))
  const modulusBits = [base, ...Array.from({ length: levels }, () => Math.min(50, size + draw.integer(0, 3)))]
  const specialBits = Array.from({ length: draw.integer(1, 3) }, () => draw.integer(Math.max(base, 40), 50))
  const digitSize = Math.min(draw.integer(1, specialBits.length), levels + 1)
  return { scheme: 'ckks', security: 'INSECURE', ringDegree, modulusBits, specialBits, digitSize }
}

/** Runs operations on ciphertexts, plain numbers and bounds at once. */
export class Triples {
  readonly ckks: Ckks
  readonly bounds: readonly ErrorBounds[]
  readonly slots: number
  readonly steps: readonly number[]
  readonly linearRotations: readonly number[]
  readonly secret: SecretKey
  readonly keys: EvaluationKeys
  readonly #publicKey: PublicKey
  readonly #made: Disposable[] = []

  constructor(literal: ParamsLiteral, more: { steps?: readonly number[]; linearRotations?: readonly number[] } = {}) {
    this.ckks = openCkks(literal)
    this.bounds = kinds.map((kind) => errorBounds(this.ckks.params, { kind }))
    this.slots = this.ckks.params.slots
    this.steps = more.steps ?? [1, -3, this.slots / 4]
    this.linearRotations = more.linearRotations ?? [0, 1, 2, 3, this.slots / 4, this.slots - 1]
    this.secret = createSecretKey(this.ckks)
    this.#publicKey = createPublicKey(this.ckks, this.secret)
    const rotations = [...this.steps, ...planRotations(planLinear(this.linearRotations, this.slots))]
    this.keys = {
      relinearisation: createRelinearisationKey(this.ckks, this.secret),
      galois: createGaloisKeys(this.ckks, this.secret, [
        ...rotations.map((steps) => ({ steps })),
        { steps: 'conjugate' as const },
      ]),
    }
  }

  release(): void {
    for (const value of this.#made.splice(0)) value[Symbol.dispose]()
  }

  /** Bounds first: what the rules forbid, or what may not fit, is not run at all. */
  #run(f: (b: ErrorBounds, i: number) => Bound, plain: () => Values, run: () => Ciphertext): Triple | undefined {
    let bounds: Bound[]
    try {
      bounds = this.bounds.map(f)
    } catch {
      return undefined
    }
    if (bounds.some(({ error }) => error === Infinity)) return undefined
    const ct = run()
    this.#made.push(ct)
    const { re, im } = plain()
    return { re, im, ct, bounds }
  }

  encrypt(v: Values, how: 'symmetric' | 'public', level: number, scale: number): Triple | undefined {
    return this.#run(
      (b) => (how === 'public' ? b.encrypt : b.encryptSymmetric)(b.encode(v, { level, scale })),
      () => v,
      () => {
        using plain = this.ckks.encode(v, { level, scale })
        return how === 'public'
          ? this.ckks.encrypt(this.#publicKey, plain)
          : encryptSymmetric(this.ckks, this.secret, plain)
      },
    )
  }

  binary(op: 'add' | 'subtract' | 'multiply', a: Triple, b: Triple): Triple | undefined {
    const plain = { add: sum, subtract: difference, multiply: product }[op]
    return this.#run(
      (bounds, i) => bounds[op](a.bounds[i]!, b.bounds[i]!),
      () => plain(a, b),
      () => this.ckks[op](a.ct, b.ct),
    )
  }

  plain(
    op: 'addPlain' | 'subtractPlain' | 'multiplyPlain',
    a: Triple,
    v: Values,
    level: number,
    scale: number,
  ): Triple | undefined {
    const plain = { addPlain: sum, subtractPlain: difference, multiplyPlain: product }[op]
    return this.#run(
      (bounds, i) => bounds[op](a.bounds[i]!, bounds.encode(v, { level, scale })),
      () => plain(a, v),
      () => {
        using encoded = this.ckks.encode(v, { level, scale })
        return this.ckks[op](a.ct, encoded)
      },
    )
  }

  addConstant(a: Triple, value: number): Triple | undefined {
    return this.#run(
      (bounds, i) => bounds.addConstant(a.bounds[i]!, value),
      () => map(a, (re, im) => [re + value, im]),
      () => this.ckks.addConstant(a.ct, value),
    )
  }

  multiplyConstant(a: Triple, value: number, scale: number): Triple | undefined {
    return this.#run(
      (bounds, i) => bounds.multiplyConstant(a.bounds[i]!, value, scale),
      () => map(a, (re, im) => [re * value, im * value]),
      () => this.ckks.multiplyConstant(a.ct, value, scale),
    )
  }

  unary(op: 'square' | 'negate' | 'relinearise' | 'rescale' | 'conjugate', a: Triple): Triple | undefined {
    const plain: Record<typeof op, (a: Values) => Values> = {
      square: (v) => product(v, v),
      negate: (v) => map(v, (re, im) => [-re, -im]),
      relinearise: (v) => v,
      rescale: (v) => v,
      conjugate: (v) => map(v, (re, im) => [re, -im]),
    }
    return this.#run(
      (bounds, i) => bounds[op](a.bounds[i]!),
      () => plain[op](a),
      () => this.ckks[op](a.ct, this.keys),
    )
  }

  dropLevel(a: Triple, level: number): Triple | undefined {
    return this.#run(
      (bounds, i) => bounds.dropLevel(a.bounds[i]!, level),
      () => a,
      () => this.ckks.dropLevel(a.ct, level),
    )
  }

  rotate(a: Triple, steps: number, hoisted = false): Triple | undefined {
    return this.#run(
      (bounds, i) => bounds.rotate(a.bounds[i]!, steps),
      () => rotated(a, steps),
      () => {
        if (!hoisted) return this.ckks.rotate(a.ct, steps, this.keys)
        using once = this.ckks.hoist(a.ct)
        return this.ckks.rotateHoisted(once, steps, this.keys)
      },
    )
  }

  linear(a: Triple, diagonals: ReadonlyMap<number, Float64Array>, scale: number): Triple | undefined {
    const plan = planLinear([...diagonals.keys()], this.slots)
    const { level } = a.ct
    const most = new Map([...diagonals].map(([d, weights]) => [d, Math.max(...weights.map(Math.abs))]))
    return this.#run(
      (bounds, i) => bounds.applyLinear(a.bounds[i]!, bounds.encodeLinear(most, plan, { level, scale })),
      () => {
        const out = values(this.slots, [])
        for (const [d, weights] of diagonals) {
          for (let row = 0; row < this.slots; row++) {
            out.re[row]! += weights[row]! * a.re[(row + d) % this.slots]!
            out.im[row]! += weights[row]! * a.im[(row + d) % this.slots]!
          }
        }
        return out
      },
      () => {
        using transform = encodeLinear(this.ckks, diagonals, plan, { level, scale })
        return applyLinear(this.ckks, a.ct, transform, this.keys)
      },
    )
  }

  /** The largest distance of a slot from the plain numbers, and what it may be. */
  measure(a: Triple): { readonly error: number; readonly allowed: readonly number[] } {
    using plain = decrypt(this.ckks, this.secret, a.ct)
    const error = distance(this.ckks.decodeComplex(plain), a)
    return { error, allowed: a.bounds.map((bound, i) => this.bounds[i]!.decode(this.bounds[i]!.decrypt(bound)).error) }
  }
}

/** Vectors of all sorts: dense, real, constant, sparse, a single slot, on the rim of a disc. */
export function randomVector(draw: Draw, slots: number): Values {
  const most = 2 ** draw.integer(-6, 3)
  const [re, im] = [draw.reals(slots, most / Math.SQRT2), draw.reals(slots, most / Math.SQRT2)]
  switch (draw.integer(0, 6)) {
    case 0:
      return { re, im: new Float64Array(slots) }
    case 1:
      return { re: re.map(() => re[0]!), im: new Float64Array(slots) }
    case 2:
      return { re: re.map((x, i) => (i % 7 === 0 ? x : 0)), im: im.map((x, i) => (i % 11 === 0 ? x : 0)) }
    case 3: {
      const only = draw.integer(0, slots - 1)
      return { re: re.map((x, i) => (i === only ? x : 0)), im: im.map((x, i) => (i === only ? x : 0)) }
    }
    case 4:
      return { re: re.map((x) => Math.sign(x) * most), im: new Float64Array(slots) }
    default:
      return { re, im }
  }
}

/** A random circuit of about ten operations; `check` sees every value that comes out. */
export function runCircuit(triples: Triples, draw: Draw, check: (value: Triple, op: string) => void): void {
  const { ckks, slots } = triples
  const { maxLevel, primes } = ckks.params
  const scale = 2 ** (Math.log2(primes.at(-1)!) - draw.integer(0, 2)) * (draw.unit() < 0.3 ? 0.5 + draw.unit() / 2 : 1)
  const pool: Triple[] = []
  const fresh = (at: number): Triple | undefined =>
    triples.encrypt(
      randomVector(draw, slots),
      draw.unit() < 0.5 ? 'symmetric' : 'public',
      draw.unit() < 0.6 ? maxLevel : draw.integer(0, maxLevel),
      at,
    )
  const pick = (): Triple => pool[draw.unit() < 0.5 ? pool.length - 1 : draw.integer(0, pool.length - 1)]!
  const constant = (): number => (2 * draw.unit() - 1) * 2 ** draw.integer(-5, 3)
  const step = (): readonly [string, Triple | undefined] => {
    const a = pick()
    const { level } = a.ct
    const choice = draw.integer(0, 16)
    switch (choice) {
      case 0:
      case 1: {
        const partners = pool.filter(({ ct }) => Math.abs(ct.scale / a.ct.scale - 1) < 2 ** -41)
        const b = partners[draw.integer(0, partners.length - 1)]!
        const op = choice === 0 ? 'add' : 'subtract'
        return [op, triples.binary(op, a, b)]
      }
      case 2: {
        const b = fresh(a.ct.scale)
        return ['add', b && triples.binary('add', a, b)]
      }
      case 3:
      case 4: {
        const wide = triples.binary('multiply', a, pick())
        if (wide === undefined) return ['multiply', undefined]
        check(wide, 'multiply')
        if (draw.unit() < 0.2) {
          const low = triples.unary('rescale', wide)
          if (low) check(low, 'rescale of three parts')
          return ['relinearise late', low && triples.unary('relinearise', low)]
        }
        const back = triples.unary('relinearise', wide)
        if (back) check(back, 'relinearise')
        return ['rescale', back && (triples.unary('rescale', back) ?? back)]
      }
      case 5: {
        const wide = triples.unary('square', a)
        return ['square', wide && triples.unary('relinearise', wide)]
      }
      case 6: {
        const op = draw.unit() < 0.5 ? 'addPlain' : 'subtractPlain'
        if (a.ct.scale > 2 ** 90) return [op, undefined]
        return [op, triples.plain(op, a, randomVector(draw, slots), draw.integer(0, level), a.ct.scale)]
      }
      case 7:
      case 8: {
        const by = triples.plain('multiplyPlain', a, randomVector(draw, slots), level, scale)
        if (by) check(by, 'multiplyPlain')
        return ['multiplyPlain, rescale', by && (triples.unary('rescale', by) ?? by)]
      }
      case 9:
        return ['addConstant', triples.addConstant(a, constant())]
      case 10:
        return ['multiplyConstant', triples.multiplyConstant(a, constant(), draw.unit() < 0.3 ? 4 : scale)]
      case 11:
        return ['rescale', a.ct.scale > 2 ** 12 * primes[level]! ? triples.unary('rescale', a) : undefined]
      case 12:
        return ['dropLevel', level > 0 ? triples.dropLevel(a, draw.integer(0, level - 1)) : undefined]
      case 13: {
        const steps = triples.steps[draw.integer(0, triples.steps.length - 1)]!
        return ['rotate', triples.rotate(a, steps, draw.unit() < 0.5)]
      }
      case 14:
        return ['conjugate', triples.unary('conjugate', a)]
      case 15: {
        const chosen = triples.linearRotations.filter((_, i) => i === 0 || draw.unit() < 0.7)
        const diagonals = new Map(chosen.map((d) => [d, draw.reals(slots, 2 ** draw.integer(-4, 0))]))
        const out = triples.linear(a, diagonals, scale)
        if (out) check(out, 'applyLinear')
        return ['applyLinear, rescale', out && (triples.unary('rescale', out) ?? out)]
      }
      default:
        return draw.unit() < 0.5 ? ['negate', triples.unary('negate', a)] : ['fresh', fresh(scale)]
    }
  }
  for (let tries = 0; pool.length < 2 && tries < 20; tries++) {
    const value = fresh(scale)
    if (value) pool.push(value)
  }
  if (pool.length === 0) return
  for (let i = draw.integer(4, 12); i > 0; i--) {
    const [op, value] = step()
    if (value === undefined) continue
    check(value, op)
    if (value.ct.parts === 2) pool.push(value)
  }
  triples.release()
}

/**
 * Runs `sets` times `circuits` random circuits and holds every value of them to its bounds. The label and the two numbers in an error are
 * all that is needed to run one again; only encryption itself differs from run to run.
 */
export function randomCircuits(label: string, sets: number, circuits: number): void {
  let checked = 0
  for (let set = 0; set < sets; set++) {
    const literal = randomLiteral(new Draw(`${label} ${set}`))
    const triples = new Triples(literal)
    for (let circuit = 0; circuit < circuits; circuit++) {
      runCircuit(triples, new Draw(`${label} ${set} ${circuit}`), (value, op) => {
        const { error, allowed } = triples.measure(value)
        checked++
        allowed.forEach((bound, i) => {
          if (error <= bound) return
          throw new Error(
            `set ${set}, circuit ${circuit} of "${label}", ${op} at level ${value.ct.level}, scale 2^${Math.log2(value.ct.scale)}: ` +
              `error ${error} is above the ${kinds[i]} bound ${bound}; ${JSON.stringify(literal)}`,
          )
        })
      })
    }
  }
  // Circuits that come to nothing would prove nothing.
  if (checked < 4 * sets * circuits) throw new Error(`only ${checked} values in ${sets * circuits} circuits`)
}
