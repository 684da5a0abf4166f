import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { accessSuite } from '../../test/access-suite.ts'
import { isolationSuite } from '../../test/isolation-suite.ts'
import { keysSuite } from '../../test/keys-suite.ts'
import { objectsSuite } from '../../test/objects-suite.ts'
import { type Postgres, postgresMissing, startPostgres } from '../../test/postgres.ts'
import { registrySuite } from '../../test/registry-suite.ts'
import { type S3, startS3 } from '../../test/s3.ts'
import { bytesOf, noise, type OpenBackend, stream } from '../../test/stores.ts'
import { createTokens } from '../access/tokens.ts'
import { type Database, openDatabase } from './database.ts'
import { openS3 } from './s3.ts'

// The suites of embedded.test.ts on a real PostgreSQL and an S3; what only those have.

if (postgresMissing) console.warn(`skipped: ${postgresMissing}`)

describe.skipIf(postgresMissing !== undefined)('with servers', () => {
  let postgres: Postgres
  let s3: S3
  beforeAll(async () => {
    ;[postgres, s3] = await Promise.all([startPostgres(), startS3()])
  })
  afterAll(async () => {
    await Promise.all([postgres?.stop(), s3?.stop()])
  })

  const open: OpenBackend = async () => {
    const database = await openDatabase({ url: await postgres.database() })
    const objects = await openS3(s3.options())
    return {
      database,
      objects,
      async [Symbol.asyncDispose]() {
        await database.close()
        await objects.close()
      },
    }
  }

  const name = 'PostgreSQL and S3'
  // s3rver, unlike S3, mixes what is put under one key at once; the service puts nothing else there than the same bytes.
  objectsSuite(name, open, false)
  accessSuite(name, open)
  keysSuite(name, open)
  registrySuite(name, open)
  isolationSuite(name, open, 15)

  test('ten replicas that start at once make the tables once', async () => {
    const url = await postgres.database()
    const replicas = await Promise.all(Array.from({ length: 10 }, () => openDatabase({ url, connections: 2 })))
    await Promise.all(
      replicas.map(({ db }, i) =>
        db
          .insertInto('counters')
          .values({ name: `n${i}`, version: i })
          .execute(),
      ),
    )
    expect((await replicas[0]!.db.selectFrom('counters').selectAll().execute()).length).toBe(10)
    await Promise.all(replicas.map((replica) => replica.close()))
  })

  test('a server that was killed is unavailable, then is there again, with all that was acknowledged', async () => {
    const url = await postgres.database()
    const database = await openDatabase({ url })
    const tokens = createTokens(database.db, { cacheMs: 0 })
    const made: string[] = []
    for (let round = 0; round < 3; round++) {
      let ended = false
      const codes = new Set<unknown>()
      const writing = Promise.all(
        Array.from({ length: 4 }, async () => {
          while (!ended)
            await tokens.create({ tenant: 'a', name: 'x', scopes: ['predict'] }).then(
              ({ token }) => made.push(token),
              (error: { code?: unknown }) => codes.add(error.code ?? error),
            )
        }),
      )
      await new Promise((resolve) => setTimeout(resolve, 200))
      await postgres.kill()
      await expect(database.ready()).rejects.toMatchObject({ code: 'unavailable' })
      await expect(database.db.transaction().execute(() => Promise.resolve())).rejects.toMatchObject({
        code: 'unavailable',
      })
      await postgres.start()
      const until = Date.now() + 10_000
      while (
        Date.now() < until &&
        (await database.ready().then(
          () => false,
          () => true,
        ))
      );
      ended = true
      await writing
      expect([...codes]).toEqual(['unavailable'])
      expect(made.length).toBeGreaterThan(0)
      for (const token of made) expect((await tokens.verify(token)).tenant).toBe('a')
    }
    await database.close()
  })

  test('a replica that starts before the server waits for it', async () => {
    const url = await postgres.database()
    await postgres.kill()
    let database: Database | undefined
    const opening = openDatabase({ url }).then((opened) => {
      database = opened
    })
    await expect(openDatabase({ url, patienceMs: 0 })).rejects.toMatchObject({ code: 'unavailable' })
    await postgres.start()
    await opening
    await database!.ready()
    await database!.close()
  })

  test('what is no URL, and tables of a newer release, are told so', async () => {
    await expect(openDatabase({ url: 'mysql://x' })).rejects.toMatchObject({ code: 'malformed' })
    const url = await postgres.database()
    const database = await openDatabase({ url })
    await database.db
      .insertInto('kysely_migration' as never)
      .values({ name: '0999-later', timestamp: new Date().toISOString() } as never)
      .execute()
    await database.close()
    await expect(openDatabase({ url })).rejects.toMatchObject({ code: 'unsupported' })
  })

  test('an S3 that was killed is unavailable, then is there again', async () => {
    const objects = await openS3(s3.options())
    await objects.put('kept', stream(noise(1000)))
    const interrupted = async function* (): AsyncGenerator<Uint8Array> {
      yield* stream(noise(6 * 2 ** 20), 2 ** 20)
      await s3.kill()
      yield* stream(noise(6 * 2 ** 20), 2 ** 20)
    }
    await expect(objects.put('half', interrupted())).rejects.toMatchObject({ code: 'unavailable' })
    await expect(objects.ready()).rejects.toMatchObject({ code: 'unavailable' })
    await expect(bytesOf(objects.get('kept'))).rejects.toMatchObject({ code: 'unavailable' })
    await expect(objects.size('kept')).rejects.toMatchObject({ code: 'unavailable' })
    await s3.start()
    await objects.ready()
    expect(await bytesOf(objects.get('kept'))).toEqual(noise(1000))
    expect(await objects.size('half')).toBeUndefined()
    await objects.close()
  })

  test('a bucket that is not there is told', async () => {
    const objects = await openS3({ ...s3.options(), bucket: 'nowhere' })
    await expect(objects.put('a', stream(noise(1)))).rejects.toMatchObject({ code: 'unavailable' })
    await expect(objects.ready()).rejects.toMatchObject({ code: 'unavailable' })
    await objects.close()
  })
})
