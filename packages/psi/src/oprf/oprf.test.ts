import { fromHex, GloveboxError } from '@glovebox/he'
import { ristretto255_oprf as independent } from '@noble/curves/ed25519.js'
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Group } from './group.ts'
import { createOprfKey, deriveOprfKey, OprfKey } from './key.ts'
import { nobleGroup } from './noble-group.ts'
import { blindItems, finalizeItems } from './receiver.ts'
import { randomScalar } from './scalar.ts'
import { evaluateBlinded, evaluateInput } from './sender.ts'
import { openSodiumGroup } from './sodium-group.ts'
import { maxInputBytes, type OprfMode } from './suite.ts'

let sodium: Group
beforeAll(async () => {
  sodium = await openSodiumGroup()
})

const bytes = (length: number): fc.Arbitrary<Uint8Array> => fc.uint8Array({ minLength: length, maxLength: length })
const modes = ['oprf', 'voprf'] as const
const code = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    return error instanceof GloveboxError ? error.code : (error as Error).name
  }
  return 'none'
}
// RFC 9496, appendix A.2: encodings that are no elements; the first is not canonical, the second negative, the third no square.
const noElements = [
  '00ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26948d35ca62e643e26a83177332e6b6afeb9d08e4268b650f1f5bbd8d81d371',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  '0000000000000000000000000000000000000000000000000000000000000000',
].map(fromHex)

describe('the two groups', () => {
  test('compute the same', () => {
    fc.assert(
      fc.property(bytes(64), bytes(64), bytes(64), (u, v, message) => {
        const [a, b] = [nobleGroup.reduceScalar(u), nobleGroup.reduceScalar(v)]
        expect(sodium.reduceScalar(u)).toEqual(a)
        for (const name of ['multiplyScalars', 'subtractScalars'] as const)
          expect(sodium[name](a, b)).toEqual(nobleGroup[name](a, b))
        expect(sodium.invertScalar(a)).toEqual(nobleGroup.invertScalar(a))
        expect(sodium.hash(message)).toEqual(nobleGroup.hash(message))
        const [p, q] = [nobleGroup.multiplyDerived(a, message)!, nobleGroup.multiplyBase(b)]
        expect(sodium.multiplyDerived(a, message)).toEqual(p)
        expect(sodium.multiplyBase(b)).toEqual(q)
        expect(sodium.multiply(b, p)).toEqual(nobleGroup.multiply(b, p))
        expect(sodium.combine([a, b], [p, q])).toEqual(nobleGroup.combine([a, b], [p, q]))
      }),
      { numRuns: 6 },
    )
  })

  test('take no bytes that are no element, and know the identity', () => {
    const scalar = randomScalar(nobleGroup)
    const zero = new Uint8Array(32)
    for (const group of [nobleGroup, sodium]) {
      for (const bad of noElements) {
        expect(group.isElement(bad)).toBe(false)
        expect(group.multiply(scalar, bad)).toBeUndefined()
      }
      const point = group.multiplyBase(scalar)
      expect(group.isElement(point)).toBe(true)
      expect(group.combine([zero, zero], [point, point])).toEqual(zero)
      expect(group.combine([scalar, group.subtractScalars(zero, scalar)], [point, point])).toEqual(zero)
    }
  })

  test('random bytes are an element for both or neither', () => {
    fc.assert(
      fc.property(bytes(32), (candidate) => {
        candidate[0]! &= 0xfe
        candidate[31]! &= 0x7f
        expect(sodium.isElement(candidate)).toBe(nobleGroup.isElement(candidate))
      }),
      { numRuns: 60 },
    )
  })
})

describe.each(modes)('%s', (mode: OprfMode) => {
  test('what a receiver comes to is what the sender evaluates, and what another implementation does', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 80 }), { minLength: 1, maxLength: 3 }), (inputs) => {
        const key = createOprfKey({ mode })
        for (const [near, far] of [
          [nobleGroup, sodium],
          [sodium, nobleGroup],
        ] as const) {
          const blinded = blindItems(mode, inputs, { group: near })
          const { elements, proof } = evaluateBlinded(key, blinded.elements, { group: far })
          const options = { group: near, publicKey: key.publicKey, ...(proof && { proof }) }
          const outputs = finalizeItems(mode, inputs, blinded, elements, options)
          for (const [i, input] of inputs.entries())
            expect(outputs.subarray(64 * i, 64 * i + 64)).toEqual(own(mode, key, input))
        }
        for (const input of inputs) expect(evaluateInput(key, input, sodium)).toEqual(own(mode, key, input))
      }),
      { numRuns: 3 },
    )
  })

  test('blinds are fresh: the same input twice gives different elements', () => {
    const input = Uint8Array.of(1)
    const { elements, blinds } = blindItems(mode, [input, input], { group: sodium })
    expect(elements.subarray(0, 32)).not.toEqual(elements.subarray(32))
    expect(blinds.subarray(0, 32)).not.toEqual(blinds.subarray(32))
  })

  test('refuses batches that are none', () => {
    const key = createOprfKey({ mode })
    const input = [Uint8Array.of(7)]
    const blinded = blindItems(mode, input, { group: sodium })
    const { elements, proof } = evaluateBlinded(key, blinded.elements, { group: sodium })
    const finalize = (answer: Uint8Array): unknown =>
      finalizeItems(mode, input, blinded, answer, {
        group: sodium,
        publicKey: key.publicKey,
        ...(proof && { proof }),
      })
    expect(code(() => finalize(elements))).toBe('none')
    for (const group of [nobleGroup, sodium])
      for (const bad of [...noElements, new Uint8Array(0), elements.subarray(1), new Uint8Array(33)]) {
        expect(code(() => evaluateBlinded(key, bad, { group }))).toBe('malformed')
        expect(code(() => finalize(bad))).toBe('malformed')
      }
    expect(code(() => evaluateBlinded(key, new Uint8Array(32 * 65536), { group: sodium }))).toBe('too-large')
    // Two answers for one input.
    expect(code(() => finalize(new Uint8Array([...elements, ...elements])))).toBe('malformed')
    expect(() => evaluateBlinded(key, new Uint8Array([...elements, ...noElements[1]!]), { group: sodium })).toThrow(
      'element 1 is no canonical',
    )
  })

  test('refuses inputs that are none, and says nothing of them', () => {
    const key = createOprfKey({ mode })
    const long = new Uint8Array(maxInputBytes + 1).fill(0x61)
    expect(() => blindItems(mode, [Uint8Array.of(1), long])).toThrow(/"inputs\[1\]" expected at most 65535 bytes/)
    expect(() => evaluateInput(key, long)).toThrow(RangeError)
    expect(code(() => blindItems(mode, []))).toBe('RangeError')
    expect(code(() => blindItems(mode, ['secret'] as never))).toBe('TypeError')
    expect(code(() => blindItems('poprf' as never, [long]))).toBe('TypeError')
    expect(evaluateInput(key, long.subarray(1), sodium)).toHaveLength(64)
  })
})

