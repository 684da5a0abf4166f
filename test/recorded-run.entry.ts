import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createLog, loadModel, serve } from '@glovebox/server'

// A service in a process of its own: node recorded-run.entry.ts FOLDER DATA. Everything is logged.

const [folder, data] = process.argv.slice(2) as [string, string]
const read = (name: string): Uint8Array<ArrayBuffer> => new Uint8Array(readFileSync(join(folder, name)))
const model = loadModel({ name: 'digits', clientPart: read('client.gbx'), serverPart: read('server.gbx') })
const log = createLog({ level: 'trace' })
const service = await serve([model], log, { port: 0, data, logLevel: 'trace' })
log.info({ url: service.url }, 'listening')
process.once('SIGTERM', () => void service.close().then(() => process.exit(0)))
