import { type Params, type SecurityCheck, switchingKeyBytes } from '@glovebox/he'
import { type Alternative, type ClientPart, type Cost, samplesPerRun } from '@glovebox/ml'
import Table from 'cli-table3'
import { showShape, sizeOf } from '../samples/samples.ts'
import { showApproximation } from './activations.ts'
import { showBytes, showCount, showMs, wrap } from './format.ts'
import { showParams } from './params.ts'
import { describeAfter, describeBefore, short } from './steps.ts'

/** A compiled model and what it is expected to cost. */
export interface Inspected {
  readonly part: ClientPart
  readonly params: Params
  readonly cost: Cost
  /** Where the prices of operations are from. */
  readonly pricedBy: string
}

/** All about a model, for people. */
export function showModel({ part, params, cost, pricedBy }: Inspected, columns: number = width()): string {
  const { input, output, report } = part
  const keys = keyRows(part, params)
  const together = samplesPerRun(part)
  const each = together === 1 ? 'a sample' : `up to ${showCount(together)} samples`
  const notes = report.notes.map((note) => `layout       ${note}`)
  const lines = [
    `${part.name}: ${showShape(input.shape)} → ${showShape(output.shape)}`,
    '',
    ...titled('client first', describeBefore(input.before)),
    `encrypted    ${numbers(input.shape)} to the server, ${numbers(output.shape)} back`,
    ...titled('client last', describeAfter(output.after)),
    `parameters   ${showParams(params)}, ${params.literal.digitSize} ${params.literal.digitSize === 1 ? 'prime' : 'primes'} a digit`,
    ...titled('security', params.security.map(showCheck)),
    `packing      ${part.packing}: ${packings[part.packing]}; --why has what else was looked at`,
    `at once      ${together === 1 ? 'one sample' : `${showCount(together)} samples`} in each run`,
    `precision    ${input.integers ? 'rounding to integers' : 'encryption'} adds errors up to 2^${Math.log2(report.relativeError).toFixed(1)} (${(100 * report.relativeError).toPrecision(2)} %) of the largest output${output.units ? ' in units of its own' : ''} (${report.largestOutput.toPrecision(4)}), ${input.integers ? 'whatever the input; encryption adds none' : 'predicted'}`,
    ...(input.summands
      ? [`sums         the server adds up ${input.summands} samples at most, encrypted, and answers for their sum`]
      : []),
    `calibrated   on ${report.calibration}`,
    `inputs       ${showRange(input)}${input.before.length > 0 ? ', as the client has prepared them' : ''}`,
    ...notes,
    '',
    ...(report.approximation ? [showApproximation(report.approximation), ''] : []),
    showSteps(cost, columns),
    '',
    keys.length === 0
      ? 'keys         none to upload'
      : `keys         ${keys.length} evaluation keys, ${showBytes(cost.keyBytes)}, uploaded once`,
    ...byLevel(keys).map((line) => `             ${line}`),
    `bytes        ${showBytes(cost.uploadBytes)} up, ${showBytes(cost.replyBytes)} down for ${each}`,
    `estimate     ${showMs(cost.milliseconds)} on one thread for ${each}${together === 1 ? '' : `, ${showMs(cost.milliseconds / together)} each`}; priced by ${pricedBy}`,
    `memory       ${showBytes(cost.memoryBytes)} in the kernels; the process comes on top`,
  ]
  return `${lines
    .flatMap((line) => line.split('\n'))
    .map((line) => hang(line, columns))
    .join('\n')}\n`
}

/** What is taken. */
function showRange({ calibrated, integers, largest, scale }: ClientPart['input']): string {
  const range = `calibrated from ${short(calibrated.low)} to ${short(calibrated.high)}; refused`
  if (!integers) return `${range} beyond ±${short(largest)}`
  const units = scale === 1 ? 'whole numbers' : `multiples of 1/${short(scale)}`
  const between = integers.multiples ? `, and between ${units}` : ''
  return `${range} below ${short(integers.low)} and above ${short(integers.high)}${between}`
}

/** Of the terminal, or what every terminal has. */
function width(): number {
  return process.stdout.columns ?? 80
}

/** Where texts begin, behind their titles. */
const indent = 13

