import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type ConfigOptions, createLog, loadModel, openWorker, readConfig, serve } from '@glovebox/server'

// A service or a worker in a process of its own: node recorded-run.entry.ts serve|worker FOLDER OPTIONS, these in JSON. Everything is logged.

const [kind, folder, json] = process.argv.slice(2) as [string, string, string]
const options: ConfigOptions = { ...JSON.parse(json), port: 0, logLevel: 'trace' }
const log = createLog({ level: 'trace' })

async function open(): Promise<{ readonly url: string; close(): Promise<void> }> {
  if (kind === 'worker') {
    const worker = await openWorker(readConfig(options, {}), log)
    return { url: 'none', close: worker.close }
  }
  const [clientPart, serverPart] = ['client.gbx', 'server.gbx'].map(
    (name) => new Uint8Array(readFileSync(join(folder, name))),
  )
  const model = loadModel({ name: 'digits', clientPart: clientPart!, serverPart: serverPart! })
  return serve([model], log, options)
}

const opened = await open()
log.info({ url: opened.url }, 'listening')
process.once('SIGTERM', () => void opened.close().then(() => process.exit(0)))
