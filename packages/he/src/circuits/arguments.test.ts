import { describe, expect, test } from 'vitest'
import { GloveboxError } from '../base/errors.ts'
import type { ParamsLiteral } from '../params/params.ts'
import type { Ring } from '../ring/ring.ts'
import { maskWith } from '../rlwe/encrypt-public.ts'
import { encryptSymmetric } from '../rlwe/encrypt-symmetric.ts'
import { createGaloisKeys, createPublicKey, createRelinearisationKey } from '../rlwe/keygen.ts'
import { createSecretKey } from '../rlwe/secret-key.ts'
import { openBfv } from '../schemes/bfv/bfv.ts'
import { openBgv } from '../schemes/bgv/bgv.ts'
import { errorBounds } from '../schemes/ckks/bound.ts'
import { openCkks } from '../schemes/ckks/ckks.ts'
import { scaleLadder } from '../schemes/ckks/scales.ts'
import { deepLiteral } from '../test-support/automatic.ts'
import { chebyshevInterpolation } from './chebyshev.ts'
import { absolute, compare, maximum, minimum, relu, sign, step } from './compare.ts'
import { evaluatePolynomial, evaluatePolynomials } from './evaluate-polynomial.ts'
import { createEvaluator } from './evaluator.ts'
import { inverse, planInverse } from './inverse.ts'
import { applyLinear, encodeLinear } from './linear.ts'
import { linearCombinations } from './linear-combinations.ts'
import { applyMatrix, encodeMatrix } from './matrix.ts'
import { matrixLayout } from './matrix-layout.ts'
import { minimaxSign } from './minimax.ts'
import { planLinear, planRotations, rotationWork } from './plan.ts'
import { polynomialAt, polynomialDepth } from './polynomial.ts'
import { precision } from './precision.ts'
import { composeSign } from './sign-composition.ts'
import {
  average,
  blockRotations,
  innerProduct,
  mask,
  replicate,
  replicateRotations,
  replicateSlot,
  replicateSlotRotations,
  sumBlocks,
  sumRotations,
  sumSlots,
} from './sums.ts'
import { multiplyMatrix, transformSlots } from './transform.ts'
import { encodeWeights, multiplySum } from './weights.ts'

// Whatever is given in place of an argument, a public function either takes it or throws an error of ours: one that names the argument, or a
// GloveboxError with a code. What an operation took by then it gives back.

type Loose = (...operands: readonly unknown[]) => unknown
type Calls = Readonly<Record<string, readonly [call: unknown, ...operands: unknown[]]>>

const wrong: readonly unknown[] = [
  undefined,
  null,
  Number.NaN,
  -1,
  0.5,
  1e300,
  true,
  '3',
  7n,
  {},
  [],
  [null],
  [undefined, 1],
  ['x'],
  [Number.NaN],
  { length: -1 },
  { re: [1] },
  { kind: 'ciphertext' },
  { kind: 'switching-key' },
  () => 1,
]

const rawMessages =
  /Cannot (read|set|convert|destructure|mix)|is not (a function|iterable|a constructor|defined|an object)|not iterable|undefined \(|Invalid (array|typed)|Reduce of empty|object is not|Maximum call/

function give(value: unknown): void {
  if (Array.isArray(value)) value.forEach(give)
  else if (value !== null && typeof value === 'object' && Symbol.dispose in value)
    (value as Disposable)[Symbol.dispose]()
}

/** What is wrong with the way in which a call ended; undefined for nothing. */
function fault(call: unknown, operands: readonly unknown[], self?: unknown): string | undefined {
  try {
    const result = (call as Loose).apply(self, [...operands])
    if (result === undefined) return 'returned nothing'
    if (!operands.includes(result)) give(result)
    return undefined
  } catch (error) {
    if (!(error instanceof Error)) return `threw ${String(error)}`
    if (error instanceof GloveboxError) return undefined
    if (!(error instanceof TypeError || error instanceof RangeError)) return `${error.name}: ${error.message}`
    return rawMessages.test(error.message) || !/"[^"]+"/.test(error.message)
      ? `${error.name}: ${error.message}`
      : undefined
  }
}

function textOf(value: unknown): string {
  if (typeof value === 'symbol' || typeof value === 'function') return typeof value
  if (typeof value === 'bigint') return `${value}n`
  return Array.isArray(value)
    ? `[${value.map(textOf)}]`
    : typeof value === 'object' && value
      ? JSON.stringify(value)
      : String(value)
}

