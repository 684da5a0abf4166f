import { test } from 'vitest'
import { expectIntersections } from '../test/intersection.ts'
import { friendlySet, matrixSet } from './params/presets.ts'

// All other parameters, and larger sets: packages/psi/test.

const { he, powers, ...friendly } = friendlySet({ labelBytes: 5 })

test.each([
  ['one item at a time, prefix', friendlySet({ prefixBits: 2 })],
  ['one item at a time, labels', { ...matrixSet(100, { labelBytes: 13 }), matrix: { degree: 4, babySteps: 2 } }],
  // A table in two ciphertexts, the second of which is half full.
  ['cuckoo hashing, labels', { ...friendly, he, powers: { ...powers!, hashFunctions: 3, tableSize: 600 } }],
])('intersections are the plain ones: %s', async (_, literal) => {
  await expectIntersections(literal, { items: 12, asked: 3, numRuns: 2 })
})
