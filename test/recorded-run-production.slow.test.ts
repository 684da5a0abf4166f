import { missing } from '../packages/server/test/installed.ts'
import { postgresMissing } from '../packages/server/test/postgres.ts'
import { openProduction } from './recorded-site.ts'
import { testRecordedRun } from './recorded-suite.ts'

testRecordedRun('PostgreSQL, Redis and S3', openProduction, postgresMissing ?? missing('redis-server', 'redis-cli'))