function faults(calls: Calls, ring: Ring | undefined, more: readonly unknown[] = []): string[] {
  const found: string[] = []
  for (const [name, [call, ...operands]] of Object.entries(calls)) {
    const attempt = (what: string, given: readonly unknown[]): void => {
      const before = ring?.memory.used
      const wrongness = fault(call, given)
      if (wrongness !== undefined) found.push(`${name}(${what}): ${wrongness}`)
      if (ring && ring.memory.used !== before) found.push(`${name}(${what}) keeps ${ring.memory.used - before!} bytes`)
    }
    for (let i = 0; i < operands.length; i++) {
      attempt(`${i} of ${operands.length} operands`, operands.slice(0, i))
      for (const value of wrong) attempt(`${i}: ${textOf(value)}`, operands.with(i, value))
      more.forEach((value, k) => {
        attempt(`${i}: value ${k} of the context`, operands.with(i, value))
      })
    }
  }
  return found
}

/** As `faults`, where tables that a call makes and keeps are there already. */
function settledFaults(calls: Calls, ring: Ring, more: readonly unknown[]): string[] {
  for (const [name, [call, ...operands]] of Object.entries(calls)) {
    try {
      give((call as Loose)(...operands))
    } catch (error) {
      throw new Error(`${name} with right operands: ${String(error)}`)
    }
  }
  faults(calls, undefined, more)
  return faults(calls, ring, more)
}

/** With each operand that holds memory disposed of: GloveboxError `disposed`, but for keys that are not needed, and the memory that was there. */
function disposedFaults(
  calls: Calls,
  ring: Ring,
  spare: (operand: unknown) => unknown,
  needless: readonly string[],
): string[] {
  const found: string[] = []
  for (const [name, [call, ...operands]] of Object.entries(calls)) {
    operands.forEach((operand, i) => {
      const dead = spare(operand)
      if (dead === undefined) return
      const before = ring.memory.used
      let ended = 'returned'
      try {
        give((call as Loose)(...operands.with(i, dead)))
      } catch (error) {
        ended = error instanceof GloveboxError ? error.code : String(error)
      }
      if (ended !== 'disposed' && !needless.includes(`${name} ${i}`))
        found.push(`${name}, operand ${i} disposed of: ${ended}`)
      if (ring.memory.used !== before)
        found.push(`${name}, operand ${i} disposed of, keeps ${ring.memory.used - before} bytes`)
    })
  }
  return found
}

function methods(api: object, operands: Readonly<Record<string, readonly unknown[]>>): Calls {
  const own = Object.entries(api).filter(([name, value]) => typeof value === 'function' && name !== 'threadsStarted')
  expect(own.map(([name]) => name).filter((name) => operands[name] === undefined)).toEqual([])
  return Object.fromEntries(own.map(([name, call]) => [name, [call, ...operands[name]!]]))
}

