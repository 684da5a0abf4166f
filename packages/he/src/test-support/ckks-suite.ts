import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Backend } from '../backend/backend.ts'
import { applyLinear, encodeLinear } from '../circuits/linear.ts'
import { planLinear, planRotations } from '../circuits/plan.ts'
import { createParams, type ParamsLiteral } from '../params/params.ts'
import { doubleBound, encodingBound } from '../rlwe/error-bound.ts'
import { createGaloisKeys, createRelinearisationKey } from '../rlwe/keygen.ts'
import { distance, Machine, magnitude, room, type Tracked, type Values, values } from './machine.ts'
import { Draw } from './random.ts'
import { residuesOf } from './small.ts'

export interface SuiteCase {
  readonly backend: Backend['name']
  /** Default 1. */
  readonly threads?: number
  readonly literal: ParamsLiteral
  /** log2 of the scale. */
  readonly scale: number
}

export function caseName({ backend, threads = 1, literal, scale }: SuiteCase): string {
  const special = literal.specialBits.length > 0 ? ` + ${literal.specialBits.join()}` : ''
  const alpha = literal.digitSize ?? Math.max(1, literal.specialBits.length)
  return `${backend}${threads > 1 ? ` on ${threads} threads` : ''}, N = ${literal.ringDegree}, ${literal.modulusBits.join()}${special}, digits of ${alpha}, scale 2^${scale}`
}

/** Bounds may be this many bits above what is measured. */
const slack = 2 ** 10