/** A line that is too long goes on below its text, not below its title; lines of tables stay as they are. */
function hang(line: string, columns: number): string {
  if (line.length <= columns || /[│┌├└]/.test(line)) return line
  const titled = line.slice(0, indent).trim() === '' || /^\S.* {1,}$/.test(line.slice(0, indent))
  if (!titled) return wrap(line, columns)
  const text = wrap(line.slice(indent), columns - indent)
  return `${line.slice(0, indent)}${text.replaceAll('\n', `\n${' '.repeat(indent)}`)}`
}

/** How samples lie in ciphertexts, in words. */
export const packings = {
  coefficient: 'inner products with the coefficients of one polynomial, no keys',
  slots: 'a sample over the slots of a ciphertext, which rotate',
  batch: 'a ciphertext for each input, with many samples in it',
} as const

/** The client part without the layouts of slots, which are long, and with what follows from its parameters. */
export function modelFacts({ part, params, cost, pricedBy }: Inspected): object {
  const { layout: _input, ...input } = part.input
  const { layout: _output, ...output } = part.output
  const { primes, special, logQ, logQP, security } = params
  return {
    name: part.name,
    digest: Buffer.from(part.digest).toString('hex'),
    packing: part.packing,
    encoding: part.encoding,
    samplesPerRun: samplesPerRun(part),
    clientFirst: describeBefore(part.input.before),
    clientLast: describeAfter(part.output.after),
    input,
    output,
    params: { ...params.literal, primes, special, logQ, logQP },
    security,
    keys: keyRows(part, params),
    cost,
    pricedBy,
    report: part.report,
  }
}

/** Narrower than this, a table of the ways would break its texts into pieces of a word or two. */
const wideEnough = 104

export function showAlternatives(alternatives: readonly Alternative[], columns: number = width()): string {
  const drawn = columns < wideEnough ? listWays(alternatives, columns) : drawWays(alternatives)
  const what =
    'The price of a sample is its compute on one thread and the transport of its bytes, and of a thousandth of the keys, at the batch size and link that compile was given.'
  return `${drawn}\n${wrap(what, columns)}\n`
}

/** Why a way is none, or was not looked into. */
function refusal({ reason }: Alternative): string {
  return /^not looked/.test(reason ?? '') ? reason! : `not possible: ${reason}`
}

function listWays(alternatives: readonly Alternative[], columns: number): string {
  const below = (text: string): string => `  ${wrap(text, columns - 2).replaceAll('\n', '\n  ')}`
  return alternatives
    .map((each, i) => {
      const { packing, ringDegree, layout, milliseconds, computeMilliseconds = 0, bytes = 0, keyBytes = 0 } = each
      const head = `${milliseconds !== undefined && i === 0 ? '→' : ' '} ${packing}, N = ${ringDegree}`
      if (milliseconds === undefined) return `${head}\n${below(`${layout}; ${refusal(each)}`)}\n`
      const keys = keyBytes > 0 ? `keys of ${showBytes(keyBytes)}` : 'no keys'
      const price = `${showMs(computeMilliseconds)} of compute, ${showBytes(Math.round(bytes))}, ${keys}`
      return `${head}: ${showMs(milliseconds)} a sample\n${below(layout)}\n${below(price)}\n`
    })
    .join('\n')
}

function drawWays(alternatives: readonly Alternative[]): string {
  const table = new Table({
    head: ['', 'packing', 'N', 'layout', 'compute', 'bytes', 'keys', 'price'],
    colAligns: ['left', 'left', 'right', 'left', 'right', 'right', 'right', 'right'],
    colWidths: [3, null, null, 40, null, null, null, null],
    wordWrap: true,
    style: { head: [], border: [], compact: true },
  })
  alternatives.forEach((each, i) => {
    const { packing, ringDegree, layout, milliseconds, computeMilliseconds = 0, bytes = 0, keyBytes = 0 } = each
    const head = [milliseconds !== undefined && i === 0 ? '→' : '', packing, ringDegree]
    if (milliseconds === undefined) table.push([...head, `${layout}; ${refusal(each)}`, '', '', '', ''])
    else
      table.push([
        ...head,
        layout,
        showMs(computeMilliseconds),
        showBytes(Math.round(bytes)),
        keyBytes > 0 ? showBytes(keyBytes) : 'none',
        showMs(milliseconds),
      ])
  })
  return table.toString()
}

