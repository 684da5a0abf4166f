import { describe, expect, test } from 'vitest'
import { encryptSymmetric } from '../rlwe/encrypt-symmetric.ts'
import { createGaloisKeys } from '../rlwe/keygen.ts'
import { createSecretKey } from '../rlwe/secret-key.ts'
import { openBfv } from './bfv/bfv.ts'
import { openBgv } from './bgv/bgv.ts'
import { openCkks } from './ckks/ckks.ts'

const chain = { ringDegree: 1024, modulusBits: [40, 30], specialBits: [40], security: 'INSECURE' } as const
const scale = 2 ** 30
const contexts = {
  ckks: () => {
    const ckks = openCkks({ scheme: 'ckks', ...chain })
    return { context: ckks, encode: () => ckks.encode([1, 2, 3], { scale }), rotate: ckks.rotate }
  },
  bfv: () => {
    const bfv = openBfv({ scheme: 'bfv', plaintextModulus: 12289, ...chain })
    return { context: bfv, encode: () => bfv.encode([1, 2, 3]), rotate: bfv.rotateRows }
  },
  bgv: () => {
    const bgv = openBgv({ scheme: 'bgv', plaintextModulus: 12289, ...chain })
    return { context: bgv, encode: () => bgv.encode([1, 2, 3]), rotate: bgv.rotateRows }
  },
}

describe.each(Object.keys(contexts) as (keyof typeof contexts)[])('a context of %s', (scheme) => {
  function setUp() {
    const { context, encode, rotate } = contexts[scheme]()
    const secret = createSecretKey(context)
    const galois = createGaloisKeys(context, secret, [{ steps: 1 }, { steps: 2 }])
    const ct = encryptSymmetric(context, secret, encode())
    const turned = (steps: number) => rotate(ct, steps, { relinearisation: undefined, galois })
    const bytes = (value: { slab: { ptr: number; bytes: number } }): Uint8Array =>
      context.ring.heap.u8(value.slab.ptr, value.slab.bytes).slice()
    turned(1)[Symbol.dispose]()
    turned(2)[Symbol.dispose]()
    return { context, turned, bytes }
  }

  test('runs operations together, with the results of one after the other', () => {
    const { context, turned, bytes } = setUp()
    const both = context.together([() => turned(1), () => turned(2)])
    expect(both.map(bytes)).toEqual([turned(1), turned(2)].map(bytes))
  })

  test('gives back what operations took when one of those together throws', () => {
    const { context, turned } = setUp()
    const { used } = context.memory
    expect(() => context.together([() => turned(1), () => turned(3)])).toThrow('no Galois key for a rotation by 3')
    expect(context.memory.used).toBe(used)
  })

  test('stops at an aborted signal with its reason, and gives back what it took', () => {
    const { context, turned } = setUp()
    const { used } = context.memory
    const controller = new AbortController()
    const reason = new Error('the client is gone')
    const work = (): void => {
      turned(1)
      controller.abort(reason)
      turned(2)
      throw new Error('went on')
    }
    expect(() => context.interruptible(controller.signal, work)).toThrow(reason)
    expect(context.memory.used).toBe(used)
    expect(() => context.interruptible(controller.signal, () => turned(1))).toThrow(reason)
    expect(context.memory.used).toBe(used)
  })

  test('without a signal, or with one that is not aborted, nothing changes', () => {
    const { context, turned, bytes } = setUp()
    const expected = bytes(turned(1))
    expect(bytes(context.interruptible(undefined, () => turned(1)))).toEqual(expected)
    expect(bytes(context.interruptible(new AbortController().signal, () => turned(1)))).toEqual(expected)
  })

  test('asks within an operation, so that a signal from elsewhere stops it half-way', () => {
    const { context, turned } = setUp()
    const { used } = context.memory
    let asked = 0
    const signal = {
      throwIfAborted() {
        if (++asked > 3) throw new Error('deadline')
      },
    }
    expect(() => context.interruptible(signal, () => turned(1))).toThrow('deadline')
    expect(context.memory.used).toBe(used)
  })
})
