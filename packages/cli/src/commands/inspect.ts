import type { Params, SecurityCheck } from '@glovebox/he'
import { switchingKeyBytes } from '@glovebox/he'
import type { ClientPart, Cost } from '@glovebox/ml'
import Table from 'cli-table3'
import type { Command } from 'commander'
import { openClientFile } from '../bundle.ts'
import { showShape } from '../samples/samples.ts'
import { showBytes, showMs } from '../terminal/format.ts'
import { showParams } from '../terminal/params.ts'

export function addInspect(program: Command): void {
  program
    .command('inspect')
    .description(
      'Say what a compiled model is: parameters and their security, layers and levels, keys, estimated time, memory and bytes.',
    )
    .argument('<client.gbx>', 'the client part of the model')
    .option('--json', 'print one JSON object')
    .action(async (path: string, options: { json?: boolean }) => {
      const { part, ckks } = await openClientFile(path)
      process.stdout.write(options.json ? `${JSON.stringify(facts(part, ckks.params))}\n` : describe(part, ckks.params))
    })
}

/** The client part without the layouts of slots, which are long, and with what follows from its parameters. */
function facts(part: ClientPart, params: Params): object {
  const { layout: _input, ...input } = part.input
  const { layout: _output, ...output } = part.output
  const { primes, special, logQ, logQP, security } = params
  return {
    name: part.name,
    digest: Buffer.from(part.digest).toString('hex'),
    input,
    output,
    params: { ...params.literal, primes, special, logQ, logQP },
    security,
    keys: keyRows(part, params),
    cost: part.cost,
    report: part.report,
  }
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

function short(x: number): string {
  return String(Number(x.toPrecision(4)))
}

function describe(part: ClientPart, params: Params): string {
  const { input, output, report, cost } = part
  const keys = keyRows(part, params)
  const lines = [
    `${part.name}: ${showShape(input.shape)} → ${showShape(output.shape)}`,
    '',
    `parameters   ${showParams(params)}, ${params.literal.digitSize} ${params.literal.digitSize === 1 ? 'prime' : 'primes'} a digit`,
    ...params.security.map((check, i) => `${i === 0 ? 'security  ' : '          '}   ${showCheck(check)}`),
    `precision    errors up to 2^${Math.log2(report.relativeError).toFixed(1)} of the largest output (${report.largestOutput.toPrecision(4)}), predicted`,
    `calibrated   on ${report.calibration}`,
    `inputs       calibrated from ${short(input.calibrated.low)} to ${short(input.calibrated.high)}; refused beyond ±${short(input.largest)}`,
    ...report.notes.map((note) => `layout       ${note}`),
    '',
    showSteps(cost),
    '',
    `keys         ${keys.length} evaluation keys, ${showBytes(cost.keyBytes)}`,
    ...byLevel(keys).map((line) => `             ${line}`),
    `bytes        ${showBytes(cost.uploadBytes)} up, ${showBytes(cost.replyBytes)} down for each sample`,
    `estimate     ${showMs(cost.milliseconds)} on one thread for each sample, ${showBytes(cost.memoryBytes)} of kernel memory; the process comes on top`,
  ]
  return `${lines.join('\n')}\n`
}

function showCheck({ object, target, standard, ringDegree, bits, limit, margin }: SecurityCheck): string {
  return `${object}: log2 of the modulus ${bits.toFixed(1)}, limit ${limit} (${standard}, ${target}, N = ${ringDegree}), ${margin.toFixed(1)} to spare`
}

function showSteps({ steps }: Cost): string {
  const table = new Table({
    head: ['layer', 'kind', 'level', 'rotations', 'products', 'rescale', 'est. ms'],
    colAligns: ['left', 'left', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  })
  for (const step of steps) {
    const products = step.op === 'linear' ? `${step.plainMultiplications} plain` : String(step.multiplications)
    const rotations = step.op === 'linear' ? `${step.hoistedRotations} hoisted + ${step.rotations}` : ''
    table.push([
      step.name,
      step.op,
      step.level,
      rotations,
      products,
      step.rescales > 0 ? 'yes' : '',
      step.milliseconds.toFixed(1),
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
