import { pino } from 'pino'
import { serveSets } from '../src/sets/serve.ts'

// A server of sets in a process of its own, `node serve-sets.ts PORT NAME=FOLDER…`; it says when it is ready, and ends with its standard input.

const [port, ...sets] = process.argv.slice(2)
const folders = Object.fromEntries(sets.map((set) => set.split(/=(.*)/s, 2) as [string, string]))
const limits = { setElementsPerHour: 0, setQueriesPerHour: 0, setKeysPerHour: 0 }
const service = await serveSets({ folders, port: port!, limits }, pino({ level: 'silent' }))
process.stdout.write(`${service.url}\n`)
process.stdin.once('end', () => void service.close().then(() => process.exit(0))).resume()
