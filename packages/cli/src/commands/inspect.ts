import { GloveboxError } from '@glovebox/he'
import { type ClientPart, type Cost, type CostTable, costOf, decodeServerPart, showProgram } from '@glovebox/ml'
import { type Command, Option } from 'commander'
import { clientFile, of, openClientFile, serverFile } from '../bundle.ts'
import { readTable, usualPlace } from '../calibration/table.ts'
import { isFolder, readInput, within } from '../files.ts'
import { readExtras } from '../model-folder.ts'
import { extrasFacts, showExtras } from '../terminal/extras.ts'
import { modelFacts, showAlternatives, showModel } from '../terminal/model.ts'

interface InspectOptions {
  readonly why?: boolean
  readonly program?: boolean
  readonly costs?: string
  readonly json?: boolean
}

export function addInspect(program: Command): void {
  program
    .command('inspect')
    .summary('say what a compiled model is and costs')
    .description(
      'Say what a compiled model is: what its client does, parameters and their security, activations, layers and levels, keys, estimated time, memory and bytes.',
    )
    .argument('<client.gbx>', 'the client part of the model, or the folder of both parts')
    .option('--why', 'the ways to compute the model that were looked at, with their prices')
    .addOption(
      new Option('--program', 'the program step by step; needs the folder with the server part').conflicts([
        'why',
        'json',
        'costs',
      ]),
    )
    .addOption(
      new Option(
        '--costs <file>',
        'estimate for the machine that glovebox calibrate measured; needs the folder with both parts (default there: this machine, where it was calibrated)',
      ).conflicts('why'),
    )
    .option('--json', 'print one JSON object')
    .action(async (path: string, options: InspectOptions) => {
      if (options.program) {
        process.stdout.write(await programText(path))
        return
      }
      const { part, context } = await openClientFile(path)
      using _context = context
      if (options.why) {
        const { alternatives } = part.report
        process.stdout.write(options.json ? `${JSON.stringify(alternatives)}\n` : showAlternatives(alternatives))
        return
      }
      const inspected = { part, params: context.params, ...(await priced(path, part, options.costs)) }
      const extras = (await isFolder(path)) ? await readExtras(path) : {}
      process.stdout.write(
        options.json
          ? `${JSON.stringify({ ...modelFacts(inspected), ...extrasFacts(extras) })}\n`
          : showModel(inspected) + showExtras(extras),
      )
    })
}

async function programText(path: string): Promise<string> {
  const file = await within(path, serverFile)
  const bytes = await readInput(file)
  return of(file, () => showProgram(decodeServerPart(bytes).program))
}

/** The estimate for a calibrated machine takes the server part; without it, that of `glovebox compile` has to do. */
async function priced(
  path: string,
  part: ClientPart,
  costs: string | undefined,
): Promise<{ cost: Cost; pricedBy: string }> {
  const both = await isFolder(path)
  if (costs !== undefined && !both)
    throw new GloveboxError('unsupported', `--costs needs a folder with ${clientFile} and ${serverFile}, got ${path}`)
  const table = both ? await readTable(costs) : undefined
  const found = table && (await costWith(path, part, table, costs !== undefined))
  if (found) return { cost: found, pricedBy: costs ?? usualPlace() }
  return { cost: part.cost, pricedBy: 'what compile knew of the machine' }
}

/** Undefined where the folder has no server part, unless it is `needed`. */
async function costWith(
  folder: string,
  part: ClientPart,
  table: CostTable,
  needed: boolean,
): Promise<Cost | undefined> {
  const file = await within(folder, serverFile)
  let bytes: Uint8Array
  try {
    bytes = await readInput(file)
  } catch (error) {
    if (needed) throw error
    return undefined
  }
  const { program, digest } = of(file, () => decodeServerPart(bytes))
  if (Buffer.compare(digest, part.digest) !== 0)
    throw new GloveboxError('parameters-mismatch', `${folder}: ${clientFile} and ${serverFile} are of two programs`)
  return costOf(program, table)
}
