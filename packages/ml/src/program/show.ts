import { createParams } from '@glovebox/he'
import { inputsOf } from '../layout/circuit.ts'
import type { LinearMap } from '../layout/linear-map.ts'
import { type Program, type ProgramStep, partsOf, registersOf, tilesOf } from './program.ts'

/**
 * A program as text, a line for each register: what it is computed from, its level and the power of two nearest to its scale, and how many ciphertexts it has.
 * The weights stay out of it.
 */
export function showProgram(program: Program): string {
  const params = createParams(program.params)
  const registers = registersOf(program, params)
  const tiles = tilesOf(program)
  const parts = partsOf(program)
  const { input, output, steps, packing, encoding } = program
  const state = (r: number): string => {
    const { level, scale } = registers[r]!
    const form = parts[r] === 3 ? ', 3 parts' : ''
    return `level ${level}, scale 2^${Math.log2(scale).toFixed(1)}, ${count(tiles[r]!, 'ciphertext')}${form}`
  }
  const lines = [
    `${program.name}: ${params.scheme === 'ckks' ? '' : 'BFV, '}${packing} packing in ${encoding}, N = ${params.ringDegree}, primes ${program.params.modulusBits.join('+')} bits, special ${program.params.specialBits.join('+') || 'none'}${params.plaintextModulus === undefined ? '' : `, integers modulo ${params.plaintextModulus}`}`,
    ...input.before.map(({ op }) => `client   ${op}`),
    `r0       encrypt "${input.name}" (${input.shape.join('x') || 'scalar'}): ${state(0)}`,
    ...steps.map((step, i) => `${`r${i + 1}`.padEnd(9)}${describe(step)}: ${state(i + 1)}`),
    `reply    r${steps.length}, ${output.reply.count} of c_0's coefficients every ${output.reply.stride}, ${output.reply.bits} bits each, as "${output.name}" (${output.shape.join('x') || 'scalar'})`,
    ...output.after.map(({ op }) => `client   ${op}`),
  ]
  return `${lines.join('\n')}\n`
}

function describe(step: ProgramStep): string {
  const from = inputsOf(step).map((register) => `r${register}`)
  const rescaled = step.rescale ? ', rescaled' : ''
  if (step.op === 'multiply')
    return `${from[0] === from[1] ? `square of ${from[0]}` : `${from.join(' · ')}`} "${step.name}"${rescaled}`
  if (step.op === 'add') return `${from.join(' + ')} "${step.name}"${rescaled}`
  return `${showMap(step.map)} of ${from[0]}${step.bias ? ' plus bias' : ''} "${step.name}"${rescaled}`
}

function showMap(map: LinearMap): string {
  if (map.kind === 'scalars')
    return `sums with ${map.matrix.value.length} numbers (${map.matrix.rows}x${map.matrix.columns})`
  if (map.kind === 'polynomials')
    return `products with polynomials (${map.matrix.rows}x${map.matrix.columns}, ${map.chunk} inputs and ${count(map.perTile, 'output')} in one)`
  const { diagonals, plan } = map
  const products = diagonals.blocks.reduce((sum, { offsets }) => sum + offsets.length, 0)
  const some = (steps: readonly number[]): number => steps.filter((s) => s !== 0).length
  return `${count(products, 'diagonal')}, ${count(some(plan.babies), 'baby step')}, ${count(some(plan.giants), 'giant step')}, ${count(diagonals.folds.length, 'fold')}`
}

function count(n: number, what: string): string {
  return `${n} ${n === 1 ? what : `${what}s`}`
}
