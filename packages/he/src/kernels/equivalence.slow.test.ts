import { describe, test } from 'vitest'
import { agree, styles } from '../test-support/equivalence.ts'
import { kernelNames } from './table.ts'

describe.each(kernelNames)('%s', (name) => {
  test.each([32, 64, 128])('agrees on all backends, n = %i', (n) => {
    // The others are in equivalence.test.ts.
    for (const bits of n === 64 ? [20, 30, 48, 49, 49.7, 50] : [20, 48, 49])
      agree(name, n, Math.floor(2 ** bits), styles)
  })
  test('agrees on all backends, n = 1024, 2048', () => {
    agree(name, 1024, 2 ** 30, ['random'])
    agree(name, 2048, 2 ** 49, ['random'])
  })
})

describe.each(['nttForward', 'nttInverse'] as const)('%s', (name) => {
  test.each([4096, 8192])('agrees on all backends, n = %i', (n) => {
    agree(name, n, 2 ** 50, ['random', 'highest', 'alternating'])
    agree(name, n, 2 ** 49, ['corners', 'lowest'])
    agree(name, n, 2 ** 30, ['random'])
  })
})
