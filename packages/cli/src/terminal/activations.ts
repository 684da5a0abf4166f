import type { ApproximationReport } from '@glovebox/ml'
import Table from 'cli-table3'
import { showCount } from './format.ts'
import { short } from './steps.ts'

/** What became of activations: a row for each, and what that does to the answer. */
export function showApproximation({ activations, accuracy, samples, margin, met }: ApproximationReport): string {
  const table = new Table({
    head: ['activation', 'was', 'is now', 'inputs seen', 'good from … to', 'largest error', 'rms error'],
    colAligns: ['left', 'left', 'left', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  })
  for (const { name, kind, range, interval, degree, method, maxError, rmsError } of activations) {
    const [least, most] = method === 'square' ? ['any', ''] : interval.map(short)
    table.push([
      name,
      kind,
      method === 'square' ? 'its square' : `degree ${degree}${method === 'exact' ? ', exact' : `, ${method}`}`,
      range.map(short).join(' … '),
      most === '' ? least : `${least} … ${most}`,
      maxError.toPrecision(2),
      rmsError.toPrecision(2),
    ])
  }
  const lines = [table.toString(), `Ranges have a margin of ${percent(margin)} on either side.`]
  if (accuracy) {
    const same =
      accuracy.agreement === undefined ? '' : `; the largest output is the same for ${percent(accuracy.agreement)}`
    lines.push(
      `With polynomials, on ${showCount(samples)} samples: outputs are off by ${percent(accuracy.relativeError)} of their size (root mean square), by ${percent(accuracy.maxError)} of the largest at most${same}.`,
    )
  }
  if (!met)
    lines.push('That is more than was allowed: train with square activations, or name degrees with --activation.')
  return lines.join('\n')
}

function percent(share: number): string {
  return `${Number((100 * share).toPrecision(3))} %`
}
