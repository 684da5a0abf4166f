import { afterAll, describe, expect, vi } from 'vitest'
import { calls } from '../test-support/checked-backend.ts'
import { ckksSuite } from '../test-support/ckks-suite.ts'
import { extremeSuite } from '../test-support/extreme-suite.ts'

// As ranges.test.ts, at real degrees.
vi.mock('../backend/open.ts', async (original) => {
  const real = await original<typeof import('../backend/open.ts')>()
  const { checked } = await import('../test-support/checked-backend.ts')
  return { ...real, openBackend: (name: 'auto', threads: number) => checked(real.openBackend(name, threads)) }
})

const insecure = { scheme: 'ckks', security: 'INSECURE' } as const

describe('the CKKS suite within the ranges of the kernels', () => {
  ckksSuite({
    backend: 'wasm-fused',
    scale: 49,
    literal: { ...insecure, ringDegree: 32768, modulusBits: [50, 50, 50], specialBits: [50, 50] },
  })
  ckksSuite({
    backend: 'wasm',
    scale: 21,
    literal: { ...insecure, ringDegree: 32768, modulusBits: [28, 21, 21], specialBits: [28], digitSize: 1 },
  })
})

describe('the largest residues', () => {
  extremeSuite('wasm-fused', {
    ...insecure,
    ringDegree: 32768,
    modulusBits: [50, 49, 21, 50],
    specialBits: [50, 50, 49],
  })
})

afterAll(() => {
  expect(calls.get('dotKey')).toBeGreaterThan(100)
})
