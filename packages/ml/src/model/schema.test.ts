import { expect, test } from 'vitest'
import { inputStepsSchema } from './schema.ts'

test('a client part may have 256 texts hashed, wherever they are, and no more', () => {
  const hash = { op: 'hash-text', size: 16, ngrams: [1, 1], norm: 'none' }
  const branches = (count: number): unknown => [
    { op: 'branches', branches: Array.from({ length: count }, () => ({ from: [0], steps: [hash] })) },
  ]
  expect(inputStepsSchema.safeParse(branches(256)).success).toBe(true)
  expect(inputStepsSchema.safeParse(branches(257)).success).toBe(false)
})
