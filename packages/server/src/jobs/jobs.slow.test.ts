import { afterAll, beforeAll, describe } from 'vitest'
import { jobsSuite } from '../../test/jobs-suite.ts'
import { type Postgres, postgresMissing, startPostgres } from '../../test/postgres.ts'
import { type S3, startS3 } from '../../test/s3.ts'
import { openDatabase } from '../store/database.ts'
import { openS3 } from '../store/s3.ts'

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
  jobsSuite('PostgreSQL and S3', async () => {
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
  })
})
