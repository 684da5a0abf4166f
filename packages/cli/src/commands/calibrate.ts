import Table from 'cli-table3'
import type { Command } from 'commander'
import { usualPlace, writeTable } from '../calibration/table.ts'
import { showMs } from '../terminal/format.ts'
import { startProgress } from '../terminal/progress.ts'

export function addCalibrate(program: Command): void {
  program
    .command('calibrate')
    .summary('measure what operations cost on this machine')
    .description('Measure what operations cost on this machine, so that compile and inspect estimate for it.')
    .option('-o, --output <file>', 'where the measurements go; compile reads the usual place by itself', usualPlace())
    .option('--json', 'print one JSON object')
    .action(async ({ output, json }: { output: string; json?: boolean }) => {
      const { calibrate } = await import('../calibration/measure.ts')
      const progress = startProgress('measuring')
      const { table, measured } = await calibrate((_, done, total) => progress.update(done, total))
      progress.stop()
      await writeTable(output, table)
      if (json) {
        process.stdout.write(`${JSON.stringify({ table, measured })}\n`)
        return
      }
      const rows = new Table({
        head: ['model', 'measured', 'by the fitted table'],
        colAligns: ['left', 'right', 'right'],
        style: { head: [], border: [], compact: true },
      })
      for (const { name, milliseconds, estimate } of measured)
        rows.push([name, showMs(milliseconds), `${showMs(estimate)} (${percent(estimate / milliseconds - 1)})`])
      process.stdout.write(`${rows.toString()}\n${output}: what operations cost here, on one thread\n`)
    })
}

function percent(share: number): string {
  return `${share < 0 ? '−' : '+'}${Math.abs(100 * share).toFixed(0)} %`
}
