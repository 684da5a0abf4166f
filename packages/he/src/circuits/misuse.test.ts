import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { automatic, deepLiteral } from '../test-support/automatic.ts'
import { absolute, compare, maximum, minimum, relu, sign, step } from './compare.ts'
import { evaluatePolynomial, evaluatePolynomials } from './evaluate-polynomial.ts'
import { createEvaluator } from './evaluator.ts'
import { inverse } from './inverse.ts'
import { composeSign } from './sign-composition.ts'
import { average, innerProduct, mask, replicate, replicateSlot, sumBlocks, sumSlots } from './sums.ts'

// Wrong arguments give an error that names the argument, whatever the circuit.

const { evaluator, encrypt } = automatic({ literal: deepLiteral(64, 3), scale: 2 ** 40, galois: [1, -2] })
const ct = encrypt([1, 2, 3])
const composition = composeSign({ alpha: 1 })
const line = { basis: 'monomial', coefficients: [0, 1] } as const
type Loose = (...args: readonly unknown[]) => unknown
const loose = (circuit: unknown): Loose => circuit as Loose

const circuits: readonly (readonly [string, unknown, readonly unknown[]])[] = [
  ['sign', sign, [composition]],
  ['step', step, [composition]],
  ['relu', relu, [composition]],
  ['absolute', absolute, [composition]],
  ['compare', compare, [ct, composition]],
  ['maximum', maximum, [ct, composition]],
  ['minimum', minimum, [ct, composition]],
  ['evaluatePolynomial', evaluatePolynomial, [line]],
  ['evaluatePolynomials', evaluatePolynomials, [[line], [0]]],
  ['inverse', inverse, [{ range: [1, 2], precision: 4 }]],
  ['mask', mask, [() => true]],
  ['average', average, [2]],
  ['sumBlocks', sumBlocks, [2]],
  ['replicateSlot', replicateSlot, [0]],
  ['innerProduct', innerProduct, [ct, 2]],
]

describe.each(circuits)('%s', (_name, circuit, rest) => {
  test('without an evaluator', () => {
    for (const [bad, name] of [
      [undefined, 'undefined'],
      [null, 'null'],
      [evaluator.ckks, 'another object'],
    ] as const)
      expect(() => loose(circuit)(bad, ct, ...rest)).toThrow(
        new TypeError(`"evaluator" expected what createEvaluator makes, got ${name}`),
      )
  })
  test('without a ciphertext', () => {
    for (const bad of [undefined, null, 3, 'x'])
      expect(() => loose(circuit)(evaluator, bad, ...rest)).toThrow(
        /"\w+" expected a plaintext, ciphertext or key of this context, got (undefined|null|number|string)/,
      )
  })
})

test.each([sumSlots, replicate])('rotations without a context', (circuit) => {
  for (const bad of [undefined, null, {}, { ckks: evaluator.ckks }])
    expect(() => loose(circuit)(bad, ct, 2)).toThrow('"context" expected an evaluator or { ckks, keys }, got neither')
  expect(() => loose(circuit)(evaluator, undefined, 2)).toThrow('"ct" expected a plaintext, ciphertext or key')
})

test('no composition, no polynomial, no options', () => {
  expect(() => loose(sign)(evaluator, ct)).toThrow('"composition" expected what composeSign makes, got undefined')
  expect(() => loose(sign)(evaluator, ct, 8)).toThrow('"composition" expected what composeSign makes, got number')
  expect(() => loose(compare)(evaluator, ct, ct)).toThrow(
    '"composition" expected what composeSign makes, got undefined',
  )
  expect(() => loose(evaluatePolynomial)(evaluator, ct)).toThrow(
    '"polynomial" expected { basis, coefficients, interval? }, got undefined',
  )
  expect(() => loose(evaluatePolynomial)(evaluator, ct, { basis: 'monomial' })).toThrow(
    '"polynomial.coefficients" expected an array of numbers, got undefined',
  )
  expect(() => loose(createEvaluator)(evaluator.ckks)).toThrow(
    '"options" expected { scale, level?, keys? }, got undefined',
  )
  expect(() => loose(createEvaluator)(evaluator.ckks, {})).toThrow(
    '"scale" expected a finite number from 1, got undefined',
  )
  expect(() => loose(createEvaluator)(evaluator.ckks, 2 ** 40)).toThrow(
    '"options" expected { scale, level?, keys? }, got number',
  )
})

test('an evaluator shows what it is, and nothing else', () => {
  expect(inspect(evaluator)).toBe('Evaluator { scale: 2^40, maxLevel: 3, relinearisation: true, galois: 2 }')
})
