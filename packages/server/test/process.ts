import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { localPrincipal } from '../src/access/principal.ts'
import { readConfig } from '../src/config.ts'
import { openWorker } from '../src/jobs/worker.ts'
import { createLog } from '../src/observe/log.ts'
import { loadModel } from '../src/registry/load.ts'
import { pushModel } from '../src/serve.ts'
import { openService } from '../src/service.ts'

// A server or a worker as a process of its own, by the environment: `node process.ts serve MODEL-FOLDER` or `node process.ts worker`.

const [, , kind, folder] = process.argv
const config = readConfig()
const log = createLog({ level: 'warn' })
const say = (text: string): void => void process.stdout.write(`${text}\n`)

async function open(): Promise<{ close(): Promise<void> }> {
  if (kind === 'worker') {
    const worker = await openWorker(config, log)
    say('ready')
    return worker
  }
  const [clientPart, serverPart] = ['client.gbx', 'server.gbx'].map(
    (name) => new Uint8Array(readFileSync(join(folder!, name))),
  )
  const model = loadModel({ name: 'tiny', clientPart: clientPart!, serverPart: serverPart! })
  const service = await openService(config, log, ({ registry }) => pushModel(registry, localPrincipal, model))
  say(`ready ${service.url}`)
  return service
}

const opened = await open()
process.once('SIGTERM', () => {
  opened.close().then(
    () => process.exit(0),
    (err: unknown) => {
      log.error({ err }, 'did not stop in order')
      process.exit(1)
    },
  )
})