describe.each(['bfv', 'bgv'] as const)('%s', (name) => {
  const literal = {
    scheme: name,
    ringDegree: 64,
    modulusBits: [45, 45, 45],
    specialBits: [45],
    plaintextModulus: 257,
    security: 'INSECURE',
  } satisfies ParamsLiteral
  const scheme = name === 'bfv' ? openBfv(literal) : openBgv(literal)
  const secret = createSecretKey(scheme)
  const publicKey = createPublicKey(scheme, secret)
  const keys = {
    relinearisation: createRelinearisationKey(scheme, secret),
    galois: createGaloisKeys(scheme, secret, [{ steps: 1 }, { steps: 'conjugate' }]),
  }
  const plain = scheme.encode([1, 2, 3])
  const ct = encryptSymmetric(scheme, secret, plain)
  const low = scheme.switchModulus(ct, 1)
  const wide = scheme.multiply(ct, ct)
  const hoisted = scheme.hoist(ct)
  const calls = methods(scheme, {
    encode: [[1, 2], { level: 1 }],
    decode: [plain, { signed: true }],
    encodeCoefficients: [[1, 2], { level: 1 }],
    decodeCoefficients: [plain, { signed: true }],
    encrypt: [publicKey, plain],
    add: [ct, low],
    subtract: [low, ct],
    negate: [ct],
    addPlain: [ct, plain],
    subtractPlain: [low, plain],
    multiplyPlain: [ct, plain],
    addConstant: [ct, 5],
    multiplyConstant: [ct, 5n],
    dotPlain: [
      [ct, low],
      [plain, plain],
    ],
    multiply: [ct, low],
    square: [ct],
    relinearise: [wide, keys],
    multiplyMany: [[ct, low, ct], keys],
    exponentiate: [ct, 3, keys],
    evaluatePolynomial: [ct, [1, 2, 3, 4], keys],
    switchModulus: [ct, 0],
    rotateRows: [ct, 1, keys],
    rotateColumns: [ct, keys],
    hoist: [ct],
    rotateRowsHoisted: [hoisted, 1, keys],
    encodeWeights: [[[[1], null]], { level: 0 }],
    together: [[() => scheme.negate(ct)]],
    interruptible: [new AbortController().signal, () => scheme.negate(ct)],
  })

  test('wrong operands', () => {
    expect(
      settledFaults(calls, scheme.ring, [ct, plain, hoisted, publicKey, keys.relinearisation, [ct, plain]]),
    ).toEqual([])
  })

  test('operands that were disposed of', () => {
    const deadPlain = scheme.encode([1])
    const dead = encryptSymmetric(scheme, secret, deadPlain)
    const deadLow = scheme.switchModulus(dead, 1)
    const deadWide = scheme.multiply(dead, dead)
    const deadHoisted = scheme.hoist(dead)
    const deadKeys = {
      relinearisation: createRelinearisationKey(scheme, secret),
      galois: createGaloisKeys(scheme, secret, [{ steps: 1 }, { steps: 'conjugate' }]),
    }
    const deadPublic = createPublicKey(scheme, secret)
    for (const value of [dead, deadPlain, deadLow, deadWide, deadHoisted, deadPublic]) give(value)
    for (const value of [deadKeys.relinearisation, ...deadKeys.galois.values()]) give(value)
    const replaced = new Map<unknown, unknown>([
      [ct, dead],
      [low, deadLow],
      [plain, deadPlain],
      [wide, deadWide],
      [hoisted, deadHoisted],
      [keys, deadKeys],
      [publicKey, deadPublic],
    ])
    const spare = (operand: unknown): unknown =>
      Array.isArray(operand) && replaced.has(operand.at(-1))
        ? operand.with(-1, replaced.get(operand.at(-1)))
        : replaced.get(operand)
    const others = {
      ...calls,
      multiplyMany: [scheme.multiplyMany, [ct, low], keys],
      copy: [scheme.relinearise, ct, keys],
      still: [scheme.rotateRows, ct, 0, keys],
      stillHoisted: [scheme.rotateRowsHoisted, hoisted, 0, keys],
      same: [scheme.switchModulus, ct, 2],
      one: [scheme.multiplyMany, [ct], keys],
      first: [scheme.exponentiate, ct, 1, keys],
      alike: [scheme.add, ct, ct],
      line: [scheme.evaluatePolynomial, ct, [1, 2], keys],
    } satisfies Calls
    const needless = ['copy 1', 'still 2', 'stillHoisted 2', 'one 1', 'first 2', 'line 2']
    expect(disposedFaults(others, scheme.ring, spare, needless)).toEqual([])
  })
})