/** All residues, balanced: a residue has more than one reduced form. */
/** CKKS as a user meets it, for one set of parameters on one backend; every error is held to the bound that the theory gives. */
export function ckksSuite(subject: SuiteCase): void {
  const { literal } = subject
  const scale = 2 ** subject.scale
  const slots = literal.ringDegree / 2
  const top = literal.modulusBits.length - 1
  const switching = literal.specialBits.length > 0
  const steps = [1, -1, 2, slots / 2 + 1, 5] as const

  describe(caseName(subject), () => {
    const params = createParams(literal)
    // Opened late and let go early: all suites of a file are described before the first test runs.
    let machine: Machine
    beforeAll(async () => {
      const rotations = [...steps.map((s) => ({ steps: s })), { steps: 'conjugate' } as const]
      machine = new Machine(subject.backend, literal, scale, rotations, subject.threads)
      expect(await machine.ckks.threadsStarted()).toBe(subject.threads ?? 1)
    })
    afterEach(() => machine.release())
    afterAll(() => {
      machine?.ckks[Symbol.dispose]()
      machine = undefined as unknown as Machine
    })
    const draw = new Draw(caseName(subject).slice(-32))
    const real = (most = 1): Values => values(slots, draw.reals(slots, most))
    const complex = (most = 1): Values => values(slots, draw.reals(slots, most / 2), draw.reals(slots, most / 2))
    /** Products exist where the modulus has room for the square of the scale. */
    const multiplies = room(params, top, scale * scale, 1) > 0
    const scaleOf = (level: number): number => Math.min(scale, 2 ** Math.floor(room(params, level, 1, 2)))

    /** Holds the error to the bound, and the bound to within `slack` of the error. */
    function check(a: Tracked, tight = true): void {
      const measured = machine.measure(a)
      expect(measured, `error 2^${Math.log2(measured).toFixed(1)}`).toBeLessThanOrEqual(a.error)
      if (tight) expect(a.error / slack, `error 2^${Math.log2(measured).toFixed(1)}`).toBeLessThan(measured)
    }

    test('decodes what it encoded, at every level, to the rounding of coefficients', () => {
      for (let level = 0; level <= top; level++) {
        const at = scaleOf(level)
        for (const v of [real(), complex(), values(slots, [0.5]), values(slots, [])]) {
          using plaintext = machine.ckks.encode(v, { level, scale: at })
          expect(plaintext).toMatchObject({ level, scale: at })
          const decoded = machine.ckks.decodeComplex(plaintext)
          expect(distance(decoded, v)).toBeLessThanOrEqual(encodingBound(machine.n, at / 2) / at + doubleBound(1))
          expect(machine.ckks.decode(plaintext)).toEqual(decoded.re)
        }
      }
    })

    test('takes plain arrays, and fills up with zeros', () => {
      // What an earlier vector left in memory must not show.
      machine.ckks.encode(new Array(slots).fill(1), { scale: scaleOf(top) })[Symbol.dispose]()
      using plaintext = machine.ckks.encode([1, -0.5, 0.25], { scale: scaleOf(top) })
      const expected = values(slots, [1, -0.5, 0.25])
      expect(distance(machine.ckks.decodeComplex(plaintext), expected)).toBeLessThanOrEqual(
        encodingBound(machine.n, scaleOf(top)) / scaleOf(top) + doubleBound(1),
      )
    })

    test('encodes coefficients', () => {
      const at = scaleOf(top)
      const coefficients = draw.reals(2 * slots)
      using plaintext = machine.ckks.encodeCoefficients(coefficients, { scale: at })
      machine.ckks.decodeCoefficients(plaintext).forEach((c, i) => {
        expect(Math.abs(c - coefficients[i]!)).toBeLessThanOrEqual(0.5 / at + 2 ** -52)
      })
    })

    test.each(['symmetric', 'public'] as const)('encrypts at every level: %s', (how) => {
      for (let level = 0; level <= top; level++) {
        const fresh = machine.encrypt(complex(), how, level, scaleOf(level))
        expect(fresh.ct).toMatchObject({ level, parts: 2 })
        expect(fresh.ct.seed !== undefined).toBe(how === 'symmetric')
        check(fresh)
      }
    })

    test('two encryptions of one message share no residue to speak of', () => {
      const v = real()
      for (const how of ['symmetric', 'public'] as const) {
        const [a, b] = [residuesOf(machine.encrypt(v, how).ct), residuesOf(machine.encrypt(v, how).ct)]
        expect(a.filter((x, i) => x === b[i]).length).toBeLessThan(20)
      }
    })

    test('adds, subtracts, negates', () => {
      const a = machine.encrypt(complex())
      const b = machine.encrypt(complex(), 'public')
      check(machine.add(a, b))
      check(machine.subtract(a, b))
      check(machine.subtract(b, a))
      check(machine.negate(a))
      check(machine.add(a, a))
      const nothing = machine.subtract(a, a)
      expect(machine.measure(nothing)).toBe(0)
    })

    test('adds and subtracts plaintexts and constants', () => {
      const a = machine.encrypt(complex())
      check(machine.addPlain(a, complex()))
      check(machine.subtractPlain(a, complex()))
      check(machine.addConstant(a, 0.75))
      check(machine.addConstant(a, -0.3))
      check(machine.addConstant(a, 0))
      expect(machine.addConstant(a, 1).ct.seed, 'part 1 is what the seed says').toEqual(a.ct.seed)
    })

    test('multiplies by an integer at scale 1 without using a level', () => {
      const a = machine.encrypt(complex(0.25))
      const doubled = machine.multiplyConstant(a, -2, 1)
      expect(doubled.ct).toMatchObject({ level: top, scale: a.ct.scale })
      // An integer is not rounded.
      check({ ...doubled, error: 2 * a.error })
    })

    test.runIf(multiplies)('multiplies by plaintexts and constants', () => {
      const a = machine.encrypt(complex())
      for (const product of [
        machine.multiplyPlain(a, complex()),
        machine.multiplyConstant(a, 0.7),
        machine.multiplyConstant(a, -1),
        machine.multiplyConstant(a, 0),
      ]) {
        expect(product.ct.scale).toBe(scale * scale)
        check(product, magnitude(product) > 0)
        if (top > 0) check(machine.rescale(product), magnitude(product) > 0)
      }
    })

    test.runIf(multiplies)('multiplies and squares: three parts that decrypt', () => {
      const a = machine.encrypt(complex())
      const b = machine.encrypt(complex())
      const product = machine.multiply(a, b)
      expect(product.ct).toMatchObject({ parts: 3, scale: scale * scale, level: top })
      check(product)
      check(machine.square(a))
      check(machine.add(product, machine.square(a)))
      // Sums of two and three parts.
      const wide = machine.multiplyConstant(machine.encrypt(complex()), 1, scale)
      check(machine.add(product, wide))
      check(machine.subtract(wide, product))
      check(machine.subtract(product, wide))
    })

    test.runIf(multiplies && switching)('relinearises before or after rescaling', () => {
      const product = machine.multiply(machine.encrypt(complex()), machine.encrypt(complex()))
      const early = machine.relinearise(product)
      expect(early.ct.parts).toBe(2)
      check(early)
      if (top === 0) return
      const late = machine.relinearise(machine.rescale(product))
      expect(late.ct).toMatchObject({ parts: 2, level: top - 1, scale: (scale * scale) / params.primes[top]! })
      check(late)
      check(machine.rescale(early))
      using copy = machine.ckks.relinearise(late.ct, machine.keys)
      expect(residuesOf(copy), 'two parts are copied').toEqual(residuesOf(late.ct))
    })

    test.runIf(multiplies && switching && top > 0)('uses up the whole chain', () => {
      let x = machine.encrypt(complex(1.2))
      while (x.ct.level > 0 && machine.room(x.ct.level, x.ct.scale ** 2, magnitude(x) ** 2) > 0) {
        x = machine.relinearise(machine.rescale(machine.square(x)))
        if (machine.room(x.ct.level, x.ct.scale, magnitude(x)) < 0) return
        check(x)
      }
      expect(x.ct.level).toBeLessThan(top)
    })

    test('drops levels without touching the message', () => {
      const a = machine.encrypt(complex(), 'symmetric', top, scaleOf(0))
      for (let level = top; level >= 0; level--) {
        const low = machine.dropLevel(a, level)
        expect(low.ct.level).toBe(level)
        check(low)
      }
    })

    test('operands at different levels meet at the lower one', () => {
      const at = scaleOf(0)
      const a = machine.encrypt(complex(0.4), 'symmetric', top, at)
      for (let level = 0; level <= top; level++) {
        const b = machine.encrypt(complex(0.4), 'symmetric', level, at)
        for (const [x, y] of [
          [a, b],
          [b, a],
        ] as const) {
          const sum = machine.add(x, y)
          expect(sum.ct.level).toBe(level)
          check(sum)
          if (machine.room(level, at * at, 1) > 0) check(machine.multiply(x, y))
        }
        const v = real(0.4)
        using plaintext = machine.ckks.encode(v, { level, scale: at })
        using sum = machine.ckks.addPlain(a.ct, plaintext)
        expect(sum.level).toBe(level)
      }
    })

    test.runIf(switching)('rotates left, right, not at all, and by more than all slots', () => {
      const a = machine.encrypt(complex())
      for (const s of steps) check(machine.rotate(a, s))
      check(machine.rotate(a, 1 + 3 * slots))
      check(machine.rotate(a, 2 - 5 * slots))
      for (const none of [0, slots, -7 * slots]) {
        const same = machine.rotate(a, none)
        expect(residuesOf(same.ct)).toEqual(residuesOf(a.ct))
        expect(same.ct.slab.ptr, 'a value of its own').not.toBe(a.ct.slab.ptr)
      }
      check(machine.rotate(machine.rotate(a, 1), -1))
    })

    test.runIf(switching)('conjugates', () => {
      const a = machine.encrypt(complex())
      check(machine.conjugate(a))
      const twice = machine.add(a, machine.conjugate(a))
      check(twice)
      expect(magnitude({ re: new Float64Array(slots), im: machine.decrypt(twice.ct).im })).toBeLessThanOrEqual(
        twice.error,
      )
    })

    test.runIf(switching)('a hoisted rotation is the rotation, residue by residue', () => {
      const a = machine.encrypt(complex()).ct
      using hoisted = machine.ckks.hoist(a)
      for (const s of [...steps, 0]) {
        using fast = machine.ckks.rotateHoisted(hoisted, s, machine.keys)
        using slow = machine.ckks.rotate(a, s, machine.keys)
        expect(residuesOf(fast)).toEqual(residuesOf(slow))
      }
    })

    test.runIf(switching)('rotates and conjugates at every level', () => {
      for (let level = 0; level <= top; level++) {
        const a = machine.encrypt(complex(), 'symmetric', level, scaleOf(level))
        check(machine.rotate(a, 1))
        check(machine.conjugate(a))
      }
    })

    test.runIf(switching)('keys made for a lower level work there and below', () => {
      for (let made = 0; made < top; made++) {
        const keys = {
          relinearisation: createRelinearisationKey(machine.ckks, machine.secret, { level: made }),
          galois: createGaloisKeys(machine.ckks, machine.secret, [{ steps: 3, level: made }]),
        }
        for (let level = 0; level <= made; level++) {
          const a = machine.encrypt(complex(), 'symmetric', level, scaleOf(level))
          check(machine.rotate(a, 3, keys))
          const root = 2 ** Math.floor(Math.log2(scaleOf(level)) / 2)
          const b = machine.encrypt(complex(), 'symmetric', level, root)
          check(machine.relinearise(machine.multiply(b, b), keys))
          machine.release()
        }
        for (const key of [keys.relinearisation, ...keys.galois.values()]) key[Symbol.dispose]()
      }
    })

    test.runIf(multiplies && switching)('applies a matrix as the plain product does', () => {
      // A band and two outliers, with a giant step among them.
      const rotations = [0, 1, 2, 3, slots / 4, slots / 4 + 1, slots - 1]
      const diagonals = new Map(rotations.map((d) => [d, draw.reals(slots, 0.25)]))
      const plan = planLinear(rotations, slots)
      const galois = createGaloisKeys(
        machine.ckks,
        machine.secret,
        planRotations(plan).map((s) => ({ steps: s })),
      )
      using transform = encodeLinear(machine.ckks, diagonals, plan, { level: top, scale })
      const a = machine.encrypt(complex())
      using ct = applyLinear(machine.ckks, a.ct, transform, { relinearisation: undefined, galois })
      for (const key of galois.values()) key[Symbol.dispose]()
      const expected = values(slots, [])
      for (let row = 0; row < slots; row++) {
        for (const [d, weights] of diagonals) {
          expected.re[row]! += weights[row]! * a.re[(row + d) % slots]!
          expected.im[row]! += weights[row]! * a.im[(row + d) % slots]!
        }
      }
      // The same with bounds: rotate by babies, weigh, sum, rotate by giants, sum.
      const zero = machine.encrypt(a)
      const turn = machine.rotate(zero, 1).error - zero.error
      const weights = encodingBound(machine.n) / scale
      const perTerm = (a.error + turn) * (0.25 + weights) + weights
      const giants = plan.giants.length * (turn / scale)
      check({ ...expected, ct, error: rotations.length * perTerm + giants })
      expect(ct).toMatchObject({ level: top, scale: scale * scale, parts: 2 })
    })
  })
}
