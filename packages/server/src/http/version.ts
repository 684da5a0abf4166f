import { readFileSync } from 'node:fs'

/** What the service calls itself in `GET /v2`. */
export const serverName = 'glovebox'
export const serverVersion: string = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
).version