/** Why a packing was chosen: its price and that of the best other one. */
export function showChoice(alternatives: readonly Alternative[], forced: boolean): string {
  const [chosen] = alternatives
  if (!chosen) return ''
  const price = ({ milliseconds = 0 }: Alternative): string => `${showMs(milliseconds)} a sample`
  const { packing, computeMilliseconds = 0, bytes = 0 } = chosen
  const own = `${price(chosen)} (${showMs(computeMilliseconds)} of compute, the rest is transport of ${showBytes(Math.round(bytes))})`
  if (forced) return `${packing} packing, as asked: ${own}`
  const others = alternatives.filter((other) => other.packing !== packing)
  const next = others.find(({ milliseconds }) => milliseconds !== undefined)
  if (next) return `${packing} packing: ${own}; ${next.packing} packing would take ${price(next)}`
  // The compiler leaves out what cannot be cheaper.
  const dearer = others.some(({ reason }) => /^not looked/.test(reason ?? ''))
  return `${packing} packing, ${dearer ? 'as others cost more or do not fit' : 'the only one that fits'}: ${own}`
}

function titled(title: string, lines: readonly string[]): string[] {
  return lines.map((line, i) => `${(i === 0 ? title : '').padEnd(13)}${line}`)
}

function numbers(shape: readonly number[]): string {
  const size = sizeOf(shape)
  return `${showCount(size)} ${size === 1 ? 'number' : 'numbers'}`
}

interface KeyRow {
  readonly key: string
  readonly level: number
  readonly bytes: number
}

function keyRows({ keys }: ClientPart, params: Params): KeyRow[] {
  const row = (key: string, level: number): KeyRow => ({ key, level, bytes: switchingKeyBytes(params, level) })
  const relinearisation = keys.relinearisation === undefined ? [] : [row('relinearisation', keys.relinearisation)]
  return [...relinearisation, ...keys.rotations.map(({ steps, level }) => row(`rotation by ${steps}`, level))]
}

function showCheck({ object, target, standard, ringDegree, bits, limit, margin }: SecurityCheck): string {
  return `${object}: log2 of the modulus ${bits.toFixed(1)}, limit ${limit} (${standard}, ${target}, N = ${ringDegree}), ${margin.toFixed(1)} to spare`
}

function showSteps(cost: Cost, columns: number): string {
  const drawn = drawSteps(cost, Number.POSITIVE_INFINITY)
  const over = drawn.indexOf('\n') - columns
  if (over <= 0) return drawn
  const longest = Math.max(...cost.steps.map(({ name }) => name.length))
  return drawSteps(cost, Math.max(8, longest - over))
}

function drawSteps({ steps }: Cost, mostName: number): string {
  const table = new Table({
    head: ['layer', 'kind', 'level', 'rotations', 'products', 'rescale', 'est. ms'],
    colAligns: ['left', 'left', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  })
  for (const step of steps) {
    const linear = step.op === 'linear'
    const rotated = step.hoistedRotations + step.rotations > 0
    table.push([
      step.name.length <= mostName ? step.name : `…${step.name.slice(1 - mostName)}`,
      step.op,
      step.level,
      linear && rotated ? `${step.hoistedRotations} hoisted + ${step.rotations}` : '',
      linear ? `${showCount(step.plainMultiplications)} plain` : step.op === 'add' ? '' : String(step.multiplications),
      step.rescales > 0 ? 'yes' : '',
      step.milliseconds.toFixed(step.milliseconds < 1 ? 3 : 1),
    ])
  }
  return table.toString()
}

/** Keys of one size in one line. */
function byLevel(keys: readonly KeyRow[]): string[] {
  const levels = [...new Set(keys.map(({ level }) => level))].sort((a, b) => b - a)
  return levels.map((level) => {
    const rows = keys.filter((row) => row.level === level)
    const names = rows.map(({ key }) => key.replace('rotation by ', ''))
    return `level ${level}: ${names.join(' ')} (${showBytes(rows[0]!.bytes)} each)`
  })
}