function own(mode: OprfMode, key: OprfKey, input: Uint8Array): Uint8Array {
  return (independent[mode] as typeof independent.oprf).evaluate(key.secret, input)
}

describe('proofs', () => {
  const inputs = [Uint8Array.of(1), Uint8Array.of(2)]
  const setting = () => {
    const key = createOprfKey({ mode: 'voprf' })
    const blinded = blindItems('voprf', inputs, { group: sodium })
    const { elements, proof } = evaluateBlinded(key, blinded.elements, { group: sodium })
    return { key, blinded, elements, proof: proof!, publicKey: key.publicKey }
  }
  const flip = (at: number, from: Uint8Array): Uint8Array => from.map((byte, i) => (i === at ? byte ^ 1 : byte))

  test('another implementation takes ours', () => {
    const { blinded, elements, proof, publicKey } = setting()
    const items = inputs.map((input, i) => ({
      input,
      blind: blinded.blinds.subarray(32 * i, 32 * i + 32),
      blinded: blinded.elements.subarray(32 * i, 32 * i + 32),
      evaluated: elements.subarray(32 * i, 32 * i + 32),
    }))
    expect(() => independent.voprf.finalizeBatch(items, publicKey, proof)).not.toThrow()
  })

  test.each(['noble', 'libsodium'])('a wrong one is refused: %s', (name) => {
    const group = name === 'noble' ? nobleGroup : sodium
    const { key, blinded, elements, proof, publicKey } = setting()
    const check = (answer: Uint8Array, options: object): string =>
      code(() => finalizeItems('voprf', inputs, blinded, answer, { group, publicKey, proof, ...options }))
    expect(check(elements, {})).toBe('none')
    expect(check(elements, { proof: flip(0, proof) })).toBe('parameters-mismatch')
    expect(check(elements, { proof: flip(32, proof) })).toBe('parameters-mismatch')
    expect(check(elements, { proof: new Uint8Array(64) })).toBe('parameters-mismatch')
    expect(check(elements, { publicKey: createOprfKey().publicKey })).toBe('parameters-mismatch')
    // Another key, with a proof of that key; two answers exchanged; one of another key.
    const other = evaluateBlinded(createOprfKey({ mode: 'voprf' }), blinded.elements, { group: sodium })
    expect(check(other.elements, { proof: other.proof })).toBe('parameters-mismatch')
    const swapped = new Uint8Array([...elements.subarray(32), ...elements.subarray(0, 32)])
    expect(check(swapped, {})).toBe('parameters-mismatch')
    const mixed = new Uint8Array([...elements.subarray(0, 32), ...other.elements.subarray(32)])
    expect(check(mixed, {})).toBe('parameters-mismatch')
    // What is no proof at all: lengths, scalars that are not reduced.
    expect(check(elements, { proof: proof.subarray(1) })).toBe('malformed')
    expect(check(elements, { proof: new Uint8Array(64).fill(255) })).toBe('malformed')
    expect(check(elements, { publicKey: new Uint8Array(32) })).toBe('malformed')
    expect(check(elements, { publicKey: new Uint8Array(31) })).toBe('malformed')
    expect(check(elements, { proof: undefined })).toBe('TypeError')
    expect(key.mode).toBe('voprf')
  })

  test('two of one batch differ: their scalar is fresh', () => {
    const { key, blinded, proof } = setting()
    expect(evaluateBlinded(key, blinded.elements, { group: sodium }).proof).not.toEqual(proof)
  })
})

test('keys, modes and inputs separate outputs', () => {
  const seed = new Uint8Array(32)
  const input = Uint8Array.of(1)
  const outputs = [
    evaluateInput(deriveOprfKey(seed, Uint8Array.of(0)), input, sodium),
    evaluateInput(deriveOprfKey(seed, Uint8Array.of(1)), input, sodium),
    evaluateInput(deriveOprfKey(seed, Uint8Array.of(0), { mode: 'voprf' }), input, sodium),
    evaluateInput(new OprfKey(1, 'voprf', deriveOprfKey(seed, Uint8Array.of(0)).secret), input, sodium),
    evaluateInput(deriveOprfKey(seed, Uint8Array.of(0)), Uint8Array.of(1, 0), sodium),
  ]
  expect(new Set(outputs.map(String)).size).toBe(outputs.length)
})
