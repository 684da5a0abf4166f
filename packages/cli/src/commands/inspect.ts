import type { Params, SecurityCheck } from '@glovebox/he'
import { switchingKeyBytes } from '@glovebox/he'
import {
  type Alternative,
  type ClientPart,
  type Cost,
  decodeServerPart,
  samplesPerRun,
  showProgram,
} from '@glovebox/ml'
import Table from 'cli-table3'
import type { Command } from 'commander'
import { of, openClientFile, serverFile } from '../bundle.ts'
import { readInput, within } from '../files.ts'
import { showShape } from '../samples/samples.ts'
import { showBytes, showMs } from '../terminal/format.ts'
import { showParams } from '../terminal/params.ts'

export function addInspect(program: Command): void {
  program
    .command('inspect')
    .description(
      'Say what a compiled model is: parameters and their security, layers and levels, keys, estimated time, memory and bytes.',
    )
    .argument('<client.gbx>', 'the client part of the model, or the folder of both parts')
    .option('--why', 'the ways to compute the model that were looked at, with their prices')
    .option('--program', 'the program step by step; needs the folder with the server part')
    .option('--json', 'print one JSON object')
    .action(async (path: string, options: { why?: boolean; program?: boolean; json?: boolean }) => {
      if (options.program) {
        process.stdout.write(await programText(path))
        return
      }
      const { part, ckks } = await openClientFile(path)
      if (options.why) {
        const { alternatives } = part.report
        process.stdout.write(options.json ? `${JSON.stringify(alternatives)}\n` : showAlternatives(alternatives))
        return
      }
      process.stdout.write(options.json ? `${JSON.stringify(facts(part, ckks.params))}\n` : describe(part, ckks.params))
    })
}

async function programText(path: string): Promise<string> {
  const file = await within(path, serverFile)
  const bytes = await readInput(file)
  return of(file, () => showProgram(decodeServerPart(bytes).program))
}

function showAlternatives(alternatives: readonly Alternative[]): string {
  const table = new Table({
    head: ['', 'packing', 'N', 'layout', 'compute', 'bytes', 'keys', 'price'],
    colAligns: ['left', 'left', 'right', 'left', 'right', 'right', 'right', 'right'],
    colWidths: [3, null, null, 48, null, null, null, null],
    wordWrap: true,
    style: { head: [], border: [], compact: true },
  })
  alternatives.forEach((each, i) => {
    const { packing, ringDegree, layout, milliseconds, computeMilliseconds = 0, bytes = 0, keyBytes = 0, reason } = each
    const head = [milliseconds !== undefined && i === 0 ? '→' : '', packing, ringDegree]
    if (milliseconds === undefined) table.push([...head, `${layout}; not possible: ${reason}`, '', '', '', ''])
    else
      table.push([
        ...head,
        layout,
        showMs(computeMilliseconds),
        showBytes(bytes),
        keyBytes > 0 ? showBytes(keyBytes) : 'none',
        showMs(milliseconds),
      ])
  })
  return `${table.toString()}
The price of a sample is its compute on one thread and the transport of its bytes, and of a thousandth of the keys.
`
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
    `packing      ${part.packing}${samplesPerRun(part) > 1 ? `, ${samplesPerRun(part)} samples at once` : ''}; --why has what else was looked at`,
    ...part.input.before.map(({ op }, i) => `${i === 0 ? 'client first' : '            '} ${op}`),
    ...part.output.after.map(({ op }, i) => `${i === 0 ? 'client last ' : '            '} ${op}`),
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