describe('ckks', () => {
  const ckks = openCkks(deepLiteral(64, 4))
  const secret = createSecretKey(ckks)
  const publicKey = createPublicKey(ckks, secret)
  const requests = [1, 2, 3, 4, 8, 16, -1, -2].map((steps) => ({ steps }))
  const newKeys = () => ({
    relinearisation: createRelinearisationKey(ckks, secret),
    galois: createGaloisKeys(ckks, secret, [...requests, { steps: 'conjugate' }]),
  })
  const keys = newKeys()
  const scale = 2 ** 40
  const evaluator = createEvaluator(ckks, { scale, keys })
  const plain = evaluator.encode([1, 2])
  const ct = encryptSymmetric(ckks, secret, plain)
  const wide = ckks.multiply(ct, ct)
  const hoisted = ckks.hoist(ct)
  const ones = new Float64Array(32).fill(1)
  const plan = planLinear([0, 1, 2, 3], 32)
  const diagonals = new Map([
    [0, ones],
    [1, ones],
    [3, ones],
  ])
  const place = { level: 4, scale: evaluator.ladder.at(4) }
  const transform = encodeLinear(ckks, diagonals, plan, place)
  const rows = [
    [1, 2],
    [3, 4],
  ]
  const matrix = encodeMatrix(ckks, rows, place)
  const polynomials = [[[1, 2], null]]
  const weights = encodeWeights(ckks, polynomials, place)
  const composition = composeSign({ alpha: 1 })
  const line = { basis: 'monomial', coefficients: [1, 2, 3] } as const
  const arched = { basis: 'chebyshev', coefficients: [1, 2, 3], interval: [-3, 5] } as const

  const operations = methods(ckks, {
    encode: [[1], { level: 1, scale }],
    encodeCoefficients: [[1], { level: 1, scale }],
    decode: [plain],
    decodeComplex: [plain],
    decodeCoefficients: [plain],
    encrypt: [publicKey, plain],
    add: [ct, ct],
    subtract: [ct, ct],
    negate: [ct],
    addPlain: [ct, plain],
    subtractPlain: [ct, plain],
    addConstant: [ct, 1],
    multiplyPlain: [ct, plain],
    multiplyConstant: [ct, 2, 4],
    multiply: [ct, ct],
    square: [ct],
    relinearise: [wide, keys],
    rescale: [wide],
    dropLevel: [ct, 1],
    rotate: [ct, 1, keys],
    conjugate: [ct, keys],
    hoist: [ct],
    rotateHoisted: [hoisted, 1, keys],
    together: [[() => ckks.negate(ct)]],
    interruptible: [new AbortController().signal, () => ckks.negate(ct)],
  })
  const automatic = methods(evaluator, {
    encode: [[1], 1],
    encrypt: [publicKey, [1], 1],
    add: [ct, ct],
    subtract: [ct, ct],
    negate: [ct],
    multiply: [ct, ct],
    square: [ct],
    dot: [[ct], [ct]],
    rotate: [ct, 1],
    conjugate: [ct],
    bring: [ct, 1],
    align: [ct, ct],
  })
  const circuits: Calls = {
    createEvaluator: [createEvaluator, ckks, { scale, keys }],
    at: [evaluator.ladder.at, 1],
    scaleLadder: [scaleLadder, ckks.params, scale, { level: 1 }],
    sign: [sign, evaluator, ct, composition],
    step: [step, evaluator, ct, composition],
    relu: [relu, evaluator, ct, composition],
    absolute: [absolute, evaluator, ct, composition],
    compare: [compare, evaluator, ct, ct, composition],
    maximum: [maximum, evaluator, ct, ct, composition],
    minimum: [minimum, evaluator, ct, ct, composition],
    evaluatePolynomial: [evaluatePolynomial, evaluator, ct, line],
    'evaluatePolynomial in an interval': [evaluatePolynomial, evaluator, ct, arched],
    evaluatePolynomials: [evaluatePolynomials, evaluator, ct, [line, line], [0, 1, -1]],
    inverse: [inverse, evaluator, ct, { range: [1, 4], precision: 4 }],
    planInverse: [planInverse, { range: [1, 2], precision: 4 }],
    sumSlots: [sumSlots, evaluator, ct, 2, 2],
    sumRotations: [sumRotations, 3, 2],
    replicate: [replicate, evaluator, ct, 2, 1],
    replicateRotations: [replicateRotations, 3, 2],
    mask: [mask, evaluator, ct, () => true, 2],
    blockRotations: [blockRotations, 32, 2],
    sumBlocks: [sumBlocks, evaluator, ct, 2, 2],
    average: [average, evaluator, ct, 2],
    replicateSlot: [replicateSlot, evaluator, ct, 3],
    replicateSlotRotations: [replicateSlotRotations, 32],
    innerProduct: [innerProduct, evaluator, ct, ct, 2],
    encodeLinear: [encodeLinear, ckks, diagonals, plan, place],
    applyLinear: [applyLinear, ckks, ct, transform, keys],
    encodeMatrix: [encodeMatrix, ckks, rows, place],
    applyMatrix: [applyMatrix, ckks, [ct], matrix, keys],
    encodeWeights: [encodeWeights, ckks, polynomials, place],
    multiplySum: [multiplySum, ckks, [ct, ct], weights],
    linearCombinations: [linearCombinations, ckks, [ct, ct], [[1, 2]], { scale: 2 }],
    'linearCombinations of sparse rows': [
      linearCombinations,
      ckks,
      [ct, ct],
      [{ indices: [1], values: [2] }],
      { scale: 2, level: 1 },
    ],
    maskWith: [maskWith, ckks, ct, ct],
    transformSlots: [transformSlots, evaluator, ct, transform],
    multiplyMatrix: [multiplyMatrix, evaluator, [ct], matrix],
    matrixLayout: [matrixLayout, 2, 2, 32, false],
    planLinear: [planLinear, [0, 1], 32, { baby: 1, giant: 5 }],
    planRotations: [planRotations, plan],
    rotationWork: [rotationWork, ckks.params, 1],
    composeSign: [composeSign, { alpha: 1 }],
    minimaxSign: [minimaxSign, 3, 0.1],
    chebyshevInterpolation: [chebyshevInterpolation, Math.exp, [0, 1], 3],
    polynomialAt: [polynomialAt, line, 2],
    polynomialDepth: [polynomialDepth, line],
    precision: [precision, [1], [1]],
  }

  test.each(Object.entries({ operations, automatic, circuits }))('wrong operands of %s', (_name, calls) => {
    const others = [
      ct,
      plain,
      hoisted,
      publicKey,
      keys,
      keys.relinearisation,
      transform,
      matrix,
      weights,
      [ct, plain],
      evaluator,
    ]
    expect(settledFaults(calls, ckks.ring, others)).toEqual([])
  })

  test('operands that were disposed of', () => {
    const deadPlain = evaluator.encode([1])
    const dead = encryptSymmetric(ckks, secret, deadPlain)
    const deadWide = ckks.multiply(dead, dead)
    const deadHoisted = ckks.hoist(dead)
    const deadKeys = newKeys()
    const deadPublic = createPublicKey(ckks, secret)
    const deadTransform = encodeLinear(ckks, diagonals, plan, place)
    const deadMatrix = encodeMatrix(ckks, rows, place)
    const deadWeights = encodeWeights(ckks, polynomials, place)
    for (const value of [dead, deadPlain, deadWide, deadHoisted, deadPublic, deadTransform, deadMatrix, deadWeights])
      give(value)
    for (const value of [deadKeys.relinearisation, ...deadKeys.galois.values()]) give(value)
    const replaced = new Map<unknown, unknown>([
      [ct, dead],
      [plain, deadPlain],
      [wide, deadWide],
      [hoisted, deadHoisted],
      [keys, deadKeys],
      [publicKey, deadPublic],
      [transform, deadTransform],
      [matrix, deadMatrix],
      [weights, deadWeights],
      [evaluator, createEvaluator(ckks, { scale, keys: deadKeys })],
    ])
    const spare = (operand: unknown): unknown =>
      Array.isArray(operand) && replaced.has(operand.at(-1))
        ? operand.with(-1, replaced.get(operand.at(-1)))
        : replaced.get(operand)
    const { createEvaluator: _, ...rest } = circuits
    const others: Calls = {
      ...operations,
      ...automatic,
      ...rest,
      copy: [ckks.relinearise, ct, keys],
      still: [ckks.rotate, ct, 0, keys],
      stillHoisted: [ckks.rotateHoisted, hoisted, 0, keys],
      alone: [sumSlots, evaluator, ct, 1],
      times: [evaluator.multiply, ct, 0.5],
      timesSlots: [evaluator.multiply, ct, [0.5]],
      plusSlots: [evaluator.add, ct, [0.5]],
      plusPlain: [evaluator.add, ct, plain],
    }
    const needless = ['copy 1', 'still 2', 'stillHoisted 2', 'alone 0', 'mask 0']
    expect(disposedFaults(others, ckks.ring, spare, needless)).toEqual([])
  })

  const bounds = errorBounds(ckks.params)
  const fresh = bounds.encrypt(bounds.encode(1, { scale }))
  const encoded = bounds.encode(1, { scale })
  test('wrong operands of bounds', () => {
    const weights = new Map([[0, 1]])
    const calls = methods(bounds, {
      encode: [1, { scale }],
      encrypt: [encoded],
      encryptSymmetric: [encoded],
      decrypt: [fresh],
      decode: [encoded],
      add: [fresh, fresh],
      subtract: [fresh, fresh],
      negate: [fresh],
      addPlain: [fresh, encoded],
      subtractPlain: [fresh, encoded],
      addConstant: [fresh, 1],
      multiplyPlain: [fresh, encoded],
      multiplyConstant: [fresh, 1, 2],
      multiply: [fresh, fresh],
      square: [fresh],
      relinearise: [fresh],
      rescale: [bounds.multiply(fresh, fresh)],
      dropLevel: [fresh, 1],
      rotate: [fresh, 1],
      conjugate: [fresh],
      hoist: [fresh],
      rotateHoisted: [fresh, 1],
      encodeLinear: [weights, { babies: [0], giants: [0] }, place],
      applyLinear: [fresh, bounds.encodeLinear(weights, { babies: [0], giants: [0] }, place)],
      assume: [fresh, 1],
    })
    expect(faults({ ...calls, errorBounds: [errorBounds, ckks.params, { kind: 'worst' }] }, undefined)).toEqual([])
  })
})
