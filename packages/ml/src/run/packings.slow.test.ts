import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { errorsOf, expectAsPredicted } from '../../test/errors.ts'
import { graphs } from '../../test/graphs.ts'
import { randomNumbers } from '../../test/random.ts'
import { compile } from '../compile/compile.ts'
import type { Program } from '../program/program.ts'

test.each([
  ['coefficient', 6],
  ['coefficient', 14],
  ['slots', 6],
  ['slots', 14],
  ['batch', 6],
  ['batch', 14],
] as const)(
  'random graphs in %s packing to %i bits: errors are those that the program predicts',
  (packing, precisionBits) => {
    const all: { readonly encrypted: number[]; readonly simulated: number[] } = { encrypted: [], simulated: [] }
    let refused = 0
    let compiled = 0
    fc.assert(
      fc.property(graphs({ maxSize: 12, depth: 2, length: 6 }), fc.nat(1e6), (graph, seed) => {
        const samples = randomNumbers(seed, 3 * graph.nodes[0]!.size)
        let program: Program
        try {
          program = compile(graph, { samples, precisionBits, packing, ringDegrees: [2048, 4096, 8192, 16384] })
        } catch (error) {
          expect((error as Error).message).toMatch(/is for affine models|relative error|does not depend/)
          refused++
          return
        }
        compiled++
        expect(program.packing).toBe(packing)
        expect(program.report.relativeError).toBeLessThanOrEqual(2 ** -precisionBits)
        const { encrypted, simulated } = errorsOf(graph, program, samples)
        all.encrypted.push(...encrypted)
        all.simulated.push(...simulated)
      }),
      { numRuns: 100 },
    )
    expect(compiled).toBeGreaterThan(refused / 4)
    expectAsPredicted(all.encrypted, `${packing} encrypted`)
    expectAsPredicted(all.simulated, `${packing} simulated`)
  },
)
