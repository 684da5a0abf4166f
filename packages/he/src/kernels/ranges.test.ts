import { afterAll, describe, expect, test, vi } from 'vitest'
import { openBackend } from '../backend/open.ts'
import { calls, checked, fullest, withoutContract, withoutKernel } from '../test-support/checked-backend.ts'
import { ckksSuite } from '../test-support/ckks-suite.ts'
import { extremeSuite } from '../test-support/extreme-suite.ts'
import { integerSuite } from '../test-support/integer-suite.ts'
import { kernelNames } from './table.ts'

// Every backend that a context opens in this file is a checked one: a kernel call out of its ranges throws.
vi.mock('../backend/open.ts', async (original) => {
  const real = await original<typeof import('../backend/open.ts')>()
  return { ...real, openBackend: (name: 'auto', threads: number) => checked(real.openBackend(name, threads)) }
})

const insecure = { scheme: 'ckks', security: 'INSECURE' } as const

describe('the CKKS suite within the ranges of the kernels', () => {
  for (const backend of ['wasm-fused', 'wasm'] as const) {
    // Small primes and digits of one; the largest and digits of three; the whole range at once.
    ckksSuite({
      backend,
      scale: 20,
      literal: {
        ...insecure,
        ringDegree: 256,
        modulusBits: [24, 20, 20],
        specialBits: [20, 20],
        digitSize: 1,
      },
    })
    ckksSuite({
      backend,
      scale: 49,
      literal: { ...insecure, ringDegree: 256, modulusBits: [50, 50, 50, 50, 50], specialBits: [50, 50, 50] },
    })
  }
})

describe('the suite of integer schemes within the ranges of the kernels', () => {
  const bfv = { scheme: 'bfv', security: 'INSECURE' } as const
  integerSuite({
    backend: 'wasm-fused',
    literal: { ...bfv, ringDegree: 256, modulusBits: [50, 50, 50], specialBits: [50, 50], plaintextModulus: 2 ** 32 },
  })
  integerSuite({
    backend: 'wasm',
    literal: { ...bfv, ringDegree: 64, modulusBits: [20, 21, 20, 21, 20], specialBits: [21], plaintextModulus: 257 },
  })
})

describe('the largest residues', () => {
  for (const backend of ['wasm-fused', 'wasm'] as const) {
    extremeSuite(backend, { ...insecure, ringDegree: 512, modulusBits: [50, 20, 50, 20], specialBits: [50, 20] })
    extremeSuite(backend, { ...insecure, ringDegree: 256, modulusBits: [50, 50, 50, 50, 50, 50], specialBits: [50] })
    extremeSuite(backend, {
      ...insecure,
      ringDegree: 256,
      modulusBits: [20, 20, 20, 20, 20],
      specialBits: [20, 20, 20],
    })
    extremeSuite(backend, { ...insecure, ringDegree: 16, modulusBits: [30, 50, 8, 50], specialBits: [50, 50] })
  }
})

describe('the contracts', () => {
  test('there is one for every kernel', () => {
    expect(withoutContract).toEqual([])
    expect(withoutKernel).toEqual([])
  })

  test.each([
    ['an input out of range', 0.71, 0],
    ['a fraction', 0, 0.5],
  ])('%s is found', (_what, part, fraction) => {
    const { kernels, memory, heapBase } = openBackend('wasm-fused')
    const p = 12289
    const [a, b] = [heapBase, heapBase + 128]
    new Float64Array(memory.buffer, a, 16).fill(1)
    new Float64Array(memory.buffer, b, 16).fill(1)
    expect(() => kernels.mul(a, a, b, 16, p, 1 / p)).not.toThrow()
    new Float64Array(memory.buffer, b, 16)[7] = Math.ceil(part * p) + fraction
    expect(() => kernels.mul(a, a, b, 16, p, 1 / p)).toThrow(/mul: "b\[7\]" expected an integer up to/)
    expect(() => kernels.mul(a, a, a, 16, p, 0.1)).toThrow('mul expected pinv = fl(1/p)')
  })

  test('an output out of range is found', () => {
    const backend = openBackend('wasm-fused')
    const add = (dst: number): void => {
      new Float64Array(backend.memory.buffer, dst, 16)[3] = 9000
    }
    const broken = checked({ ...backend, kernels: { ...backend.kernels, add } })
    const at = broken.heapBase
    new Float64Array(broken.memory.buffer, at, 16).fill(1)
    expect(() => broken.kernels.add(at, at, at, 16, 12289, 1 / 12289)).toThrow(/add: "dst\[3\]" expected .* after/)
  })
})

// Packing is a matter of the wire format.
const elsewhere = ['pack', 'unpack']

afterAll(() => {
  // A wrapper that nobody calls checks nothing, and neither does one that sees zeros.
  expect(kernelNames.filter((name) => calls.get(name) === 0)).toEqual(elsewhere)
  for (const name of ['add', 'sub', 'mul', 'tensor', 'dotKey', 'weightedSums'] as const)
    expect(fullest.get(name), name).toBeGreaterThan(0.99)
  // Beyond p/2, where a residue is not the canonical one.
  for (const name of ['nttInverseFrom', 'nttForwardSubMul', 'mulScalar'] as const)
    expect(fullest.get(name), name).toBeGreaterThan(0.5)
})
