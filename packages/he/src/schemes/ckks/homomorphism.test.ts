import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Machine, magnitude, type Tracked, type Values, values } from '../../test-support/machine.ts'
import { Draw } from '../../test-support/random.ts'

// Random circuits, run on ciphertexts and on plain numbers at once: the two must stay within what the theory of the noise allows.

type Step =
  | { readonly op: 'add' | 'subtract' | 'multiply'; readonly a: number; readonly b: number }
  | { readonly op: 'addPlain' | 'subtractPlain' | 'multiplyPlain'; readonly a: number; readonly label: number }
  | { readonly op: 'addConstant' | 'multiplyConstant'; readonly a: number; readonly value: number }
  | { readonly op: 'negate' | 'conjugate' | 'square' | 'rescale' | 'dropLevel' | 'fresh'; readonly a: number }
  | { readonly op: 'rotate'; readonly a: number; readonly steps: number }

const operand = fc.nat({ max: 100 })
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({ op: fc.constantFrom('add' as const, 'subtract' as const, 'multiply' as const), a: operand, b: operand }),
  fc.record({
    op: fc.constantFrom('addPlain' as const, 'subtractPlain' as const, 'multiplyPlain' as const),
    a: operand,
    label: fc.nat({ max: 999 }),
  }),
  fc.record({
    op: fc.constantFrom('addConstant' as const, 'multiplyConstant' as const),
    a: operand,
    value: fc.double({ min: -1.5, max: 1.5, noNaN: true }),
  }),
  fc.record({
    op: fc.constantFrom(
      'negate' as const,
      'conjugate' as const,
      'square' as const,
      'rescale' as const,
      'dropLevel' as const,
      'fresh' as const,
    ),
    a: operand,
  }),
  fc.record({ op: fc.constant('rotate' as const), a: operand, steps: fc.constantFrom(1, -3, 8) }),
)

const insecure = { scheme: 'ckks', security: 'INSECURE' } as const
describe.each([
  {
    backend: 'wasm-fused',
    scale: 2 ** 40,
    literal: { ...insecure, ringDegree: 1024, modulusBits: [50, 40, 40, 40, 40], specialBits: [50, 50] },
  },
  {
    backend: 'wasm-fused',
    scale: 2 ** 30,
    literal: { ...insecure, ringDegree: 2048, modulusBits: [45, 30, 30, 30], specialBits: [45] },
  },
  {
    backend: 'wasm',
    scale: 2 ** 45,
    literal: { ...insecure, ringDegree: 512, modulusBits: [50, 45, 45], specialBits: [50, 50, 50] },
  },
] as const)('random circuits on $backend, $literal', ({ backend, scale, literal }) => {
  const machine = new Machine(backend, literal, scale, [
    { steps: 1 },
    { steps: -3 },
    { steps: 8 },
    { steps: 'conjugate' },
  ])
  const { slots } = machine
  const vector = (label: number): Values => {
    const draw = new Draw(`circuit ${label}`)
    return values(slots, draw.reals(slots, 0.5), draw.reals(slots, 0.5))
  }
  const fits = (t: Tracked): boolean => machine.room(t.ct.level, t.ct.scale, magnitude(t) + t.error) > 0
  const multiplies = (t: Tracked): boolean =>
    machine.room(t.ct.level, t.ct.scale * scale, 1 + 2 * magnitude(t) + t.error) > 0

  /** One step, or undefined where it makes no sense for its operands. */
  function apply(s: Step, pool: readonly Tracked[]): Tracked | undefined {
    const a = pool[s.a % pool.length]!
    switch (s.op) {
      case 'add':
      case 'subtract': {
        const b = pool[s.b % pool.length]!
        return Math.abs(a.ct.scale / b.ct.scale - 1) < 2 ** -41 ? machine[s.op](a, b) : undefined
      }
      case 'multiply': {
        const b = pool[s.b % pool.length]!
        const level = Math.min(a.ct.level, b.ct.level)
        if (machine.room(level, a.ct.scale * b.ct.scale, 1 + magnitude(a) * magnitude(b)) <= 1) return undefined
        return machine.relinearise(machine.multiply(a, b))
      }
      case 'square':
        return machine.room(a.ct.level, a.ct.scale ** 2, 1 + magnitude(a) ** 2) > 1
          ? machine.relinearise(machine.square(a))
          : undefined
      case 'addPlain':
      case 'subtractPlain':
        // The encoder's coefficients end at 2^99.
        return a.ct.scale < 2 ** 98 && machine.room(a.ct.level, a.ct.scale, 1) > 0
          ? machine[s.op](a, vector(s.label))
          : undefined
      case 'multiplyPlain':
        return multiplies(a) ? machine.multiplyPlain(a, vector(s.label)) : undefined
      case 'addConstant':
        return machine.room(a.ct.level, a.ct.scale, 2) > 0 ? machine.addConstant(a, s.value) : undefined
      case 'multiplyConstant':
        return multiplies(a) ? machine.multiplyConstant(a, s.value) : undefined
      case 'negate':
      case 'conjugate':
        return machine[s.op](a)
      case 'rotate':
        return machine.rotate(a, s.steps)
      case 'rescale':
        return a.ct.level > 0 && a.ct.scale > scale * 2 ** 10 ? machine.rescale(a) : undefined
      case 'dropLevel':
        return a.ct.level > 0 && machine.room(a.ct.level - 1, a.ct.scale, 1 + magnitude(a)) > 0
          ? machine.dropLevel(a, a.ct.level - 1)
          : undefined
      case 'fresh':
        return machine.encrypt(vector(s.a), s.a % 2 === 0 ? 'symmetric' : 'public')
    }
  }

  test('every value decrypts to what the plain numbers say, within the bound', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 3, maxLength: 16 }), (steps) => {
        const pool: Tracked[] = [machine.encrypt(vector(1)), machine.encrypt(vector(2), 'public')]
        for (const s of steps) {
          const result = apply(s, pool)
          if (result === undefined || !fits(result)) continue
          expect(machine.measure(result), s.op).toBeLessThanOrEqual(result.error)
          pool.push(result)
        }
        machine.release()
      }),
      { numRuns: 25 },
    )
  })

  test('laws: sums commute and associate, products distribute, rotation is an automorphism', () => {
    const [a, b, c] = [machine.encrypt(vector(1)), machine.encrypt(vector(2)), machine.encrypt(vector(3))]
    const same = (x: Tracked, y: Tracked): void => {
      expect(machine.measure(machine.subtract(x, y))).toBeLessThanOrEqual(x.error + y.error)
    }
    const m = machine
    same(m.add(a, b), m.add(b, a))
    same(m.add(m.add(a, b), c), m.add(a, m.add(b, c)))
    same(m.multiply(a, b), m.multiply(b, a))
    same(m.multiply(a, m.add(b, c)), m.add(m.multiply(a, b), m.multiply(a, c)))
    same(m.square(m.add(a, b)), m.add(m.add(m.square(a), m.multiply(a, b)), m.add(m.multiply(b, a), m.square(b))))
    same(m.rotate(m.relinearise(m.multiply(a, b)), 1), m.relinearise(m.multiply(m.rotate(a, 1), m.rotate(b, 1))))
    same(m.conjugate(m.rotate(a, 8)), m.rotate(m.conjugate(a), 8))
    same(m.rotate(m.add(a, b), -3), m.add(m.rotate(a, -3), m.rotate(b, -3)))
    same(m.rescale(m.relinearise(m.multiply(a, b))), m.relinearise(m.rescale(m.multiply(a, b))))
  })
})
