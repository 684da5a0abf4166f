import { pino } from 'pino'
import { serve } from '../src/serve.ts'
import { tinyModel } from './http.ts'

// A service in a process of its own; prints its address, and ends with its standard input.

const service = await serve([tinyModel().model], pino({ level: 'silent' }), { port: 0, data: process.argv[2] })
process.stdout.write(`${service.url}\n`)
process.stdin.once('end', () => void service.close().then(() => process.exit(0))).resume()
