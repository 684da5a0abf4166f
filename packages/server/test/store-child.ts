import { writeSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { createTokens } from '../src/access/tokens.ts'
import { openDatabase } from '../src/store/database.ts'
import { openFiles } from '../src/store/files.ts'
import { openS3, type S3Options } from '../src/store/s3.ts'
import { keyFrame, keysOf, model, principal, registryOf, sha256, stream, upload } from './stores.ts'

// Writes and writes, and says on standard output what was acknowledged, until it is killed.

/** What a child is told, as JSON. */
export interface ChildOptions {
  readonly directory: string
  readonly url?: string | undefined
  readonly s3?: S3Options | undefined
  readonly seed: number
}

const { directory, url, s3, seed } = JSON.parse(process.argv[2] ?? '{}') as ChildOptions
// One write of a short line to a pipe is whole or not there.
const say = (...words: (string | number)[]): void => void writeSync(1, `${words.join(' ')}\n`)
say('opening')
const database = await openDatabase(url === undefined ? { directory } : { url })
const objects = s3 ? await openS3(s3) : await openFiles({ directory: `${directory}/objects` })
const backend = { database, objects, [Symbol.asyncDispose]: async () => undefined }
const [registry, keys, tokens] = [registryOf(backend), keysOf(backend), createTokens(database.db)]
const p = principal('writer')
model()
say('ready')

async function putKeys(i: number): Promise<void> {
  const bytes = keyFrame('11'.repeat(32), 30_000 + (i % 7) * 50_000, i)
  await keys.put(p, sha256(bytes), stream(bytes, 8192))
  say('keys', sha256(bytes))
}

async function appendKeys(i: number): Promise<void> {
  const bytes = keyFrame('11'.repeat(32), 200_000, i + 0.5)
  for (let offset = 0; offset < bytes.length; ) {
    const body = stream(bytes.subarray(offset, offset + 50_000), 8192)
    const answer = await keys.append(p, sha256(bytes), { offset, total: bytes.length, body })
    offset = answer.offset
    say(answer.complete ? 'keys' : 'part', sha256(bytes), offset)
  }
}

async function createVersion(i: number): Promise<void> {
  const { manifest } = await upload(registry, p, { texts: { 'card.md': `card ${seed} ${i}` } })
  await registry.createModel(p, { name: 'model' }).catch(() => undefined)
  const { version } = await registry.createVersion(p, { name: 'model', manifest })
  say('version', version, manifest)
  if (i % 3 === 0) {
    await registry.deleteVersion(p, 'model', version)
    say('deleted', version)
  } else {
    await registry.setAlias(p, 'model', 'production', version)
    say('alias', version)
  }
}

async function createToken(): Promise<void> {
  // They are quick: the others are to have their turn.
  await sleep(30)
  say('token', (await tokens.create({ tenant: 'writer', name: 'x', scopes: ['predict'] })).token)
}

const forever = async (work: (i: number) => Promise<void>): Promise<never> => {
  for (let i = seed * 1000; ; i++) await work(i)
}
await Promise.all([forever(putKeys), forever(appendKeys), forever(createVersion), forever(createToken)])
